"""Temperature scaling (Guo et al. 2017): one number that makes the stated confidence match the accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.errors import DataError
from bruit.evaluation.metrics import check_scores

LOWEST, HIGHEST = 0.05, 20.0


def fit_temperature(scores: ArrayLike, labels: ArrayLike) -> float:
    """The temperature T in [0.05, 20] whose softmax(scores / T) has the least NLL on these images.

    scores: (N, C) float, logits or log-probabilities (see `log_probabilities`); labels: (N,) integer in 0…C-1.
    The NLL is convex in 1/T, so that the one-dimensional search finds its minimum. Where every image is right with a
    margin the NLL only falls as T goes to 0: such images say nothing of how often the model errs, and T is 1.
    Raises DataError for scores that are not finite or do not fit the labels.
    """
    from scipy.optimize import minimize_scalar

    scores, labels = check_scores(scores, labels)
    scores = scores.astype(np.float64)
    rows = np.arange(len(labels))
    # Relative to the true class' score, the NLL is the mean log of the sum of exponentials.
    margins = scores - scores[rows, labels][:, None]
    others = margins.copy()
    others[rows, labels] = -np.inf
    if (others < 0).all():
        return 1.0
    top = margins.max(axis=1, keepdims=True)

    def mean_nll(log_temperature: float) -> float:
        beta = np.exp(-log_temperature)
        shifted = np.exp((margins - top) * beta).sum(axis=1)
        return float((np.log(shifted) + top[:, 0] * beta).mean())

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    found = minimize_scalar(mean_nll, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def apply_temperature(scores: ArrayLike, temperature: float) -> NDArray[np.float32]:
    """softmax(scores / temperature): (N, C) logits or log-probabilities to (N, C) float32 probabilities."""
    if not (np.isfinite(temperature) and temperature > 0):
        raise DataError("expected a temperature above 0, received {temperature}", temperature=temperature)
    scores = np.asarray(scores, dtype=np.float64)
    weights = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    probs: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return probs.astype(np.float32)


def without_temperature(probs: ArrayLike, temperature: float) -> NDArray[np.float32]:
    """What the model said before its temperature: (N, C) calibrated probabilities to (N, C) float32 probabilities.

    Probabilities are stored once, calibrated; this is how the figures without calibration come back.
    """
    return apply_temperature(log_probabilities(probs), 1 / temperature)


def log_probabilities(probs: ArrayLike) -> NDArray[np.float64]:
    """(N, C) probabilities to finite log-probabilities, clipped below at float32's smallest normal number, 1.2e-38.

    Given these, `apply_temperature` with 1 / T takes a temperature T out of stored probabilities again.
    """
    return np.log(np.maximum(np.asarray(probs, dtype=np.float64), np.finfo(np.float32).tiny))
