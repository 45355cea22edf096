"""Smaller training sets, each within the next: what a learning curve is measured on."""

from __future__ import annotations

import numpy as np

from bruit.data.dataset import Dataset
from bruit.training.splits import Index

SMALLEST, SHORTEST_RANGE, SIZES = 200, 16, 7
# Of each class there must be one image to train on, and, where the recipe chooses an epoch, one to choose it by.
OF_EACH_CLASS = 3
# A small set is drawn again and again, until so many images have been trained on: its draws differ, and cost little.
IMAGES_DRAWN, MOST_DRAWS = 5000, 3


def curve_sizes(n: int, n_classes: int) -> list[int]:
    """About seven sizes up to n, evenly spaced on a logarithmic scale, from 200 or less on: small enough for a range in
    which an error can be seen to fall, and large enough for three images of each class.
    """
    smallest = max(OF_EACH_CLASS * n_classes, min(SMALLEST, n // SHORTEST_RANGE))
    if smallest >= n:
        return [n]
    return sorted({round(size) for size in np.geomspace(smallest, n, SIZES)})


def draws_of(size: int, most: int = MOST_DRAWS) -> int:
    """How many times training sets of `size` are drawn."""
    return min(most, max(1, IMAGES_DRAWN // size))


def nested_order(dataset: Dataset, members: Index, seed: int) -> Index:
    """`members`, an index into `dataset`, in an order of which the first n are a stratified sample, for each n.

    The first of all are three images of each class, of different sources where there are so many.
    """
    rng = np.random.default_rng(seed)
    key = np.empty(len(members))
    for label in np.unique(dataset.labels[members]):
        mine = rng.permutation(np.flatnonzero(dataset.labels[members] == label))
        _, first = np.unique(dataset.ids[members[mine]], return_index=True)
        ahead = np.sort(first)[:OF_EACH_CLASS]
        mine = np.concatenate([mine[ahead], np.delete(mine, ahead)])
        key[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
        key[mine[:OF_EACH_CLASS]] = -1
    return members[np.argsort(key, kind="stable")]
