from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from bruit.errors import DataError
from bruit.evaluation import choose_winner, compare_on_test, conclude, holm, mcnemar, paired_bootstrap, wilson_interval

Correct = dict[str, np.ndarray]


def paired(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_a, only_b, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def results_of(correct: Correct, winner: str, families: dict[str, str] | None = None) -> dict[str, Any]:
    """What a finished study knows of these models; validation accuracies fall in the order of the names."""
    models = {
        name: {
            "family": (families or {}).get(name, "baseline"),
            "parameters": 10,
            "temperature": 1.5,
            "validation": {"accuracy": 0.9 - 0.1 * place, "nll": 0.3},
            "test": {
                "n": len(right),
                "accuracy": float(right.mean()),
                "accuracy_ci95": list(wilson_interval(int(right.sum()), len(right))),
                "ece": 0.01,
                "ece_uncalibrated": 0.04,
            },
        }
        for place, (name, right) in enumerate(correct.items())
    }
    return {"seed": 0, "models": models, "winner": winner, "comparison": compare_on_test(correct, winner, seed=0)}


def claims(results: dict[str, Any], correct: Correct) -> dict[str, dict[str, Any]]:
    return {claim["key"]: claim["values"] for claim in conclude(results, correct)}


@given(st.integers(0, 300), st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
@settings(deadline=None)
def test_mcnemar_agrees_with_the_binomial_test(both: int, only_a: int, only_b: int, neither: int) -> None:
    a, b = paired(both + 1, only_a, only_b, neither)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(a, b) == pytest.approx(expected)
    assert mcnemar(b, a) == mcnemar(a, b)


def test_mcnemar_and_bootstrap_refuse_what_is_not_paired() -> None:
    right = np.array([True, False])
    for other in (np.array([True]), np.array([1, 0]), np.array([[True, False]])):
        with pytest.raises(DataError, match="same images"):
            mcnemar(right, other)
        with pytest.raises(DataError, match="same images"):
            paired_bootstrap(right, other, seed=0)
    with pytest.raises(DataError, match="same images"):
        mcnemar(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))


def test_holm_worked_example() -> None:
    # 0.005 x 4, 0.01 x 3, then 0.03 x 2 = 0.06, which the largest, 0.04 x 1, may not fall below.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
    with pytest.raises(DataError, match="p-values"):
        holm([0.5, float("nan")])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(deadline=None)
def test_holm_lies_between_the_raw_values_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for raw, value in zip(p_values, adjusted, strict=True):
        assert raw <= value <= min(1, raw * len(p_values)) + 1e-12 or value == max(adjusted)
        assert raw <= value <= 1
    in_order = [adjusted[i] for i in np.argsort(p_values, kind="stable")]
    assert all(low <= high for low, high in pairwise(in_order))


def test_bootstrap_repeats_and_matches_resampling_the_images() -> None:
    a, b = paired(700, 90, 50, 160)
    interval = paired_bootstrap(a, b, seed=3)
    assert interval == paired_bootstrap(a, b, seed=3)
    rng = np.random.default_rng(0)
    index = rng.integers(len(a), size=(4000, len(a)))
    differences = a[index].mean(axis=1) - b[index].mean(axis=1)
    assert interval == pytest.approx(np.percentile(differences, [2.5, 97.5]), abs=0.002)
    low, high = paired_bootstrap(b, a, seed=4)
    assert (-high, -low) == pytest.approx(interval, abs=0.002)


def test_bootstrap_of_models_that_never_differ() -> None:
    right = np.array([True, False, True])
    assert paired_bootstrap(right, right, seed=0) == (0, 0)
    assert paired_bootstrap(np.array([True]), np.array([False]), seed=0) == (1, 1)


def test_bootstrap_covers_the_truth() -> None:
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(300):
        a, b = paired(*rng.multinomial(1000, [0.9, 0.05, 0.03, 0.02]))
        low, high = paired_bootstrap(a, b, seed=1, n=2000)
        covered += low <= 0.02 <= high
    assert 0.91 <= covered / 300 <= 0.99


def test_comparison_rows() -> None:
    a, b = paired(880, 70, 30, 20)
    row, itself = compare_on_test({"b": b, "a": a, "same": a}, winner="a", seed=0)
    assert (row["a"], row["b"], row["only_a_right"], row["only_b_right"]) == ("a", "b", 70, 30)
    assert row["difference"] == pytest.approx(0.04)
    assert row["ci95"][0] < 0.04 < row["ci95"][1]
    assert row["mcnemar_p"] == mcnemar(a, b)
    assert row["mcnemar_p_holm"] == pytest.approx(2 * mcnemar(a, b))
    assert (itself["b"], itself["difference"], itself["mcnemar_p_holm"]) == ("same", 0, 1)
    assert compare_on_test({"a": a}, winner="a", seed=0) == []
    with pytest.raises(DataError, match="among b, received a"):
        compare_on_test({"b": b}, winner="a", seed=0)


def test_winner_is_chosen_on_validation_and_ties_are_broken_in_order() -> None:
    def model(accuracy: float, nll: float, parameters: int) -> dict[str, Any]:
        return {"validation": {"accuracy": accuracy, "nll": nll}, "parameters": parameters, "test": {"accuracy": nll}}

    assert choose_winner({"x": model(0.8, 0.1, 1), "y": model(0.9, 0.9, 9)}) == "y"
    assert choose_winner({"x": model(0.9, 0.2, 1), "y": model(0.9, 0.1, 9)}) == "y"
    assert choose_winner({"x": model(0.9, 0.1, 9), "y": model(0.9, 0.1, 1)}) == "y"
    assert choose_winner({"y": model(0.9, 0.1, 1), "x": model(0.9, 0.1, 1)}) == "x"
    with pytest.raises(DataError, match="none"):
        choose_winner({})


def test_two_equal_models_are_tied_as_often_as_promised() -> None:
    rng = np.random.default_rng(2)
    tied = 0
    for _ in range(300):
        a, b = paired(*rng.multinomial(2000, [0.90, 0.04, 0.04, 0.02]))
        tied += "winner_tied" in claims(results_of({"a": a, "b": b}, "a"), {"a": a, "b": b})
    assert tied / 300 >= 0.92


def test_one_of_six_equal_models_is_not_called_clearly_best() -> None:
    rng = np.random.default_rng(4)
    other_than_tied = 0
    for _ in range(100):
        common, own = rng.random(1000) < 0.85, rng.random((6, 1000)) < 0.5
        correct = {f"m{i}": common | own[i] for i in range(6)}
        found = claims(results_of(correct, "m0"), correct)
        assert "winner_clear" not in found
        other_than_tied += "winner_tied" not in found
    assert other_than_tied <= 10


def test_a_clear_winner_and_its_runner_up() -> None:
    a, b = paired(800, 100, 20, 80)
    worse = b & (np.arange(1000) % 3 > 0)
    correct = {"a": a, "worse": worse, "b": b}
    values = claims(results_of(correct, "a"), correct)["winner_clear"]
    assert (values["model"], values["runner_up"], values["n"]) == ("a", "b", 1000)
    assert (values["accuracy"], values["difference"]) == pytest.approx((0.9, 0.08))
    assert values["ci95_difference"][0] > 0
    assert values["p_holm"] < 0.05


def test_a_winner_not_separated_from_one_of_two_is_tied_with_it() -> None:
    a, b = paired(850, 40, 30, 80)
    close_but_certain = a.copy()
    close_but_certain[:8] = False  # nearer to the winner than b, and yet never right alone
    correct = {"a": a, "b": b, "c": close_but_certain}
    assert claims(results_of(correct, "a"), correct)["winner_tied"]["runner_up"] == "b"


def test_an_advantage_that_holm_takes_away_is_a_tie() -> None:
    a, b = paired(900, 30, 14, 56)
    assert 0.02 < mcnemar(a, b) < 0.025
    correct = {"a": a, "b": b}
    assert "winner_clear" in claims(results_of(correct, "a"), correct)
    among_many = correct | {f"b{i}": b for i in range(3)}
    assert "winner_tied" in claims(results_of(among_many, "a"), among_many)


def test_a_winner_on_validation_that_the_test_set_overtakes() -> None:
    a, b = paired(800, 20, 100, 80)
    correct = {"a": a, "b": b, "c": a}
    values = claims(results_of(correct, "a"), correct)["winner_overtaken"]
    assert values["runner_up"] == "b"
    assert values["difference"] == pytest.approx(-0.08)


def test_one_model_has_no_runner_up() -> None:
    a, _ = paired(90, 0, 0, 10)
    found = conclude(results_of({"a": a}, "a"), {"a": a})
    assert [claim["key"] for claim in found] == ["winner_only", "calibration"]
    assert found[0]["values"]["accuracy"] == 0.9
    assert found[1]["values"] == {"model": "a", "ece": 0.01, "ece_uncalibrated": 0.04, "temperature": 1.5}


def test_a_model_from_outside_is_compared_but_decides_nothing() -> None:
    rng = np.random.default_rng(7)
    accuracy = {"a": 0.9, "b": 0.5, "x.keras": 0.99}
    correct = {name: rng.random(2000) < share for name, share in accuracy.items()}
    families = {"a": "dense", "b": "dense", "x.keras": "outside"}
    found = conclude(results_of(correct, "a", families), correct)
    assert [claim["key"] for claim in found] == ["winner_clear", "outside", "calibration"]
    assert found[0]["values"]["runner_up"] == "b"
    values = found[1]["values"]
    assert (values["model"], values["winner"], values["accuracy"]) == ("x.keras", "a", correct["x.keras"].mean())
    assert values["difference"] == pytest.approx(correct["a"].mean() - correct["x.keras"].mean())
    assert values["p_holm"] < 1e-9
    alone = {name: correct[name] for name in ("a", "x.keras")}
    found = conclude(results_of(alone, "a", families), alone)
    assert [claim["key"] for claim in found] == ["winner_only", "outside", "calibration"]


def test_families_and_improved_pairs() -> None:
    rng = np.random.default_rng(6)
    accuracy = {"cnn-plus": 0.97, "cnn": 0.92, "dnn-plus": 0.95, "dnn": 0.83, "knn": 0.9}
    correct = {name: rng.random(3000) < share for name, share in accuracy.items()}
    families = {name: {"c": "convolutional", "d": "dense", "k": "baseline"}[name[0]] for name in accuracy}
    found = conclude(results_of(correct, "cnn-plus", families), correct)
    assert [claim["key"] for claim in found] == ["winner_clear", "families", "improved", "improved", "calibration"]
    best = found[1]["values"]
    assert (best["best_dense"], best["best_convolutional"]) == ("dnn-plus", "cnn-plus")
    assert best["difference"] == pytest.approx(correct["cnn-plus"].mean() - correct["dnn-plus"].mean())
    assert best["p"] == mcnemar(correct["cnn-plus"], correct["dnn-plus"])
    assert [(claim["values"]["base"], claim["values"]["plus"]) for claim in found[2:4]] == [
        ("cnn", "cnn-plus"),
        ("dnn", "dnn-plus"),
    ]
    low, high = found[3]["values"]["ci95_difference"]
    assert low < found[3]["values"]["difference"] < high
    assert found[3]["values"]["difference"] == pytest.approx(0.12, abs=0.03)


def test_cross_validation_claims() -> None:
    folds = [{"fold": i, "n": 100, "accuracy": a, "test_accuracy": a} for i, a in enumerate((0.9, 0.91, 0.93))]
    entry = {
        "k": 3, "folds": folds, "mean": 0.913, "std": 0.015, "binomial_std": 0.028, "test_mean": 0.913,
        "test_std": 0.016, "seed_std": None, "seed_runs": [],
    }  # fmt: skip
    row = {"a": "a", "b": "b", "k": 3, "difference": 0.1, "ci95": [0.0, 0.2], "t": 2.0, "p": 0.05}
    running = {"k": 3, "folds": folds[:1]}
    found = conclude({"crossval": {"a": entry, "b": running}, "crossval_comparison": [row]}, {})
    assert [claim["key"] for claim in found] == ["sample_dependence", "folds_differ"]
    assert found[0]["values"] == {
        "model": "a", "k": 3, "mean": 0.913, "std": 0.015, "binomial_std": 0.028, "seed_std": None, "test_std": 0.016,
        "verdict": "no_more_than_chance", "spread": pytest.approx(0.03),
    }  # fmt: skip
    assert found[1]["values"] == {key: row[key] for key in ("a", "b", "k", "difference", "ci95", "p")}


def test_an_unfinished_study_claims_nothing() -> None:
    assert conclude({}, {}) == []
    untested = {"a": {"family": "dense", "parameters": 1, "validation": {"accuracy": 0.9, "nll": 0.1}}}
    assert conclude({"seed": 0, "models": untested, "winner": "a"}, {}) == []
    right = np.ones(5, dtype=bool)
    not_compared_yet = results_of({"a": right, "b": right}, "a") | {"comparison": []}
    assert "winner_only" not in claims(not_compared_yet, {"a": right, "b": right})
