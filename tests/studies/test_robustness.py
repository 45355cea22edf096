"""Models under noise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import ConfigError, DataError, ModelError
from bruit.noise.recipes import NAMES_OF_NMNIST as NMNIST
from bruit.noise.registry import MNIST_C
from bruit.studies import robustness as module


class Bright:
    """A Predictor that reads an image as 1 if it is lighter than half, else as 0."""

    name = "bright"
    classes = tuple("0123456789")
    input_shape = (28, 28)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        read = (images.mean(axis=(1, 2)) > 127).astype(int)
        return np.where(np.arange(10) == read[:, None], 0.91, 0.01).astype(np.float32)


@pytest.fixture(scope="module")
def tested(finished, digits: DataPair) -> dict:
    return bruit.robustness([f"{finished.run}:cnn", f"{finished.run}:dnn"], "mnist-c", digits, seed=4)


def test_each_set_is_what_evaluate_says_of_it(tested, finished, digits: DataPair) -> None:
    assert [one["key"] for one in tested["sets"]] == list(MNIST_C)
    assert tested["n"] == 200
    for name, model in tested["models"].items():
        assert model["clean"]["accuracy"] == bruit.evaluate(name, digits)["accuracy"]
        for corruption in ("fog", "glass_blur", "zigzag"):
            noisy = bruit.apply_recipe(f"mnist-c/{corruption}", digits, 4)
            figures = bruit.evaluate(name, noisy)
            assert {key: figures[key] for key in model["sets"][corruption]} == model["sets"][corruption]
        accuracies = [model["sets"][one]["accuracy"] for one in MNIST_C]
        assert model["mean"]["accuracy"] == pytest.approx(np.mean(accuracies))
        assert model["worst"]["accuracy"] == min(accuracies)


def test_errors_are_in_units_of_the_baseline(tested, finished, digits: DataPair) -> None:
    first, second = tested["models"].values()
    assert first["mce"] == pytest.approx(1)
    assert second["mce"] != pytest.approx(1)
    turned = bruit.robustness(list(tested["models"]), "mnist-c", digits, seed=4, baseline=1)
    assert turned["models"][turned["baseline"]]["mce"] == pytest.approx(1)
    json.dumps(tested, allow_nan=False)


def test_blocks_leave_no_trace(tested, digits: DataPair, monkeypatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 37)
    again = bruit.robustness(list(tested["models"]), "mnist-c", digits, seed=4)
    for name, model in tested["models"].items():
        for key, figures in model["sets"].items():
            assert again["models"][name]["sets"][key]["accuracy"] == pytest.approx(figures["accuracy"], abs=0.011)


def test_any_predictor_and_every_suite(digits: DataPair, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[corruption]]\nname = "inverse"\n')
    done = []
    for suite, keys in (
        ("nmnist", list(NMNIST)),
        ("course", ["course"]),
        (str(tmp_path / "mine.toml"), ["mine"]),
    ):
        found = bruit.robustness(Bright(), suite, digits, progress=lambda *at: done.append(at))
        assert list(found["models"]["bright"]["sets"]) == keys
        assert done[-1] == (len(keys) + 1, len(keys) + 1)
    ones = digits.test.labels == 1
    assert found["models"]["bright"]["sets"]["mine"]["accuracy"] == ones.mean()
    severities = bruit.robustness(Bright(), "severity", digits.test.subset(np.arange(20)))
    assert len(severities["sets"]) == 11 * 5 + 4
    assert {"fog/1", "fog/5", "zigzag"} <= severities["models"]["bright"]["sets"].keys()
    assert list(bruit.robustness([Bright(), Bright()], "course", digits)["models"]) == ["bright", "bright (2)"]


def test_no_model_changes_what_the_next_one_sees(digits: DataPair) -> None:
    class Writing(Bright):
        def probabilities(self, images: np.ndarray) -> np.ndarray:
            images[:] = 0
            return super().probabilities(images)

    with pytest.raises(ValueError, match="read-only"):
        bruit.robustness([Writing(), Bright()], "course", digits)


def test_a_model_that_gives_another_number_of_rows_is_refused(digits: DataPair, refused) -> None:
    class Short(Bright):
        def probabilities(self, images: np.ndarray) -> np.ndarray:
            return super().probabilities(images)[1:]

    message = "the model gives (199, 10) for 200 images of 10 classes; it should be one row an image"
    with refused(ModelError, message):
        bruit.robustness(Short(), "course", digits)


def test_what_is_published_of_mnist_is_said_of_mnist_alone(tested, digits: DataPair) -> None:
    assert tested["published"] == []
    mnist = replace(digits, name="mnist")
    assert len(bruit.robustness(Bright(), "nmnist", mnist)["published"]) == 3


def test_what_makes_no_sense_is_refused(digits: DataPair, refused) -> None:
    with refused(ConfigError, "expected a suite of mnist-c, severity, nmnist, course, or FILE.toml, received 'fog'"):
        bruit.robustness(Bright(), "fog", digits)
    with refused(ConfigError, "the baseline has to be one of the models, of which there are 1"):
        bruit.robustness(Bright(), "course", digits, baseline=1)
    with refused(ConfigError, "expected at least one model, received none"):
        bruit.robustness([], "course", digits)
    with refused(ConfigError, "expected 0 or more as seed, received -2"):
        bruit.robustness(Bright(), "course", digits, seed=-2)
    for nothing in (None, 7):
        with pytest.raises(ModelError, match="expected the name or the path of a model, received "):
            bruit.robustness(nothing, "course", digits)
    small = digits.test.images[:, ::2, ::2].copy()
    with pytest.raises(DataError, match="the model reads images of 28 × 28 pixels, the data has 14 × 14"):
        bruit.robustness(Bright(), "course", bruit.Dataset(small, digits.test.labels, digits.classes, digits.test.ids))


def test_a_python_function_as_a_model(digits, refused) -> None:
    """That reads every image as a 1; the classes are those of the data."""
    few = digits.test

    def ones(images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.uint8
        return np.tile(np.eye(10)[1], (len(images), 1))

    found = bruit.robustness(ones, "nmnist", few)["models"]["ones"]
    assert [found["clean"]["accuracy"], found["mean"]["accuracy"]] == pytest.approx([(few.labels == 1).mean()] * 2)
    assert found["seen"] == []
    message = "expected of {} probabilities as float (200, 10), each row summing to 1, received {}"
    with refused(ModelError, message.format("<lambda>", "float64 (200, 10)")):
        bruit.robustness(lambda images: 2 * ones(images), "nmnist", few)
    with refused(ModelError, message.format("<lambda>", "int64 (200,)")):
        bruit.robustness(lambda images: images[:, 0, 0].astype(np.int64), "nmnist", few)
