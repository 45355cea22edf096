"""Which labels are may be wrong, from the probabilities of models that did not see the images."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.errors import ConfigError, DataError

WAYS = ("margin", "cleanlab")

Suspects = tuple[NDArray[np.int64], NDArray[np.int64], int]


def suspect_labels(probs: ArrayLike, labels: ArrayLike, *, least: int = 0, by: str = "margin") -> Suspects:
    """The labels that models disagree with, the surest first.

    probs: (N, C) float, out-of-fold: row i by a model that was not trained on image i; labels: (N,) integer.
    by     "margin" (Northcutt, Jiang & Chuang 2021): the probability of the label less that of the likeliest other
           class; below 0 it is suspect. "cleanlab": confident learning as that package does it, with its own score
    Of fewer suspects than `least`, those come after them that are next by the same score.
    Returns (index, their suggested class, how many of them are suspect). Raises DataError if the two do not fit
    together, ConfigError for another way, or where cleanlab is not installed.
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
    refuse_way(by)
    rows = np.arange(len(p))
    others = p.copy()
    others[rows, given] = -1
    if by == "margin":
        score = p[rows, given] - others.max(axis=1, initial=-1)
        suspect = score < 0
    else:
        score, suspect = _cleanlab(p, given)
    ranked = np.lexsort((score, ~suspect))[: max(int(suspect.sum()), min(least, len(p)))]
    return ranked, others.argmax(axis=1)[ranked], int(suspect.sum())


def refuse_way(by: str) -> None:
    """Raise ConfigError for a way to rank labels that there is not, or not here."""
    if by not in WAYS:
        raise ConfigError("expected one of {ways} to rank labels by, received {by!r}", ways=", ".join(WAYS), by=by)
    if by == "cleanlab" and find_spec("cleanlab") is None:
        raise ConfigError("this ranking needs cleanlab: pip install cleanlab")


def _cleanlab(p: NDArray[np.float64], given: NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(the quality of each label, which are wrong) as cleanlab has them, with its defaults."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    return get_label_quality_scores(given, p), find_label_issues(given, p, n_jobs=1)
