"""Means and errors over noisy sets."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.evaluation.metrics import wilson_interval
from bruit.evaluation.published import ROWS, of_suite
from bruit.evaluation.robustness import corruption_errors, lead, mean_over, standing


def test_the_mean_counts_every_set_alike_and_images_once() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((15, 400)) < rng.random(400)  # some images are hard in every set
    figures = [{"accuracy": float(row.mean()), "nll": 0.1 * i, "ece": 0.01} for i, row in enumerate(right)]
    mean = mean_over(figures, right)
    assert mean["accuracy"] == pytest.approx(right.mean())
    assert mean["nll"] == pytest.approx(0.7)
    low, high = mean["accuracy_ci95"]
    # As wide as a bootstrap of the images has it, and wider than 6,000 independent images would be.
    resampled = [right[:, rng.integers(0, 400, 400)].mean() for _ in range(2000)]
    assert (high - low) == pytest.approx(np.subtract(*np.quantile(resampled, [0.975, 0.025])), rel=0.1)
    assert high - low > 1.5 * 2 * 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / right.size)


def test_errors_are_in_units_of_the_baselines() -> None:
    baseline = {"fog": [0.2, 0.4], "stripe": [0.5]}
    assert corruption_errors(baseline, baseline, 0.1, 0.1) == {"mce": 1.0, "relative_mce": 1.0, "left_out": []}
    half = {name: [error / 2 for error in errors] for name, errors in baseline.items()}
    # Half the errors, and half the clean ones: half of what noise adds, too.
    assert corruption_errors(half, baseline, 0.05, 0.1)["mce"] == 0.5
    assert corruption_errors(half, baseline, 0.05, 0.1)["relative_mce"] == pytest.approx(0.5)
    mixed = corruption_errors({"fog": [0.2, 0.1], "stripe": [1.0]}, baseline, 0.05, 0.1)
    assert mixed["mce"] == pytest.approx((0.3 / 0.6 + 2) / 2)
    assert mixed["relative_mce"] == pytest.approx((0.2 / 0.4 + 0.95 / 0.4) / 2)


def test_a_corruption_that_costs_the_baseline_nothing_is_named() -> None:
    found = corruption_errors({"fog": [0.2], "scale": [0.3]}, {"fog": [0.4], "scale": [0.0]}, 0.0, 0.0)
    assert found == {"mce": None, "relative_mce": 0.5, "left_out": ["scale"]}
    found = corruption_errors({"fog": [0.2]}, {"fog": [0.1]}, 0.2, 0.2)
    assert found == {"mce": 2.0, "relative_mce": None, "left_out": ["fog"]}


@pytest.mark.parametrize("n_sets", [1, 4])
def test_the_interval_is_wilsons_where_the_sets_are_one(n_sets) -> None:
    for k in (0, 3, 60):
        right = np.tile(np.arange(60) < k, (n_sets, 1))
        mean = mean_over([{"accuracy": k / 60, "nll": 0.1, "ece": 0.1}] * n_sets, right)
        assert mean["accuracy_ci95"] == pytest.approx(wilson_interval(k, 60))


def test_published_rows_have_a_setting_and_a_source() -> None:
    for row in ROWS:
        assert 0.5 < row.accuracy < 1
        assert row.setting
        assert row.source
    assert {row["set"] for row in of_suite("nmnist")} == {"nmnist-awgn", "nmnist-motion-blur", "nmnist-contrast-awgn"}
    assert of_suite("course") == []


def test_a_lead_is_measured_over_images() -> None:
    rng = np.random.default_rng(3)
    n, sets = 4000, 6
    easy = rng.random(n)
    right = {
        name: easy < rng.random((sets, n)) * 0.2 + share for name, share in (("a", 0.7), ("b", 0.65), ("c", 0.6995))
    }
    found = lead(right)
    assert found["name"] == "a"
    assert list(found["over"]) == ["c", "b"]
    for name, row in found["over"].items():
        assert row["difference"] == pytest.approx(right["a"].mean() - right[name].mean())
        low, high = row["ci95"]
        assert low < row["difference"] < high
    assert found["over"]["b"]["ci95"][0] > 0 > found["over"]["c"]["ci95"][0]
    alone = lead({"a": right["a"]})
    assert alone == {"name": "a", "over": {}}
    same = lead({"a": right["a"], "b": right["a"].copy()})
    assert same["over"]["b"] == {"difference": 0.0, "ci95": [0.0, 0.0]}


def test_intervals_hold_what_they_promise_for_several_at_once() -> None:
    """Of models that are alike none is found better, in 95 of 100 trials and more."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        found = lead({name: rng.random((3, 300)) < 0.8 for name in "abcde"})
        wrong += any(row["ci95"][0] > 0 for row in found["over"].values())
    assert wrong <= 20


def test_standing_says_the_least_certain_of_the_others() -> None:
    over = {"b": {"difference": 0.01, "ci95": [0.005, 0.015]}, "c": {"difference": 0.02, "ci95": [-0.001, 0.041]}}
    model = {"clean": {"accuracy": 1.0}, "mean": {"accuracy": 0.9, "accuracy_ci95": [0.8, 0.95]}}
    hardest = {"name": "fog", "accuracy": 0.5, "over": {}}
    found = standing(
        {"lead": {"name": "a", "over": over}, "models": {"a": {**model, "hardest": hardest}}, "n": 9, "sets": [1]}
    )
    assert found["closest"] == {"name": "c", **over["c"], "clear": False}
    assert found["next_hardest"] is None
