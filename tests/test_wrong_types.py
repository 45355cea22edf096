"""What is handed to the library from Python, and is no data, no model."""

from __future__ import annotations

import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import ConfigError, DataError, ModelError


@pytest.mark.parametrize("call", [bruit.fit, bruit.cross_validate, bruit.learning_curve])
def test_a_pair_is_no_dataset(call, digits: DataPair, refused) -> None:
    for given, kind in ((digits, "DataPair"), ("mnist", "str"), (digits.train.images, "ndarray")):
        with refused(DataError, f"expected a Dataset, received {kind}; take .train or .test of what bruit.load gives"):
            call("dnn", given)


def test_a_pair_is_no_validation_set_either(digits: DataPair, refused) -> None:
    with refused(DataError, "expected a Dataset, received DataPair; take .train or .test of what bruit.load gives"):
        bruit.fit("dnn", digits.train, digits)


@pytest.mark.parametrize("call", [bruit.load, bruit.check])
def test_a_number_is_no_data(call, refused) -> None:
    with refused(DataError, "expected the name or the path of data, received int; see bruit.load"):
        call(3)


def test_an_array_is_no_data(digits: DataPair, refused) -> None:
    with refused(DataError, "expected the name or the path of data, received ndarray; see bruit.load"):
        bruit.check(digits.train.images)


@pytest.mark.parametrize("out", [3, ""])
def test_a_number_is_no_folder_for_a_run(out, digits: DataPair, refused) -> None:
    with refused(ConfigError, f"expected a folder as out, received {out!r}"):
        bruit.study(digits, out=out)


def test_a_number_is_no_model(digits: DataPair, refused) -> None:
    for call in (bruit.load_model, lambda model: bruit.evaluate(model, digits)):
        with refused(ModelError, "expected the name or the path of a model, received int; see bruit.load_model"):
            call(3)


def test_an_empty_text_is_no_data_and_no_model(digits: DataPair, refused) -> None:
    with refused(DataError, "expected the name or the path of data, received an empty text; see bruit.load"):
        bruit.load("")
    with refused(ModelError, "expected the name or the path of a model, received an empty text; see bruit.load_model"):
        bruit.load_model("")


@pytest.mark.parametrize("images", [None, [[0]], "digits"])
def test_what_is_no_array_has_no_probabilities(images, refused) -> None:
    kind = type(images).__name__
    with refused(DataError, f"cnn-plus expects images as uint8 (N, 28, 28), received {kind}"):
        bruit.load_model("robust").probabilities(images)


def test_what_cannot_be_drawn(digits: DataPair, refused) -> None:
    with refused(DataError, "expected a Dataset, received ndarray; take .train or .test of what bruit.load gives"):
        bruit.plot_images(digits.train.images)
    with refused(DataError, "expected what bruit.fit or bruit.cross_validate gave, received NoneType"):
        bruit.plot_curves(None)
    for draw in (
        bruit.plot_confusion,
        bruit.plot_accuracies,
        lambda figures: bruit.plot_mistakes(figures, digits.test),
    ):
        with refused(DataError, "expected what bruit.evaluate gave, received NoneType"):
            draw(None)


@pytest.mark.parametrize("given", [{"scale": "0-1"}, {"classes": ["0", "1"]}])
def test_a_model_of_our_own_says_scale_and_classes_itself(given, refused) -> None:
    what = f"--{next(iter(given))}"
    message = f"a model of bruit's own says its scale and its classes itself; leave out {what}"
    with refused(ConfigError, message):
        bruit.load_model("robust", **given)
