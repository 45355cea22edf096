"""A test set for data that come without one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Finding, Images, contents
from bruit.data.findings import find
from bruit.data.raw import Raw
from bruit.errors import DataError

PARTS, SEED = 10, 0


def set_aside(images: Images, labels: Raw) -> NDArray[np.bool_]:
    """(N,) which images become the test set: a tenth of each class, one at least, the same ones every time.

    Images that are the same pixel for pixel stay together, and classes of fewer than three images in training.
    Raises DataError if no class has three.
    """
    _, first, copy_of = np.unique(contents(images), return_index=True, return_inverse=True)
    sources = first[copy_of]
    rng = np.random.default_rng(SEED)
    chosen = []
    for label in np.unique(labels):
        of_class = np.unique(sources[labels == label])
        if len(of_class) >= 3:
            chosen.append(rng.permutation(of_class)[: max(1, round(len(of_class) / PARTS))])
    if not chosen:
        raise DataError(
            "there are no test images, and too few to set a tenth of each class aside ({n_images:,} images, fewer "
            "than 3 different ones of every class); add images or give test images",
            n_images=len(images),
        )
    return np.isin(sources, np.concatenate(chosen))


def set_aside_finding(aside: NDArray[np.bool_], unlabelled: bool) -> Finding:
    """What is said about it."""
    figure = {"images": int(aside.sum()), "total": len(aside), "seed": SEED}
    if unlabelled:
        return find("test-unlabelled", "warning", "both", **figure)
    return find("set-aside", "info", "both", **figure)
