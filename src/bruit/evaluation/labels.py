"""Which labels are likely wrong, from the probabilities of models that did not see the images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.errors import DataError


def suspect_labels(probs: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Confident learning (Northcutt, Jiang & Chuang 2021): labels that models disagree with, the surest first.

    probs: (N, C) float, out-of-fold: row i by a model that was not trained on image i; labels: (N,) integer.
    An image is confidently of a class if its probability is at least the mean that images labelled so get; of several
    such classes it is of the likeliest. It is suspect if that class is not its label. Suspects are ranked by their
    margin, the probability of the label less that of the suggested class.
    Returns (index of the suspects, their suggested class). Raises DataError if the two do not fit together.
    """
    p, given = np.asarray(probs, np.float64), np.asarray(labels)
    if p.ndim != 2 or given.shape != (len(p),) or given.dtype.kind not in "iu":
        raise DataError(f"expected (N, C) probabilities and (N,) labels, received {p.shape} and {given.shape}")
    n_classes = p.shape[1]
    if len(p) and not 0 <= given.min() <= given.max() < n_classes:
        raise DataError(f"expected labels in 0…{n_classes - 1}, received {given.min()}…{given.max()}")
    usual = np.full(n_classes, np.inf)  # nothing is confidently of a class that no label names
    for label in np.unique(given):
        usual[label] = p[given == label, label].mean()
    confident = np.where(p >= usual, p, -1)
    suggested = confident.argmax(axis=1)
    suspects = np.flatnonzero((confident.max(axis=1) >= 0) & (suggested != given))
    own = p[suspects, given[suspects]]
    order = np.argsort(own - p[suspects, suggested[suspects]], kind="stable")
    return suspects[order], suggested[suspects[order]]
