"""The way through a model of Keras, by its config: whether it begins with raw pixels, and what it ends with."""

from __future__ import annotations

from typing import Any, Literal

from bruit.errors import ModelError
from bruit.outside.keras_layers import Config, flat, in_words

Gives = Literal["probabilities", "logits"]
# What only reorders values.
SHAPING = ("Identity", "Flatten", "Reshape", "Permute")
# A Rescaling by this or less makes small numbers of pixels 0…255, and nothing of numbers that are small already.
OF_PIXELS = 1 / 32


def takes_pixels(model: Config) -> bool:
    """Whether the first thing that a model does is to scale pixels 0…255."""
    layer = _first(model)
    scale = flat(layer["config"].get("scale"))
    return layer["class_name"] == "Rescaling" and all(
        isinstance(one, float) and 0 < abs(one) <= OF_PIXELS for one in scale
    )


def gives(model: Config) -> Gives:
    """What the last layer makes. Raises ModelError for what is neither probabilities nor logits."""
    layer = _last(model)
    kind, config = layer["class_name"], layer["config"]
    if config.get("activation") == "softmax" or (kind == "Softmax" and config.get("axis", -1) in (-1, 1)):
        return "probabilities"
    if kind in ("Dense", "Conv2D") and config.get("activation", "linear") == "linear":
        return "logits"
    raise ModelError(
        "it ends with {layer}, which makes no probabilities; expected a softmax, or a Dense layer without activation",
        layer=in_words(kind, config),
    )


def fed_by(layer: Config) -> list[str]:
    """The names of the layers whose outputs a layer of a Functional model takes."""
    tensors = [one for node in layer["inbound_nodes"] for argument in node["args"] for one in flat(argument)]
    return [one["config"]["keras_history"][0] for one in tensors]


def _first(model: Config) -> Config:
    """The first layer that does more than to shape the input, if but one layer takes it; else the input's own."""
    layers: list[Config] = model["config"]["layers"]
    if model["class_name"] == "Sequential":
        return next((one for one in layers if one["class_name"] not in ("InputLayer", *SHAPING)), layers[0])
    place: Any = model["config"]["input_layers"][0]
    for _ in layers:  # which may be connected in a circle
        takers = [layer for layer in layers if place in fed_by(layer)]
        if len(takers) == 1 and takers[0]["class_name"] not in SHAPING:
            return takers[0]
        place = takers[0]["name"] if len(takers) == 1 else None
    return layers[0]


def _last(model: Config) -> Config:
    """The last layer that does more than to shape what is there."""
    layers: list[Config] = model["config"]["layers"]
    if model["class_name"] == "Sequential":
        layer = next((one for one in reversed(layers) if not _leaves(one)), layers[0])
    else:
        by_name = {one["name"]: one for one in layers}
        layer = by_name[model["config"]["output_layers"][0]]
        for _ in layers:
            if _leaves(layer) and len(fed_by(layer)) == 1:
                layer = by_name[fed_by(layer)[0]]
    return _last(layer) if "layers" in layer["config"] else layer


def _leaves(layer: Config) -> bool:
    """Whether a layer leaves every value as it is."""
    idle = layer["class_name"] == "Activation" and layer["config"].get("activation") == "linear"
    return idle or layer["class_name"] in SHAPING
