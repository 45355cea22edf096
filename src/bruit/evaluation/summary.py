"""The figures of one model on one split, in the shape that results.json keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from bruit.errors import DataError
from bruit.evaluation import metrics


def evaluate_split(
    probs: ArrayLike,
    uncalibrated_probs: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    ids: ArrayLike,
    detail: bool,
) -> dict[str, Any]:
    """Accuracy with its Wilson interval, and NLL and ECE with and without the temperature, as plain Python values.

    probs, uncalibrated_probs: (N, C) float; labels, ids: (N,) integer; classes: C names. With `detail` also the
    confusion matrix, the figures per class, the most confused pairs, the reliability rows and the worst mistakes.
    Raises DataError where the arrays do not fit together.
    """
    calibrated, truth = metrics.check_probabilities(probs, labels)
    if len(classes) != calibrated.shape[1]:
        raise DataError(
            "expected {calibrated.shape[1]} class names, one a column, received {n_classes}",
            calibrated=calibrated,
            n_classes=len(classes),
        )
    n = len(truth)
    predictions = calibrated.argmax(axis=1)
    n_right = int((predictions == truth).sum())
    figures: dict[str, Any] = {
        "n": n,
        "accuracy": n_right / n,
        "accuracy_ci95": list(metrics.wilson_interval(n_right, n)),
        "nll": metrics.nll(probs, labels),
        "nll_uncalibrated": metrics.nll(uncalibrated_probs, labels),
        "ece": metrics.ece(probs, labels),
        "ece_uncalibrated": metrics.ece(uncalibrated_probs, labels),
    }
    if detail:
        confusion = metrics.confusion_matrix(truth, predictions, len(classes))
        figures |= {
            "confusion": confusion.tolist(),
            "per_class": metrics.per_class(confusion, classes),
            "most_confused": metrics.most_confused(confusion, classes),
            "reliability": metrics.reliability(probs, labels),
            "worst_mistakes": metrics.worst_mistakes(probs, labels, ids, classes),
        }
    return figures
