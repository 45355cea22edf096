"""Abstaining: how many images are read, and how often wrongly, if one reads none with less confidence than so much."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.evaluation.metrics import check_scores


class RiskCoverage(NamedTuple):
    """Read from the most confident image on, one after the other.

    confidence  (N,) of the image that is read last, falling
    coverage    (N,) the share of all images that are read then, rising to 1
    risk        (N,) the share of those that are read wrongly

    Source: Y. Geifman and R. El-Yaniv, Selective Classification for Deep Neural Networks (2017).
    """

    confidence: NDArray[np.float64]
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]

    def at_coverage(self, share: float) -> float:
        """The risk where at least this share of the images, 0 to 1, is read."""
        at = min(int(np.searchsorted(self.coverage, share - 1e-12)), len(self.risk) - 1)
        return float(self.risk[at])

    def at_confidence(self, least: float) -> tuple[float, float]:
        """(coverage, risk) where images are read with at least this confidence; (0, 0) where there are none."""
        n = int((self.confidence >= least).sum())
        return (float(self.coverage[n - 1]), float(self.risk[n - 1])) if n else (0.0, 0.0)


def risk_coverage(probabilities: ArrayLike, labels: ArrayLike) -> RiskCoverage:
    """(N, C) probabilities and (N,) labels → what abstaining costs and brings. Among images of the same confidence the
    wrong ones are read first, so that no order of the images flatters a model.
    """
    given, truth = check_scores(probabilities, labels)
    confidence, wrong = given.max(axis=1).astype(float), given.argmax(axis=1) != truth
    order = np.lexsort((~wrong, -confidence))
    n = np.arange(1, len(order) + 1)
    return RiskCoverage(confidence[order], n / len(order), np.cumsum(wrong[order]) / n)
