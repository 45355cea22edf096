"""What a cross-validation says: its spread beside chance, its models in pairs, its dependence on the training sample.

A fold is a dict with "n" (held-out images), "accuracy" (on them) and "test_accuracy" (on the common test set); a seed
run, the first fold trained again on the same images with another seed, has the two accuracies. Fractions are 0…1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, chdtri, fdtrc, stdtr, stdtrit

from bruit.errors import DataError
from bruit.evaluation import metrics

ALPHA = 0.05
NOTICEABLE_STD = 0.005
FEWEST_FOLDS = 3


def summarise_crossval(
    folds: Sequence[dict[str, Any]],
    seed_runs: Sequence[dict[str, Any]],
    oof_probs: ArrayLike,
    labels: ArrayLike,
) -> dict[str, Any]:
    """The spread of a finished cross-validation beside what chance alone would give.

    folds: two or more dicts with "n", "accuracy" and "test_accuracy"; seed_runs: dicts with "accuracy", the first fold
    trained again on the same images with other seeds (the fold itself first); oof_probs: (N, C) float, the
    probabilities for each image by the model that did not see it; labels: (N,) integer.
    Standard deviations divide by n - 1; "seed_std" is None with fewer than two runs.
    """
    if len(folds) < 2:
        raise DataError("expected 2 folds or more, received {n_folds}", n_folds=len(folds))
    accuracies = [fold["accuracy"] for fold in folds]
    test_accuracies = [fold["test_accuracy"] for fold in folds]
    right = metrics.correct(oof_probs, labels)
    n, n_right = len(right), int(right.sum())
    share = n_right / n
    return {
        "k": len(folds),
        "folds": list(folds),
        "mean": float(np.mean(accuracies)),
        "std": float(np.std(accuracies, ddof=1)),
        "oof": {
            "n": n,
            "accuracy": share,
            "accuracy_ci95": list(metrics.wilson_interval(n_right, n)),
            "nll": metrics.nll(oof_probs, labels),
            "ece": metrics.ece(oof_probs, labels),
        },
        "binomial_std": float(np.sqrt(share * (1 - share) / np.mean([fold["n"] for fold in folds]))),
        "test_mean": float(np.mean(test_accuracies)),
        "test_std": float(np.std(test_accuracies, ddof=1)),
        "seed_std": float(np.std([run["accuracy"] for run in seed_runs], ddof=1)) if len(seed_runs) > 1 else None,
        "seed_runs": list(seed_runs),
    }


def corrected_resampled_t(diffs: ArrayLike, n_train: float, n_test: float) -> dict[str, Any]:
    """Student's t-test on the differences of k folds, corrected for their common training data (Nadeau & Bengio 2003).

    diffs: (k,) float, k >= 2; n_train, n_test: images that a fold trains on and is tested on. The variance of the mean
    is (1/k + n_test/n_train) s², with k - 1 degrees of freedom; s² is never taken smaller than the rounding of two
    accuracies to 1/n_test makes it, so that a few equal differences are not taken for certainty.
    Returns {"difference", "t", "p", "ci95"}.
    """
    d = np.asarray(diffs, dtype=np.float64)
    if d.ndim != 1 or len(d) < 2 or not np.isfinite(d).all() or min(n_train, n_test) <= 0:
        raise DataError(
            "expected 2 differences or more and sizes above 0, received {tolist}, {n_train} and {n_test}",
            tolist=d.tolist(),
            n_train=n_train,
            n_test=n_test,
        )
    k = len(d)
    variance = max(float(d.var(ddof=1)), 1 / (6 * n_test**2))
    error = ((1 / k + n_test / n_train) * variance) ** 0.5
    mean = float(d.mean())
    t = mean / error
    half = float(stdtrit(k - 1, 0.975)) * error
    return {
        "difference": mean,
        "t": t,
        "p": min(1.0, 2 * float(stdtr(k - 1, -abs(t)))),
        "ci95": [mean - half, mean + half],
    }


def compare_folds(crossval: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each pair of models whose cross-validations are finished, on the same folds: results["crossval_comparison"]."""
    rows = []
    for a, b in combinations(crossval, 2):
        folds_a, folds_b = crossval[a]["folds"], crossval[b]["folds"]
        sizes = [fold["n"] for fold in folds_a]
        finished = len(folds_a) == crossval[a]["k"] >= 2
        if not finished or sizes != [fold["n"] for fold in folds_b]:
            continue
        diffs = [one["accuracy"] - other["accuracy"] for one, other in zip(folds_a, folds_b, strict=True)]
        held_out = float(np.mean(sizes))
        trained_on = float(np.mean([fold["n_train"] for fold in folds_a]))
        test = corrected_resampled_t(diffs, n_train=trained_on, n_test=held_out)
        rows.append({"a": a, "b": b, "k": len(diffs)} | test)
    return rows


def sample_dependence(crossval: Mapping[str, Any]) -> str:
    """Does the result depend on which images a model was trained on, more than chance alone would have it?

    crossval: one model's entry of results["crossval"]; read are "folds" {"n", "accuracy", "test_accuracy"} and
    "seed_runs" {"accuracy", "test_accuracy"}, in which test accuracies may still be missing. Two yardsticks, each at
    5 %, so that a model whose folds differ by chance alone is called dependent in at most one of ten cases:

    1. Fold accuracies against what drawing the held-out images and the seed give. Without seed runs a chi-square test
       of homogeneity with k - 1 degrees of freedom, and a difference that it finds may be the seed's; with them an F
       test, as the seed's variance is itself estimated.
    2. The fold models on the common test set, where the images are the same and only training sample and seed are
       left, against other seeds on the same sample: an F test of the two variances. Without seed runs, no test.

    Returns "no_more_than_chance" (neither rejects), "small_but_real" (one rejects, the standard deviation that it
    looks at is below half a point), "depends" (one rejects, half a point or more), or "unknown" (fewer than 3 folds).
    Limits: with few folds and seeds both are weak, so that "no more than chance" means *not shown*, not *shown not
    to*; folds share training data, so other samples of the same size could differ more than these do.
    """
    folds, seeds = crossval.get("folds", []), crossval.get("seed_runs", [])
    if len(folds) < FEWEST_FOLDS:
        return "unknown"
    sizes = np.array([fold["n"] for fold in folds])
    accuracies = np.array([fold["accuracy"] for fold in folds])
    on_test = np.array([fold["test_accuracy"] for fold in folds if "test_accuracy" in fold])
    p_held_out = _p_held_out(accuracies, sizes, [run["accuracy"] for run in seeds])
    p_common = _p_common(on_test, [run["test_accuracy"] for run in seeds if "test_accuracy" in run])
    spreads = [float(values.std(ddof=1)) for values, p in ((accuracies, p_held_out), (on_test, p_common)) if p < ALPHA]
    if not spreads:
        return "no_more_than_chance"
    return "depends" if max(spreads) >= NOTICEABLE_STD else "small_but_real"


def _p_held_out(accuracies: NDArray[np.float64], sizes: NDArray[np.int64], seeds: Sequence[float]) -> float:
    mean = float(np.average(accuracies, weights=sizes))
    images = mean * (1 - mean) / sizes
    seed = float(np.var(seeds, ddof=1)) if len(seeds) > 1 else 0.0
    if not images.any():  # every fold all right or all wrong
        return 1.0
    statistic = float(((accuracies - mean) ** 2 / (images + seed)).sum())
    df = len(sizes) - 1
    if seed == 0:
        return float(chdtrc(df, statistic))
    # Satterthwaite's degrees of freedom are too many where a small seed variance is itself an accident of few runs;
    # taken at its upper 80 % limit, chance alone is rejected in about 5 % of cases, with two runs as well (simulated).
    seed_df = len(seeds) - 1
    seed_limit = seed * seed_df / float(chdtri(seed_df, 0.8))
    chance_df = seed_df * (images.mean() + seed_limit) ** 2 / seed_limit**2
    return float(fdtrc(df, chance_df, statistic / df))


def _p_common(on_test: NDArray[np.float64], seeds: Sequence[float]) -> float:
    seed = float(np.var(seeds, ddof=1)) if len(seeds) > 1 else 0.0
    if seed == 0 or len(on_test) < FEWEST_FOLDS:  # nothing to measure, or nothing to measure it against
        return 1.0
    return float(fdtrc(len(on_test) - 1, len(seeds) - 1, on_test.var(ddof=1) / seed))
