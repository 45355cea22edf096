"""What is handed to the library from Python, and is no data, no model."""

from __future__ import annotations

import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import DataError, ModelError


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


def test_a_number_is_no_model(digits: DataPair, refused) -> None:
    for call in (bruit.load_model, lambda model: bruit.evaluate(model, digits)):
        with refused(ModelError, "expected the name or the path of a model, received int; see bruit.load_model"):
            call(3)
