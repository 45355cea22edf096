"""Which labels are likely wrong, from the probabilities of models that did not see the images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.errors import DataError


def suspect_labels(
    probs: ArrayLike, labels: ArrayLike, *, least: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The labels that models disagree with, the surest first, by their margin (Northcutt, Jiang & Chuang 2021).

    probs: (N, C) float, out-of-fold: row i by a model that was not trained on image i; labels: (N,) integer.
    The margin is the probability of the label less that of the likeliest other class; below 0 it is suspect. Of fewer
    suspects than `least`, those with the smallest margins above 0 come after them.
    Returns (index of the suspects, their suggested class). Raises DataError if the two do not fit together.
    """
    p, given = np.asarray(probs, np.float64), np.asarray(labels)
    if p.ndim != 2 or given.shape != (len(p),) or given.dtype.kind not in "iu":
        raise DataError(
            "expected (N, C) probabilities and (N,) labels, received {p.shape} and {given.shape}", p=p, given=given
        )
    if len(p) and not 0 <= given.min() <= given.max() < p.shape[1]:
        raise DataError(
            "expected labels in 0…{shape}, received {min}…{max}", shape=p.shape[1] - 1, min=given.min(), max=given.max()
        )
    rows = np.arange(len(p))
    others = p.copy()
    others[rows, given] = -1
    margin = p[rows, given] - others.max(axis=1, initial=-1)
    n = max(int((margin < 0).sum()), min(least, len(p)))
    ranked = np.argsort(margin, kind="stable")[:n]
    return ranked, others.argmax(axis=1)[ranked]
