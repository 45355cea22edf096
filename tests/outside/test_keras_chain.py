from __future__ import annotations

import pytest

from bruit.errors import ModelError
from bruit.outside.keras_config import described

from .files import functional, images, layer, sequential, tensor

SOFTMAX, LINEAR = (layer("Dense", units=10, activation=one) for one in ("softmax", "linear"))
SMALL = layer("Rescaling", scale=1 / 255, offset=0.0)


@pytest.mark.parametrize(
    ("layers", "pixels"),
    [
        ([SMALL], True),
        ([layer("Reshape", target_shape=[28, 28, 1]), layer("Dropout", rate=0.1), SMALL], True),
        ([layer("Rescaling", scale=1 / 127.5, offset=-1.0)], True),
        ([layer("Rescaling", scale=[1 / 255, 1 / 255])], True),
        ([layer("Rescaling", scale=2.0, offset=-1.0)], False),
        ([layer("Rescaling", scale=1)], False),
        ([layer("ReLU"), SMALL], False),
        ([], False),
    ],
)
def test_a_model_that_scales_pixels_says_that_it_takes_them(layers: list, pixels: bool) -> None:
    assert described(sequential(images(28, 28), *layers, SOFTMAX)).pixels == pixels


def test_in_a_graph_nothing_else_may_take_the_input() -> None:
    flatten, entry = layer("Flatten"), tensor("inputlayer", 28, 28)
    chain = [(images(28, 28), []), (flatten, [entry]), (SMALL, [tensor("flatten", 784)])]
    end = layer("Dense", units=10, activation="softmax")
    assert described(functional(*chain, (end, [tensor("rescaling", 784)]))).pixels
    beside = [
        (layer("Flatten", name="beside"), [entry]),
        (layer("Add"), [[tensor("rescaling", 784), tensor("beside", 784)]]),
    ]
    assert not described(functional(*chain, *beside, (end, [tensor("add", 784)]))).pixels


@pytest.mark.parametrize(
    ("layers", "gives"),
    [
        ([SOFTMAX], "probabilities"),
        ([LINEAR], "logits"),
        ([LINEAR, layer("Softmax", axis=-1)], "probabilities"),
        ([LINEAR, layer("Activation", activation="softmax")], "probabilities"),
        ([LINEAR, layer("Activation", activation="linear"), layer("Dropout")], "logits"),
        ([layer("Conv2D", filters=10, kernel_size=[28, 28], activation="linear"), layer("Flatten")], "logits"),
    ],
)
def test_what_a_model_gives_is_told_by_its_last_layer(layers: list, gives: str) -> None:
    assert described(sequential(images(28, 28), *layers)).gives == gives
    inner = sequential(*layers)
    inner["config"]["name"] = "inner"
    assert described(sequential(images(28, 28), inner)).gives == gives
    names = ["inputlayer", *(one["config"]["name"] for one in layers)]
    graph = [(one, [tensor(before, 28)]) for one, before in zip(layers, names, strict=False)]
    assert described(functional((images(28, 28), []), *graph)).gives == gives


@pytest.mark.parametrize(
    "layers",
    [
        [layer("Dense", units=10, activation="relu")],
        [SOFTMAX, layer("Rescaling", scale=2)],
        [layer("Softmax", axis=0)],
        [layer("Dense", units=10, activation="softmax", name="a"), layer("ReLU")],
    ],
)
def test_other_ends_are_refused(layers: list) -> None:
    with pytest.raises(ModelError, match="which makes no probabilities; expected a softmax, or a Dense layer without"):
        described(sequential(images(28, 28), *layers))
