"""How right and how sure: pure functions of stored probabilities and true labels.

Everywhere `probs` is (N, C) float, rows summing to one; `labels` is (N,) integer in 0…C-1; N >= 1. The prediction is
the most probable class, the lowest index on a tie. Fractions are 0…1, sums are float64, and what is returned as a
number, list or dict holds plain Python values, ready for JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from bruit.errors import DataError

N_BINS = 15


# Rows that are looked at in one step.
_BLOCK = 2**16
Scores = NDArray[np.floating]


def check_scores(scores: ArrayLike, labels: ArrayLike) -> tuple[Scores, NDArray[np.int64]]:
    """Give (N, C) scores as floats, float32 as they are, and (N,) labels as int64; DataError unless they fit together.

    There may be tens of millions: no copy is made of what is of these types.
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or 0 in scores.shape:
        raise DataError(
            "expected one row of scores per image, shape (N, C), received shape {scores.shape}", scores=scores
        )
    if scores.dtype.kind not in "fiu":
        raise DataError("expected scores as real numbers, received {scores.dtype}", scores=scores)
    if labels.shape != scores.shape[:1] or labels.dtype.kind not in "iu":
        raise DataError(
            "expected {n_scores} integer labels, one for each row of scores, "
            "received shape {labels.shape} of {labels.dtype}",
            n_scores=len(scores),
            labels=labels,
        )
    n_classes = scores.shape[1]
    if labels.min() < 0 or labels.max() >= n_classes:
        raise DataError(
            "expected labels in 0…{n_classes} for {n_classes2} columns of scores, received {min}…{max}",
            n_classes=n_classes - 1,
            n_classes2=n_classes,
            min=labels.min(),
            max=labels.max(),
        )
    if not all(np.isfinite(scores[part]).all() for part in _parts(scores)):
        raise DataError("received scores that are NaN or infinite; clip probabilities before taking their logarithm")
    kept = scores.dtype in (np.float32, np.float64)
    return (scores if kept else scores.astype(np.float64)), labels.astype(np.int64, copy=False)


def _parts(rows: NDArray[np.generic]) -> Iterator[slice]:
    for start in range(0, len(rows), _BLOCK):
        yield slice(start, start + _BLOCK)


def check_probabilities(probs: ArrayLike, labels: ArrayLike) -> tuple[Scores, NDArray[np.int64]]:
    """As `check_scores`; DataError also where rows are not probabilities (to 1e-3: models may compute in bf16)."""
    probs, labels = check_scores(probs, labels)
    sums = (probs[part].sum(axis=1, dtype=np.float64) for part in _parts(probs))
    if probs.min() < 0 or any(np.abs(one - 1).max() > 1e-3 for one in sums):
        raise DataError("expected rows of probabilities that sum to 1, received other scores; apply a softmax first")
    return probs, labels


def accuracy(probs: ArrayLike, labels: ArrayLike) -> float:
    """Fraction of images whose most probable class is the true one."""
    return float(correct(probs, labels).mean())


def correct(probs: ArrayLike, labels: ArrayLike) -> NDArray[np.bool_]:
    """(N,) bool: whether the most probable class is the true one; what the paired comparisons take."""
    probs, labels = check_probabilities(probs, labels)
    return np.asarray(probs.argmax(axis=1) == labels)


def wilson_interval(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for the fraction k / n (Wilson 1927): honest near 0 and 1, where models live.

    Raises DataError unless 0 <= k <= n, n >= 1 and 0 < level < 1.
    """
    if not (0 <= k <= n and n >= 1 and 0 < level < 1):
        raise DataError(
            "expected 0 <= k <= n, n >= 1 and 0 < level < 1, received k={k}, n={n}, level={level}",
            k=k,
            n=n,
            level=level,
        )
    z = float(ndtri((1 + level) / 2))
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # At the ends the interval closes exactly; rounding must not leave the estimate outside of it.
    low = 0.0 if k == 0 else min(max(centre - half, 0.0), share)
    high = 1.0 if k == n else max(min(centre + half, 1.0), share)
    return low, high


def nll(probs: ArrayLike, labels: ArrayLike) -> float:
    """Mean negative log-likelihood in nats.

    Probabilities are clipped below at the float32 epsilon (1.19e-7), so that one image costs 15.9 nats at most and a
    probability that float32 rounded to zero does not make the mean infinite.
    """
    probs, labels = check_probabilities(probs, labels)
    total = 0.0
    for part in _parts(labels):
        of_truth = probs[part][np.arange(len(labels[part])), labels[part]].astype(np.float64)
        total -= float(np.log(np.clip(of_truth, np.finfo(np.float32).eps, 1.0)).sum())
    return total / len(labels)


def reliability(probs: ArrayLike, labels: ArrayLike) -> list[dict[str, Any]]:
    """Confidence against accuracy in 15 equal-width bins of the top label's probability.

    Bin i holds confidences in (i/15, (i+1)/15], as in Guo et al. 2017. Each row is
    {"low", "high", "n", "confidence", "accuracy"}; the two means are None in an empty bin.
    """
    probs, labels = check_probabilities(probs, labels)
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    counts, confidence_sums, right_sums = np.zeros(N_BINS, np.int64), np.zeros(N_BINS), np.zeros(N_BINS)
    for part in _parts(labels):
        confidence = probs[part].max(axis=1).astype(np.float64)
        right = probs[part].argmax(axis=1) == labels[part]
        bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, N_BINS - 1)
        counts += np.bincount(bins, minlength=N_BINS)
        confidence_sums += np.bincount(bins, weights=confidence, minlength=N_BINS)
        right_sums += np.bincount(bins, weights=right, minlength=N_BINS)
    return [
        {
            "low": float(edges[i]),
            "high": float(edges[i + 1]),
            "n": int(n),
            # Rows may sum to a hair more than one: a confidence is never shown above it.
            "confidence": min(float(confidence_sums[i] / n), 1.0) if n else None,
            "accuracy": float(right_sums[i] / n) if n else None,
        }
        for i, n in enumerate(counts)
    ]


def ece(probs: ArrayLike, labels: ArrayLike) -> float:
    """Expected calibration error of the top label over the bins of `reliability` (Guo et al. 2017), 0…1."""
    rows = [row for row in reliability(probs, labels) if row["n"]]
    total = sum(row["n"] for row in rows)
    return float(sum(row["n"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / total)


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """(C, C) int64 counts: rows are true classes, columns predicted ones. Both inputs are (N,) integer in 0…C-1."""
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim != 1 or labels.shape != predictions.shape or not len(labels):
        raise DataError(
            "expected as many predictions as labels, received shapes {predictions.shape} and {labels.shape}",
            predictions=predictions,
            labels=labels,
        )
    for name, values in (("labels", labels), ("predictions", predictions)):
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= n_classes:
            raise DataError(
                "expected integer {name} in 0…{n_classes}, received {min}…{max}",
                name=name,
                n_classes=n_classes - 1,
                min=values.min(),
                max=values.max(),
            )
    counts = np.zeros(n_classes**2, np.int64)
    for part in _parts(labels):
        cells = labels[part].astype(np.int64) * n_classes + predictions[part].astype(np.int64)
        counts += np.bincount(cells, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def per_class(confusion: NDArray[np.int64], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of each class from a (C, C) confusion matrix.

    0/0 counts as 0: the precision of a class never predicted, the recall of a class that has no image.
    """
    hits = np.diag(confusion).astype(np.float64)
    support = confusion.sum(axis=1)
    predicted = confusion.sum(axis=0)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    return [
        {
            "class": name,
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(support[i]),
        }
        for i, name in enumerate(classes)
    ]


def most_confused(confusion: NDArray[np.int64], classes: Sequence[str], top: int = 10) -> list[dict[str, Any]]:
    """The wrong (true, predicted) pairs that occur, most frequent first, at most `top`; ties in matrix order."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    support = confusion.sum(axis=1)
    order = np.argsort(-wrong, axis=None, kind="stable")[:top]
    pairs = [divmod(int(cell), len(classes)) for cell in order]
    return [
        {
            "true": classes[true],
            "predicted": classes[predicted],
            "count": int(wrong[true, predicted]),
            "fraction_of_true": float(wrong[true, predicted] / support[true]),
        }
        for true, predicted in pairs
        if wrong[true, predicted]
    ]


def worst_mistakes(
    probs: ArrayLike, labels: ArrayLike, ids: ArrayLike, classes: Sequence[str], top: int = 25
) -> list[dict[str, Any]]:
    """The errors made with most confidence, surest first, at most `top`; equally sure ones in the order of the images.

    `ids` is (N,) integer, the ids of the source images; "index" is the row of the image in `probs`.
    """
    probs, labels = check_probabilities(probs, labels)
    ids = np.asarray(ids)
    if ids.shape != labels.shape:
        raise DataError(
            "expected one id for each of {n_labels} images, received shape {ids.shape}", n_labels=len(labels), ids=ids
        )
    predictions, confidence = probs.argmax(axis=1), probs.max(axis=1)
    wrong = np.flatnonzero(predictions != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:top]
    return [
        {
            "index": int(i),
            "id": int(ids[i]),
            "true": classes[labels[i]],
            "predicted": classes[predictions[i]],
            "confidence": min(float(confidence[i]), 1.0),
        }
        for i in worst
    ]
