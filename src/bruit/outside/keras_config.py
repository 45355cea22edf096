"""What a .keras file may describe: its config.json is read here, and written anew from the values that bruit knows.

Keras makes objects of whatever class a config names and hands them whatever stands beside it, which has been a way to
run code again and again (CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906 and -12058, CVE-2026-1462). So it never sees
the file's own config: only layers of a fixed list, with the settings listed beside them, as numbers or words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from bruit.errors import ModelError
from bruit.locale import printable
from bruit.outside.keras_chain import Gives, gives, takes_pixels
from bruit.outside.keras_layers import IDLE, LAYERS, Config, cleaned, in_words, is_whole

# Layers, models inside models, calls of layers.
MAX_LAYERS, MAX_NESTING, MAX_CALLS = 300, 4, 1000
MODELS = {
    "Sequential": ("keras", "keras.models", "keras.src.models.sequential"),
    "Functional": ("keras.src.models.functional", "keras", "keras.models"),
}


@dataclass(frozen=True)
class Described:
    """A model as its config describes it.

    config  written anew, for Keras
    shape   of one input, without the batch
    gives   what its last layer makes
    pixels  whether the first thing that it does is to scale pixels 0…255
    layers  in words, in order
    """

    config: Config
    shape: tuple[int, ...]
    gives: Gives
    pixels: bool
    layers: tuple[str, ...]


def described(config: object) -> Described:
    """Read a config.json. Raises ModelError for whatever bruit does not know."""
    reader = _Reader()
    model = reader.model(config, nesting=0)
    return Described(model, reader.shape, gives(model), takes_pixels(model), tuple(reader.words))


class _Reader:
    """One walk through a config, with what is counted on it."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.words: list[str] = []
        self.layers = self.calls = 0

    def model(self, stored: object, nesting: int) -> Config:
        module, kind, config = _object(stored)
        if module not in MODELS.get(kind, ()):
            raise ModelError(
                "it is a {kind} of {module}; expected a Sequential or Functional model of Keras",
                kind=printable(kind, 60),
                module=printable(module, 60),
            )
        if nesting > MAX_NESTING:
            raise ModelError("it has models inside models, more than {most} deep", most=MAX_NESTING)
        listed = config.get("layers")
        if not isinstance(listed, list) or not listed:
            raise ModelError("it has no layers")
        layers = [self.layer(one, nesting) for one in listed]
        names = [layer["config"]["name"] for layer in layers]
        if len(set(names)) < len(names):
            raise ModelError("two of its layers have the same name")
        inputs = [layer["class_name"] for layer in layers].count("InputLayer")
        if inputs > 1 or (not nesting and not inputs):
            raise ModelError("it has {n} inputs; expected one, of images", n=inputs)
        made: Config = {"name": _name(config.get("name")), "layers": layers}
        if kind == "Functional":
            for layer, one in zip(layers, listed, strict=True):
                layer["name"] = layer["config"]["name"]
                if one.get("name", layer["name"]) != layer["name"]:
                    raise ModelError("two of its layers have the same name")
                layer["inbound_nodes"] = self.calls_of(layer, one.get("inbound_nodes"), names)
            for end in ("input_layers", "output_layers"):
                made[end] = _single(config.get(end), names)
        return {"module": MODELS[kind][0], "class_name": kind, "config": made, "registered_name": None}

    def layer(self, stored: object, nesting: int) -> Config:
        module, kind, config = _object(stored)
        if kind in MODELS:
            return self.model(stored, nesting + 1)
        self.layers += 1
        if self.layers > MAX_LAYERS:
            raise ModelError("it has more than {most} layers", most=MAX_LAYERS)
        if module != "keras.layers" or kind not in ("InputLayer", *IDLE, *LAYERS):
            raise ModelError(
                "it has a layer {kind} of {module}, which bruit does not open; export the model as ONNX instead",
                kind=printable(kind, 60),
                module=printable(module, 60),
            )
        made: Config = {"name": _name(config.get("name")), "dtype": "float32"}
        if kind == "InputLayer":
            shape = _input_shape(config.get("batch_shape"))
            made["batch_shape"] = [None, *shape]
            if not nesting:
                self.shape = shape
        elif kind in IDLE:
            kind = "Identity"
        else:
            made |= cleaned(kind, config)
            self.words.append(in_words(kind, made))
        return {"module": "keras.layers", "class_name": kind, "config": made, "registered_name": None}

    def calls_of(self, layer: Config, stored: object, names: list[str]) -> list[Config]:
        """The calls of a layer of a Functional model, on outputs of others; whether in a circle, Keras finds out."""
        if not isinstance(stored, list):
            _not_connected()
        if layer["class_name"] in MODELS and len(stored) != 1:
            raise ModelError("it calls a model inside it {n} times; expected once", n=len(stored))
        made = []
        for call in stored:
            self.calls += 1
            if self.calls > MAX_CALLS:
                raise ModelError("it calls its layers more than {most} times", most=MAX_CALLS)
            if not isinstance(call, dict) or not isinstance(call.get("args"), list):
                _not_connected()
            extra = call.get("kwargs") or {}
            if not isinstance(extra, dict):
                _not_connected()
            for key, value in extra.items():
                if key not in ("mask", "training") or not (value is None or isinstance(value, bool)):
                    raise ModelError("it calls a layer with {key}, which bruit does not know", key=printable(key, 60))
            made.append({"args": [_inputs(one, names) for one in call["args"]], "kwargs": {}})
        return made


def _object(stored: object) -> tuple[str, str, Config]:
    """(module, class, config) of what Keras would make an object of."""
    if not isinstance(stored, dict):
        raise ModelError("its config.json describes no model")
    module, kind, config = (stored.get(key) for key in ("module", "class_name", "config"))
    if not isinstance(module, str) or not isinstance(kind, str) or not isinstance(config, dict):
        raise ModelError("its config.json describes no model")
    if stored.get("registered_name") not in (None, kind):
        raise ModelError(
            "it has an object of somebody’s own, {name}, which bruit does not open; export the model as ONNX instead",
            name=printable(stored["registered_name"], 60),
        )
    return module, kind, config


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.() +-]{1,200}", value):
        raise ModelError("it names a layer {name!r}, as Keras does not", name=printable(value, 60))
    return value


def _input_shape(stored: object) -> tuple[int, ...]:
    if not isinstance(stored, list) or not 2 <= len(stored) <= 4 or not all(is_whole(n, 1) for n in stored[1:]):
        raise ModelError(
            "its input has the shape {shape}; expected that of images of one size", shape=printable(stored, 60)
        )
    return tuple(stored[1:])


def _inputs(stored: object, names: list[str]) -> Config | list[Config]:
    """What a layer is called on: an output of a layer, or a list of such."""
    return [_output(one, names) for one in stored] if isinstance(stored, list) else _output(stored, names)


def _output(stored: object, names: list[str]) -> Config:
    if not isinstance(stored, dict) or stored.get("class_name") != "__keras_tensor__":
        _not_connected()
    config = stored.get("config")
    if not isinstance(config, dict):
        _not_connected()
    shape = config.get("shape")
    if not isinstance(shape, list) or not all(n is None or is_whole(n, 1) for n in shape):
        _not_connected()
    made = {"shape": shape, "dtype": "float32", "keras_history": _place(config.get("keras_history"), names)}
    return {"class_name": "__keras_tensor__", "config": made}


def _single(stored: object, names: list[str]) -> list[Any]:
    if isinstance(stored, list) and len(stored) == 1:
        stored = stored[0]
    if not isinstance(stored, list) or len(stored) != 3:
        raise ModelError("it has several inputs or outputs; expected one of each")
    return _place(stored, names)


def _place(stored: object, names: list[str]) -> list[Any]:
    """[name of a layer, number of its call, number of its output]."""
    if not isinstance(stored, list) or len(stored) != 3 or not isinstance(stored[0], str) or stored[0] not in names:
        _not_connected()
    if not all(is_whole(n, 0) for n in stored[1:]):
        _not_connected()
    return stored


def _not_connected() -> NoReturn:
    raise ModelError("its layers are not connected one after the other")
