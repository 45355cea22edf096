"""One model on one data set."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair, Dataset
from bruit.errors import DataError, ModelError
from bruit.seals import broken
from bruit.studies import evaluate as evaluate_module
from bruit.studies.places import SHIPPED

NOWHERE = (
    "no folder or model is called {}; expected robust, RUN, RUN:NAME, a folder that bruit train wrote, FILE.keras or "
    "FILE.onnx"
)


class Oracle:
    """A Predictor that knows the label: it is the first pixel."""

    classes = ("9", "0", "1", "2")
    input_shape = (28, 28)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        sure = np.full((len(images), 4), 0.01, np.float32)
        sure[np.arange(len(images)), images[:, 0, 0]] = 0.97
        return sure


def test_a_run_is_its_winner_and_gives_the_figures_of_the_study(finished) -> None:
    winner = finished.results["winner"]
    figures = bruit.evaluate(finished.run, finished.data)
    stored = finished.results["models"][winner]["test"]
    assert figures["confusion"] == stored["confusion"]
    assert figures["per_class"] == stored["per_class"]
    for key in ("n", "accuracy", "accuracy_ci95", "nll", "nll_uncalibrated", "ece", "ece_uncalibrated"):
        assert figures[key] == pytest.approx(stored[key])
    assert figures == bruit.evaluate(f"{finished.run}:{winner}", finished.data)


@pytest.mark.parametrize("name", ["logistic", "knn", "dnn", "cnn"])
def test_every_model_of_a_run_can_be_named(finished, digits: DataPair, name: str) -> None:
    figures = bruit.evaluate(f"{finished.run}:{name}", digits)
    assert figures["accuracy"] == pytest.approx(finished.results["models"][name]["test"]["accuracy"])
    assert figures == bruit.evaluate(finished.run / "models" / name, digits.test)


def test_the_temperature_is_taken_out_for_the_uncalibrated_figures(finished, digits: DataPair) -> None:
    stored = finished.results["models"]["dnn"]
    assert stored["temperature"] != 1
    figures = bruit.evaluate(f"{finished.run}:dnn", digits)
    assert figures["nll_uncalibrated"] == pytest.approx(stored["test"]["nll_uncalibrated"])
    assert figures["nll_uncalibrated"] != pytest.approx(figures["nll"])


def test_data_may_number_the_classes_in_another_order(finished, digits: DataPair) -> None:
    test = digits.test
    shuffled = ("7", "3", "9", "0", "1", "8", "2", "6", "4", "5")
    labels = np.array([shuffled.index(test.classes[label]) for label in test.labels])
    other = Dataset(test.images, labels, shuffled, test.ids)
    assert bruit.evaluate(finished.run, other) == bruit.evaluate(finished.run, digits)


def test_data_may_lack_classes(finished, digits: DataPair) -> None:
    chosen = np.isin(digits.test.labels, (3, 7))
    labels = (digits.test.labels[chosen] == 7).astype(np.int64)
    few = Dataset(digits.test.images[chosen], labels, ("3", "7"), digits.test.ids[chosen])
    figures = bruit.evaluate(finished.run, few)
    assert figures["n"] == 40
    confusion = np.array(figures["confusion"])
    assert confusion.shape == (10, 10)
    assert confusion.sum(axis=1).tolist() == [0, 0, 0, 20, 0, 0, 0, 20, 0, 0]


def test_any_predictor_will_do(few: DataPair) -> None:
    images = few.test.images.copy()
    images[:, 0, 0] = few.test.labels + 1
    figures = bruit.evaluate(Oracle(), dataclasses.replace(few.test, images=images))
    assert figures["accuracy"] == 1
    assert figures["nll"] == pytest.approx(-np.log(0.97), rel=1e-4)
    assert figures["nll"] == pytest.approx(figures["nll_uncalibrated"])


def test_classes_that_the_model_does_not_know_are_refused(digits: DataPair, refused) -> None:
    message = "the model knows the classes 9, 0, 1, 2; the data also has 3, 4, 5, 6, 7, 8; take other data, or, "
    message += "of a file, say its classes with --classes"
    with refused(DataError, message):
        bruit.evaluate(Oracle(), digits)


def test_images_of_another_size_are_refused(finished, digits: DataPair, refused) -> None:
    small = dataclasses.replace(digits.test, images=np.ascontiguousarray(digits.test.images[:, ::2, ::2]))
    with refused(DataError, "the model reads images of 28 × 28 pixels, the data has 14 × 14; resize them first"):
        bruit.evaluate(finished.run, small)


def test_a_model_that_is_not_there_is_said(finished, digits: DataPair, tmp_path: Path, refused) -> None:
    run = finished.run
    with refused(ModelError, f"{run} has no finished model rnn; there are cnn, dnn, knn, logistic"):
        bruit.evaluate(f"{run}:rnn", digits)
    with refused(ModelError, f"{tmp_path} holds no model (config.json is missing); expected RUN/models/NAME"):
        bruit.evaluate(tmp_path, digits)
    for model in (tmp_path / "no", f"{tmp_path / 'no'}:dnn"):
        with refused(ModelError, NOWHERE.format(tmp_path / "no")):
            bruit.evaluate(model, digits)


def test_a_model_comes_with_bruit(finished, tmp_path: Path, monkeypatch) -> None:
    found = evaluate_module.find_model("robust")
    assert (found.name, found.source, found.classes) == ("cnn-plus", "robust", tuple("0123456789"))
    for name in ("mnist", "mnist+course"):
        unseen = bruit.load(name).test.subset(slice(500))
        assert bruit.evaluate("robust", unseen)["accuracy"] > 0.95
    # A folder of that name goes first.
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished.run / "models" / "cnn", "robust")
    assert evaluate_module.find_model("robust").name == "cnn"


def test_what_comes_with_bruit_is_as_it_was_written() -> None:
    for folder in SHIPPED.values():
        assert broken(folder) == []
        assert sum(path.stat().st_size for path in folder.iterdir()) < 5e6


def test_a_run_that_is_not_finished_has_models_but_no_winner(finished, digits: DataPair, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.run, run, ignore=shutil.ignore_patterns("results.json", "figures", "crossval"))
    with pytest.raises(ModelError, match="has no winner yet; resume the study, or name a model as"):
        bruit.evaluate(run, digits)
    assert bruit.evaluate(f"{run}:knn", digits)["n"] == 200


@pytest.mark.parametrize("model", [r"C:\run", "C:/run", "there/a:b/run"])
def test_a_colon_within_a_path_names_no_model(model: str, refused) -> None:
    with refused(ModelError, NOWHERE.format(model)):
        bruit.evaluate(model, "mnist")
