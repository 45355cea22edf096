"""What the figures of many noisy sets come to: means, errors against a baseline, the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Figures = Mapping[str, Any]
Z95 = 1.959964


def mean_over(figures: Sequence[Figures], right: NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy, NLL and ECE averaged over sets, each set counting alike.

    right: (S, N) bool, which of the N images are read rightly in each of the S sets. They are the same images, so the
    95 % interval is that of the mean over images of how often each is read rightly (normal approximation).
    """
    accuracy = float(np.mean([one["accuracy"] for one in figures]))
    per_image = right.mean(axis=0)
    half = Z95 * float(per_image.std(ddof=1)) / len(per_image) ** 0.5 if len(per_image) > 1 else 0.0
    return {
        "accuracy": accuracy,
        "accuracy_ci95": [max(0.0, accuracy - half), min(1.0, accuracy + half)],
        "nll": float(np.mean([one["nll"] for one in figures])),
        "ece": float(np.mean([one["ece"] for one in figures])),
    }


def corruption_errors(
    errors: Mapping[str, Sequence[float]], baseline: Mapping[str, Sequence[float]], clean: float, baseline_clean: float
) -> dict[str, float | None]:
    """mCE and relative mCE (Hendrycks and Dietterich, ICLR 2019), 1 being as bad as the baseline.

    errors, baseline   of each corruption the error (1 − accuracy) at each of its severities
    clean, baseline_clean  the errors on the images as they are

    mce: the mean over corruptions of Σ errors / Σ baseline errors; relative_mce: the same of how much more they are
    than the clean error. A corruption that costs the baseline nothing is left out; None where that leaves none.
    """
    ratios = [_ratio(sum(errors[name]), sum(baseline[name])) for name in errors]
    more = [
        _ratio(sum(one - clean for one in errors[name]), sum(one - baseline_clean for one in baseline[name]))
        for name in errors
    ]
    return {"mce": _mean(ratios), "relative_mce": _mean(more)}


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
