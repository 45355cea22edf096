"""How many images of each class there are, from what a classifier says of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# What has a smaller share of the images is not told from a mistake of the classifier.
LEAST = 0.002
RESAMPLES = 200
# The overlap of grey levels from which images look like those that are remade with the noise found in them.
ALIKE = 0.9
_STEPS, _CLOSE = 500, 1e-5


def class_shares(probabilities: NDArray[np.floating], seed: int = 0) -> tuple[Floats, Floats]:
    """The share of each class among N images: the most likely ones, and those of as many images drawn again and again.

    probabilities  (N, C), of a calibrated classifier that was trained on as many images of each class

    Returns (C,) and (200, C), the percentiles of which are intervals. An image that the classifier takes for one of two
    classes is counted with the one that other images are surely of; counting the likeliest classes would give both
    their part. Source: expectation-maximisation of M. Saerens et al., Neural Computation 14 (2002).
    """
    every = np.asarray(probabilities, np.float64)
    shares = _most_likely(every, np.full(every.shape[1], 1 / every.shape[1]))
    kept = np.flatnonzero(shares >= LEAST)
    likely = every[:, kept] + 1e-12
    begin = _most_likely(likely, shares[kept] / shares[kept].sum())
    draw = np.random.default_rng(seed)
    n = len(every)
    drawn = [_most_likely(likely, begin, draw.multinomial(n, np.full(n, 1 / n))) for _ in range(RESAMPLES)]
    result, resampled = np.zeros(every.shape[1]), np.zeros((RESAMPLES, every.shape[1]))
    result[kept], resampled[:, kept] = begin, drawn
    return result, resampled


def _most_likely(probabilities: Floats, shares: Floats, weights: NDArray[np.integer] | None = None) -> Floats:
    """The shares under which such probabilities are most likely; `weights` says how often each image counts."""
    if weights is not None:
        there = np.flatnonzero(weights)
        probabilities, weights = probabilities[there], weights[there] / weights.sum()
    for _ in range(_STEPS):
        of_each = probabilities * shares
        of_each /= of_each.sum(axis=1, keepdims=True)
        before, shares = shares, of_each.mean(axis=0) if weights is None else weights @ of_each
        if np.abs(shares - before).max() < _CLOSE:
            break
    return shares
