"""What a config may describe; every known way to run code by one is refused, in one line."""

from __future__ import annotations

import json

import pytest

from bruit.errors import ModelError
from bruit.outside.keras_config import MAX_LAYERS, described

from .files import PLAIN, changed, functional, images, layer, sequential, tensor

END = layer("Dense", units=10, activation="softmax")


def test_only_what_is_known_reaches_keras() -> None:
    seen = described(PLAIN)
    assert (seen.shape, seen.gives, seen.pixels) == ((28, 28), "probabilities", False)
    assert seen.layers == ("Flatten", "Dense 10, softmax")
    assert [one["class_name"] for one in seen.config["config"]["layers"]] == [
        "InputLayer",
        "Flatten",
        "Identity",
        "Dense",
    ]
    assert seen.config["config"]["layers"][3] == {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {
            "name": "dense",
            "dtype": "float32",
            "units": 10,
            "activation": "softmax",
            "use_bias": True,
            "kernel_initializer": "zeros",
            "bias_initializer": "zeros",
        },
        "registered_name": None,
    }
    written = json.dumps(seen.config)
    for gone in ("compile_config", "build_config", "system", "thing", str(2**40)):
        assert gone not in written


def test_functional_models_and_models_inside_models() -> None:
    inner = sequential(layer("RandomRotation", factor=0.1), layer("Rescaling", scale=1 / 255, offset=0.0))
    inner["config"]["name"] = "inner"
    one, two = layer("Dense", units=8, name="one"), layer("ReLU", name="two")
    seen = described(
        functional(
            (images(784), []),
            (inner, [tensor("inputlayer", 784)]),
            (one, [tensor("inner", 784)]),
            (two, [tensor("one", 8)]),
            (layer("Add"), [[tensor("one", 8), tensor("two", 8)]]),
            (END, [tensor("add", 8)]),
        )
    )
    assert seen.layers == ("Rescaling", "Dense 8", "ReLU", "Add", "Dense 10, softmax")
    assert seen.config["config"]["output_layers"] == ["dense", 0, 0]
    assert seen.gives == "probabilities"


FUNCTION = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"}


def test_an_activation_may_be_written_as_a_function() -> None:
    seen = described(sequential(images(784), layer("Dense", name="a", units=3, activation=FUNCTION), END))
    assert seen.config["config"]["layers"][1]["config"]["activation"] == "relu"


def with_layer(one: dict, end: dict = END) -> dict:
    return sequential(images(784), one, end)


def of(module: str, kind: str, **config: object) -> dict:
    return layer(kind, **config) | {"module": module}


GET_FILE = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
OPENS = "which bruit does not open; export the model as ONNX instead"
UNKNOWN = "which bruit does not know"
ENDS = "which makes no probabilities; expected a softmax, or a Dense layer without activation"
ONE = "it has several inputs or outputs; expected one of each"
SIZE = "; expected that of images of one size"
CONNECTED = "its layers are not connected one after the other"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        # CVE-2024-3660: code in a Lambda layer
        (
            with_layer(layer("Lambda", function={"class_name": "__lambda__", "config": {"value": "4wE="}})),
            f"it has a layer Lambda of keras.layers, {OPENS}",
        ),
        # CVE-2025-1550: any function of any module
        (with_layer(of("os", "system")), f"it has a layer system of os, {OPENS}"),
        (with_layer(of("subprocess", "Dense")), f"it has a layer Dense of subprocess, {OPENS}"),
        (
            of("builtins", "Functional") | {"config": {}},
            "it is a Functional of builtins; expected a Sequential or Functional model of Keras",
        ),
        # CVE-2025-8747: functions of Keras itself, such as get_file
        (
            with_layer(layer("Dense", name="a", units=2, activation=GET_FILE)),
            f"its layer Dense has activation: {{'module': 'keras.utils', 'class_name': 'function', 'config…, {UNKNOWN}",
        ),
        (
            with_layer(layer("Dense", name="a", units=2, activation="https://example.org/x")),
            f"its layer Dense has activation: https://example.org/x, {UNKNOWN}",
        ),
        (
            with_layer(of("keras.utils", "get_file", origin="https://example.org")),
            f"it has a layer get_file of keras.utils, {OPENS}",
        ),
        # CVE-2025-9906: switches the safe mode off
        (
            with_layer(of("keras.config", "enable_unsafe_deserialization")),
            f"it has a layer enable_unsafe_deserialization of keras.config, {OPENS}",
        ),
        # CVE-2025-12058 and CVE-2026-1462: layers that read other files
        (
            with_layer(layer("StringLookup", vocabulary="/etc/passwd")),
            f"it has a layer StringLookup of keras.layers, {OPENS}",
        ),
        (with_layer(layer("TFSMLayer", filepath="/tmp/x")), f"it has a layer TFSMLayer of keras.layers, {OPENS}"),
        (
            with_layer(layer("TorchModuleWrapper", module="x")),
            f"it has a layer TorchModuleWrapper of keras.layers, {OPENS}",
        ),
        # somebody's own classes
        (
            with_layer(layer("Dense", name="a", units=2) | {"registered_name": "mine>Dense"}),
            f"it has an object of somebody’s own, mine>Dense, {OPENS}",
        ),
        # the same, hidden in a model inside the model
        (
            with_layer(changed(sequential(layer("Lambda")), "config", "name", to="inner")),
            f"it has a layer Lambda of keras.layers, {OPENS}",
        ),
        (
            functional((images(784), []), (functional((images(784), []), (layer("Lambda"), [])), []), (END, [])),
            f"it has a layer Lambda of keras.layers, {OPENS}",
        ),
        # objects where values are expected
        (
            with_layer(
                layer("Rescaling", scale={"class_name": "__tensor__", "config": {"value": [1], "dtype": "float32"}})
            ),
            f"its layer Rescaling has scale: {{'class_name': '__tensor__', 'config': {{'value': [1], 'dtyp…, {UNKNOWN}",
        ),
        (with_layer(layer("Dense", name="a", units="784")), f"its layer Dense has units: 784, {UNKNOWN}"),
        (with_layer(layer("Dense", name="a", units=10**9)), f"its layer Dense has units: 1000000000, {UNKNOWN}"),
        (
            with_layer(layer("ZeroPadding2D", padding=[[0, 65], [0, 0]])),
            f"its layer ZeroPadding2D has padding: [[0, 65], [0, 0]], {UNKNOWN}",
        ),
        (
            with_layer(layer("Dense", name="a", units=2, quantization_config={"a": 1})),
            f"its layer Dense has a setting quantization_config, {UNKNOWN}",
        ),
        (with_layer(layer("Dense", units=2)), "two of its layers have the same name"),
        (with_layer(layer("ReLU", name="a/b")), "it names a layer 'a/b', as Keras does not"),
        (with_layer(layer("ReLU", name="x" * 201)), f"it names a layer '{'x' * 59}…', as Keras does not"),
        (with_layer(layer("ReLU", name=None)), "it names a layer 'None', as Keras does not"),
        # what is no classifier of images
        (
            sequential(images(28, 28), layer("Flatten"), layer("Dense", units=10, activation="sigmoid")),
            f"it ends with Dense 10, sigmoid, {ENDS}",
        ),
        (sequential(images(28, 28), layer("Flatten")), f"it ends with InputLayer, {ENDS}"),
        (sequential(END), "it has 0 inputs; expected one, of images"),
        (
            sequential(images(28, 28), layer("InputLayer", name="b", batch_shape=[None, 3]), END),
            "it has 2 inputs; expected one, of images",
        ),
        (sequential(images(None, None, 1), END), f"its input has the shape [None, None, None, 1]{SIZE}"),
        (sequential(images(2, 2, 2, 2), END), f"its input has the shape [None, 2, 2, 2, 2]{SIZE}"),
        (sequential(images(10**6, 3), END), f"its input has the shape [None, 1000000, 3]{SIZE}"),
        (sequential(), "it has no layers"),
        ([], "its config.json describes no model"),
        (sequential([]), "its config.json describes no model"),
        # graphs that are none
        (functional((images(784), []), (END, [tensor("later", 784)])), CONNECTED),
        (functional((images(784), []), (END, ["inputlayer"])), CONNECTED),
        (functional((images(784), []), (END, [[[tensor("inputlayer", 784)]]])), CONNECTED),
        (functional((images(784), []), (END, [tensor("inputlayer", 784)]), output_layers=["x", 0, 0]), CONNECTED),
        (
            functional(
                (images(784), []), (END, [tensor("inputlayer", 784)]), output_layers=[["dense", 0, 0], ["dense", 0, 0]]
            ),
            ONE,
        ),
        (
            functional((images(784), []), (END, [tensor("inputlayer", 784)]), input_layers={"a": ["inputlayer", 0, 0]}),
            ONE,
        ),
    ],
)
def test_refused(config: object, message: str, refused) -> None:
    with refused(ModelError, message):
        described(config)


def test_arguments_of_calls_are_refused(refused) -> None:
    """CVE-2025-9906 handed a path to a function this way."""
    config = functional((images(784), []), (END, [tensor("inputlayer", 784)]))
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"inputs": "/tmp/model.keras"}
    with refused(ModelError, f"it calls a layer with inputs, {UNKNOWN}"):
        described(config)
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"training": True, "mask": None}
    assert described(config).config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] == {}


def test_how_much_there_may_be_is_limited(refused) -> None:
    with refused(ModelError, f"it has more than {MAX_LAYERS} layers"):
        described(sequential(images(784), *(layer("ReLU", name=f"{i}") for i in range(MAX_LAYERS)), END))
    deep = END
    for i in range(6):
        deep = changed(sequential(deep), "config", "name", to=f"m{i}")
    with refused(ModelError, "it has models inside models, more than 4 deep"):
        described(sequential(images(784), deep))
    inner = changed(sequential(images(8), layer("ReLU")), "config", "name", to="inner")
    config = functional((images(8), []), (inner, [tensor("inputlayer", 8)]), (END, [tensor("inner", 8)]))
    nodes = config["config"]["layers"][1]["inbound_nodes"]
    with refused(ModelError, "it calls a model inside it 3 times; expected once"):
        described(changed(config, "config", "layers", 1, "inbound_nodes", to=nodes * 3))
    nodes = config["config"]["layers"][2]["inbound_nodes"]
    with refused(ModelError, "it calls its layers more than 1000 times"):
        described(changed(config, "config", "layers", 2, "inbound_nodes", to=nodes * 1001))
