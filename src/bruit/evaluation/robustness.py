"""What the figures of many noisy sets come to: means, errors against a baseline, the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bruit.evaluation.metrics import wilson_interval

Figures = Mapping[str, Any]


def mean_over(figures: Sequence[Figures], right: NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy, NLL and ECE averaged over sets, each set counting alike.

    right: (S, N) bool, which of the N images are read rightly in each of the S sets. They are the same images, so the
    95 % interval is Wilson's for as many independent ones as would make the mean vary as much as it does over images.
    """
    accuracy = float(np.mean([one["accuracy"] for one in figures]))
    n_sets, n = right.shape
    per_image = right.mean(axis=0)
    vary = float(per_image.var())
    # Between N, if all sets were one, and S · N, if they had nothing to do with each other.
    independent = n if vary == 0 else min(max(n * accuracy * (1 - accuracy) / vary, n), n_sets * n)
    return {
        "accuracy": accuracy,
        "accuracy_ci95": list(wilson_interval(accuracy * independent, independent)),
        "nll": float(np.mean([one["nll"] for one in figures])),
        "ece": float(np.mean([one["ece"] for one in figures])),
    }


def lead(right: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    """Which of these reads most on average, and how far it is ahead of each other, the closest first: {"name", "over":
    {name: {"difference", "ci95"}}}.

    right: of each (S, N) bool, which of the same N images are read rightly in each of its S sets, which may be others.
    The intervals are those of a mean over images, for all pairs at once (Bonferroni), as the best was found by looking.
    """
    shares = {name: one.mean(axis=0) for name, one in right.items()}
    best = max(shares, key=lambda name: float(shares[name].mean()))
    pairs = max(1, len(shares) * (len(shares) - 1) // 2)
    reach = float(ndtri(1 - 0.025 / pairs))
    over: dict[str, dict[str, Any]] = {}
    for name, share in shares.items():
        if name != best:
            ahead = shares[best] - share
            difference, spread = float(ahead.mean()), reach * float(ahead.std()) / len(ahead) ** 0.5
            over[name] = {
                "difference": difference,
                "ci95": [max(-1.0, difference - spread), min(1.0, difference + spread)],
            }
    return {"name": best, "over": dict(sorted(over.items(), key=lambda item: float(item[1]["difference"])))}


def standing(results: Figures) -> dict[str, Any]:
    """What `bruit.robustness` found in short: the model that reads most of the noisy images, how it compares with the
    closest one, and what hurts it most, as values of the claim "under_noise".

    closest, next_hardest  the next one, of those that it is not surely ahead of if there are such; by how much, and
    whether that is `clear`: its interval is above zero; None where there is no other
    """
    ahead = results["lead"]
    model = results["models"][ahead["name"]]
    hardest = model["hardest"]
    return {
        "model": ahead["name"],
        "n": results["n"],
        "sets": len(results["sets"]),
        "clean": model["clean"]["accuracy"],
        "accuracy": model["mean"]["accuracy"],
        "ci95": model["mean"]["accuracy_ci95"],
        "closest": _closest(ahead["over"]),
        "hardest": hardest["name"],
        "hardest_accuracy": hardest["accuracy"],
        "next_hardest": _closest(hardest["over"]),
    }


def _closest(over: Figures) -> dict[str, Any] | None:
    if not over:
        return None
    unsure = [name for name, one in over.items() if one["ci95"][0] <= 0]
    name = min(unsure or over, key=lambda one: float(over[one]["difference"]))
    return {"name": name, **over[name], "clear": over[name]["ci95"][0] > 0}


def corruption_errors(
    errors: Mapping[str, Sequence[float]], baseline: Mapping[str, Sequence[float]], clean: float, baseline_clean: float
) -> dict[str, Any]:
    """mCE and relative mCE (Hendrycks and Dietterich, ICLR 2019), 1 being as bad as the baseline.

    errors, baseline   of each corruption the error (1 − accuracy) at each of its severities
    clean, baseline_clean  the errors on the images as they are

    mce: the mean over corruptions of Σ errors / Σ baseline errors; None if the baseline makes none on one of them.
    relative_mce: the same of how much more they are than the clean error, without the corruptions of `left_out`, which
    cost the baseline nothing; None where that leaves none.
    """
    ratios = [_ratio(sum(errors[name]), sum(baseline[name])) for name in errors]
    more = [
        _ratio(sum(one - clean for one in errors[name]), sum(one - baseline_clean for one in baseline[name]))
        for name in errors
    ]
    return {
        "mce": None if None in ratios else _mean(ratios),
        "relative_mce": _mean(more),
        "left_out": [name for name, ratio in zip(errors, more, strict=True) if ratio is None],
    }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
