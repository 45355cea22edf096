"""Which model is better, and is it more than chance: paired tests, intervals, and claims with their numbers.

`correct_a`, `correct_b` are (N,) bool: whether each model is right on each image of the same set, in the same order.
A difference is always a - b in fractions 0…1; a p-value is two-sided and in 0…1; ALPHA is the level of every claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from bruit.errors import DataError
from bruit.evaluation.folds import ALPHA, sample_dependence
from bruit.evaluation.power_law import summary
from bruit.evaluation.robustness import standing
from bruit.locale import Sentence

Correct = Mapping[str, NDArray[np.bool_]]
Claim = dict[str, Any]


def only_one_right(correct_a: ArrayLike, correct_b: ArrayLike) -> tuple[int, int]:
    """On how many images a alone is right, and b alone. Raises DataError unless both are (N,) bool, N >= 1."""
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.dtype != bool or b.dtype != bool or a.ndim != 1 or a.shape != b.shape or not len(a):
        raise DataError(
            "expected two bool arrays of the same images, received {a.dtype} {a.shape} and {b.dtype} {b.shape}",
            a=a,
            b=b,
        )
    return int((a & ~b).sum()), int((b & ~a).sum())


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """p of the exact (binomial) McNemar test: are the images that one model alone gets right split evenly?

    1 where the two never differ.
    """
    only_a, only_b = only_one_right(correct_a, correct_b)
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979), in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("expected p-values in 0…1, received {p_values}", p_values=list(p_values))
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def paired_bootstrap(correct_a: ArrayLike, correct_b: ArrayLike, seed: int, n: int = 10_000) -> tuple[float, float]:
    """95 % percentile interval of the accuracy difference over `n` resamplings of the images.

    The difference depends on a resample only through how many images one model alone gets right, so those counts are
    drawn at once from their multinomial. Two models that never differ give [0, 0], which says no more than that.
    """
    only_a, only_b = only_one_right(correct_a, correct_b)
    size = len(np.asarray(correct_a))
    shares = [only_a / size, only_b / size, (size - only_a - only_b) / size]
    draws = np.random.default_rng(seed).multinomial(size, shares, size=n)
    low, high = np.percentile((draws[:, 0] - draws[:, 1]) / size, [2.5, 97.5])
    return float(low), float(high)


def choose_winner(models: Mapping[str, Mapping[str, Any]]) -> str:
    """The name with the highest validation accuracy; ties by lower validation NLL, then fewer parameters, then name.

    models: name to a dict with "validation" {"accuracy", "nll"} and "parameters". The test set has no say.
    """
    if not models:
        raise DataError("expected one model or more to choose the winner from, received none")

    def rank(name: str) -> tuple[float, float, int, str]:
        validation = models[name]["validation"]
        return -validation["accuracy"], validation["nll"], models[name]["parameters"], name

    return min(models, key=rank)


def compare_on_test(correct: Correct, winner: str, seed: int) -> list[dict[str, Any]]:
    """The winner against every other model on the test set, McNemar's p also after Holm: results["comparison"]."""
    if winner not in correct:
        raise DataError(
            "expected the winner among {correct}, received {winner}",
            correct=", ".join(correct) or Sentence("no models"),
            winner=winner,
        )
    others = [name for name in correct if name != winner]
    adjusted = holm([mcnemar(correct[winner], correct[name]) for name in others])
    return [
        _compare(correct, winner, name, seed) | {"mcnemar_p_holm": p} for name, p in zip(others, adjusted, strict=True)
    ]


def _compare(correct: Correct, a: str, b: str, seed: int) -> dict[str, Any]:
    only_a, only_b = only_one_right(correct[a], correct[b])
    return {
        "a": a,
        "b": b,
        "difference": (only_a - only_b) / len(correct[a]),
        "ci95": list(paired_bootstrap(correct[a], correct[b], seed)),
        "mcnemar_p": mcnemar(correct[a], correct[b]),
        "only_a_right": only_a,
        "only_b_right": only_b,
    }


def conclude(results: Mapping[str, Any], correct: Correct) -> list[Claim]:
    """The claims that the results carry, in the order of the report: [{"key", "values"}], plain values only.

    results: the dict of results.json, finished or not (what is not known yet makes no claim); correct: name to (N,)
    bool on the test set. Differences are winner - runner-up, convolutional - dense, plus - base and a - b.

    - winner_only {model, accuracy, ci95, n}: nothing to compare it with.
    - winner_clear, winner_tied, winner_overtaken: the same and {runner_up, difference, ci95_difference, p_holm}.
      Among those that the study trained, clear: better on the test set than every other model after Holm; the
      runner-up is the best of them. Tied: not separated from at least one; the best of those is named, and may be
      ahead. Overtaken: chosen on validation, but another is better after Holm.
    - outside {model, accuracy, winner, difference, ci95_difference, p_holm}: for each model from outside, which is no
      candidate; the difference is winner - model.
    - families {best_dense, best_convolutional, difference, ci95_difference, p}: the best of each on validation.
    - improved {base, plus, difference, ci95_difference, p}: for each pair of models NAME and NAME-plus.
    - sample_dependence {model, k, mean, std, binomial_std, seed_std, verdict, test_std, spread}: for each finished
      cross-validation; the verdict is that of `sample_dependence`, the spread is highest less lowest fold accuracy.
    - folds_differ {a, b, k, difference, ci95, p}: each row of results["crossval_comparison"].
    - more_images {model, verdict, doubts, n, accuracy, prediction}: each learning curve, see
      `bruit.evaluation.power_law.summary`.
    - under_noise: how the networks hold up, see `bruit.evaluation.robustness.standing`.
    - calibration {model, ece, ece_uncalibrated, temperature}: of the winner on the test set.

    families, improved and folds_differ come whatever their p (McNemar's, of a comparison fixed beforehand, or the
    corrected t-test's): their words must follow p and the interval.
    """
    models, winner, seed = results.get("models", {}), results.get("winner"), results.get("seed", 0)
    tested = {name: model for name, model in models.items() if "test" in model}
    compared = {name: model for name, model in tested.items() if name in correct}
    return [
        *_winner_claim(tested, winner, results.get("comparison", [])),
        *_outside_claims(tested, results.get("comparison", [])),
        *_families_claim(compared, correct, seed),
        *(
            _claim("improved", base=name, plus=f"{name}-plus", **_difference(correct, f"{name}-plus", name, seed))
            for name in compared
            if f"{name}-plus" in compared
        ),
        *(_dependence_claim(name, entry) for name, entry in results.get("crossval", {}).items() if "test_std" in entry),
        *(
            _claim("folds_differ", **{key: row[key] for key in ("a", "b", "k", "difference", "ci95", "p")})
            for row in results.get("crossval_comparison", [])
        ),
        *(
            _claim("more_images", model=name, **summary(curve))
            for name, curve in results.get("learning_curve", {}).items()
            if name in tested
        ),
        *([_claim("under_noise", **standing(results["robustness"]))] if "robustness" in results else []),
        *(
            _claim(
                "calibration",
                model=name,
                ece=model["test"]["ece"],
                ece_uncalibrated=model["test"]["ece_uncalibrated"],
                temperature=model["temperature"],
            )
            for name, model in tested.items()
            if name == winner
        ),
    ]


def _claim(key: str, **values: Any) -> Claim:
    return {"key": key, "values": values}


def _difference(correct: Correct, a: str, b: str, seed: int) -> dict[str, Any]:
    row = _compare(correct, a, b, seed)
    return {"difference": row["difference"], "ci95_difference": row["ci95"], "p": row["mcnemar_p"]}


def _winner_claim(
    tested: Mapping[str, Mapping[str, Any]], winner: str | None, rows: Sequence[Mapping[str, Any]]
) -> list[Claim]:
    tested = {name: model for name, model in tested.items() if model["family"] != "outside"}
    rows = [row for row in rows if row["b"] in tested]
    if winner is None or winner not in tested or (len(tested) > 1 and not rows):
        return []
    test = tested[winner]["test"]
    values = {"model": winner, "accuracy": test["accuracy"], "ci95": test["accuracy_ci95"], "n": test["n"]}
    if len(tested) == 1:
        return [_claim("winner_only", **values)]
    better = [row for row in rows if row["mcnemar_p_holm"] < ALPHA and row["difference"] < 0]
    open_ = [row for row in rows if row["mcnemar_p_holm"] >= ALPHA]
    key = "winner_overtaken" if better else "winner_tied" if open_ else "winner_clear"
    closest = min(better or open_ or rows, key=lambda row: float(row["difference"]))
    return [
        _claim(
            key,
            **values,
            runner_up=closest["b"],
            difference=closest["difference"],
            ci95_difference=closest["ci95"],
            p_holm=closest["mcnemar_p_holm"],
        )
    ]


def _outside_claims(tested: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    return [
        _claim(
            "outside",
            model=row["b"],
            accuracy=tested[row["b"]]["test"]["accuracy"],
            winner=row["a"],
            difference=row["difference"],
            ci95_difference=row["ci95"],
            p_holm=row["mcnemar_p_holm"],
        )
        for row in rows
        if row["b"] in tested and tested[row["b"]]["family"] == "outside"
    ]


def _families_claim(compared: Mapping[str, Mapping[str, Any]], correct: Correct, seed: int) -> list[Claim]:
    best = {}
    for family in ("dense", "convolutional"):
        members = {
            name: model for name, model in compared.items() if model["family"] == family and "members" not in model
        }
        if not members:
            return []
        best[family] = choose_winner(members)
    dense, convolutional = best["dense"], best["convolutional"]
    difference = _difference(correct, convolutional, dense, seed)
    return [_claim("families", best_dense=dense, best_convolutional=convolutional, **difference)]


def _dependence_claim(name: str, entry: Mapping[str, Any]) -> Claim:
    accuracies = [fold["accuracy"] for fold in entry["folds"]]
    copied = {key: entry[key] for key in ("k", "mean", "std", "binomial_std", "seed_std", "test_std")}
    return _claim(
        "sample_dependence",
        model=name,
        verdict=sample_dependence(entry),
        spread=max(accuracies) - min(accuracies),
        **copied,
    )
