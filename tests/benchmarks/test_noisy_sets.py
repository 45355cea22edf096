"""Figures of many noisy sets of the same images, and their intervals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import DataError
from bruit.evaluation.metrics import accuracy, ece
from bruit.noise.recipes import NAMES_OF_NMNIST
from bruit.noise.registry import MNIST_C

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import noisy_sets


def told(right: np.ndarray, confidence: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) probabilities of a model that is right where it is said to be, and the labels."""
    labels = np.arange(len(right)) % 2
    read = np.where(right, labels, 1 - labels)
    return np.where(np.arange(2) == read[:, None], confidence, 1 - confidence).astype(np.float32), labels


def test_the_interval_of_an_accuracy_is_that_of_its_binomial() -> None:
    probs, labels = told(np.arange(400) < 320)
    one = noisy_sets.figures(["fog"], probs[None], labels)["sets"]["fog"]
    low, high = one["accuracy_ci95"]
    assert one["accuracy"] == pytest.approx(0.8)
    assert (high - low) / 2 == pytest.approx(1.96 * (0.8 * 0.2 / 400) ** 0.5, rel=0.1)
    assert (low + high) / 2 == pytest.approx(0.8, abs=0.005)


def test_an_image_is_resampled_with_all_its_noisy_copies() -> None:
    right = np.arange(300) % 3 == 0
    (first, labels), (second, _) = told(right), told(~right)
    opposite = noisy_sets.figures(["fog", "stripe"], np.array([first, second]), labels)["suites"]["mnist-c"]
    assert opposite["accuracy"] == pytest.approx(0.5)
    assert opposite["accuracy_ci95"] == pytest.approx([0.5, 0.5])
    alike = noisy_sets.figures(["fog", "stripe"], np.array([first, first]), labels)
    assert alike["suites"]["mnist-c"]["accuracy_ci95"] == pytest.approx(alike["sets"]["fog"]["accuracy_ci95"])


def test_on_all_images_once_accuracy_and_ece_are_those_of_the_metrics(monkeypatch) -> None:
    random = np.random.default_rng(1)
    probs = random.dirichlet(np.full(10, 0.3), 500).astype(np.float32)
    labels = random.integers(10, size=500)
    monkeypatch.setattr(noisy_sets, "resamples", lambda n: np.ones((1, n), np.float32))
    accuracies, errors = noisy_sets.resampled(probs, labels)
    assert accuracies == pytest.approx(accuracy(probs, labels))
    assert errors == pytest.approx(ece(probs, labels), abs=1e-6)


def test_the_interval_of_a_small_ece_holds_it() -> None:
    probs, labels = told(np.arange(1000) < 901)
    one = noisy_sets.figures(["fog"], probs[None], labels)["sets"]["fog"]
    assert one["ece"] == pytest.approx(0.001, abs=1e-6)
    assert 0 <= one["ece_ci95"][0] <= one["ece"] <= one["ece_ci95"][1] < 0.03


def test_the_same_images_are_resampled_each_time() -> None:
    counts = noisy_sets.resamples(50)
    noisy_sets.resamples.cache_clear()
    again = noisy_sets.resamples(50)
    assert counts.shape == (1000, 50)
    assert (counts.sum(axis=1) == 50).all()
    np.testing.assert_array_equal(counts, again)


def test_a_suite_has_the_mean_and_the_worst_of_its_own_sets() -> None:
    shares = {"clean": 1.0, "fog": 0.5, "stripe": 0.25, "nmnist-awgn": 0.75}
    made = [told(np.arange(40) < share * 40) for share in shares.values()]
    found = noisy_sets.figures(list(shares), np.array([probs for probs, _ in made]), made[0][1])
    ours, theirs = found["suites"]["mnist-c"], found["suites"]["n-mnist"]
    assert (ours["over"], ours["accuracy"], theirs["accuracy"]) == (["fog", "stripe"], 0.375, 0.75)
    assert (ours["worst"]["set"], ours["worst"]["accuracy"]) == ("stripe", 0.25)
    assert ours["ece"] == pytest.approx((found["sets"]["fog"]["ece"] + found["sets"]["stripe"]["ece"]) / 2)
    assert "37.50 % " in noisy_sets.overall({"it": found})
    assert "2 of 15" in noisy_sets.overall({"it": found})
    assert "| stripe | 25.00 % (" in noisy_sets.side_by_side({"it": found})


def test_a_set_that_is_twice_there_is_refused(refused) -> None:
    probs, labels = told(np.ones(4, bool))
    with refused(DataError, "expected 2 different sets, received fog, fog"):
        noisy_sets.figures(["fog", "fog"], np.array([probs, probs]), labels)


def test_a_model_is_shown_the_sets_of_bruits_own_robustness(zoo, digits: DataPair) -> None:
    found = noisy_sets.benchmark(zoo["dnn"], digits.train, seed=2)
    assert found["n"] == 600
    assert set(found["sets"]) == {"clean", "course", *NAMES_OF_NMNIST, *MNIST_C}
    for suite in ("mnist-c", "nmnist", "course"):
        (model,) = bruit.robustness(zoo["dnn"], suite, digits.train, seed=2)["models"].values()
        for name, figures in (model["sets"] | {"clean": model["clean"]}).items():
            assert found["sets"][name]["accuracy"] == figures["accuracy"]
            assert found["sets"][name]["ece"] == pytest.approx(figures["ece"])
    json.dumps(found, allow_nan=False)
