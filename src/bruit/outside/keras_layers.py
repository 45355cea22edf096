"""The layers of Keras that bruit opens, and the settings that reach them: numbers of modest size, and known words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from bruit.errors import ModelError
from bruit.locale import printable

Config = dict[str, Any]

# The largest whole number, and the most pixels added at a border: what a layer makes of an image stays small.
MAX_NUMBER, MAX_BORDER = 2**16, 64

_CONVOLUTION = "strides padding data_format dilation_rate activation use_bias"
_NORM = "axis epsilon center scale"
# Each layer with the settings that reach Keras, and what it learns.
LAYERS: dict[str, tuple[str, str]] = {
    "Dense": ("units activation use_bias", "kernel bias"),
    "Conv2D": (f"filters kernel_size groups {_CONVOLUTION}", "kernel bias"),
    "DepthwiseConv2D": (f"kernel_size depth_multiplier {_CONVOLUTION}", "depthwise bias"),
    "SeparableConv2D": (f"filters kernel_size depth_multiplier {_CONVOLUTION}", "depthwise pointwise bias"),
    "MaxPooling2D": ("pool_size strides padding data_format", ""),
    "AveragePooling2D": ("pool_size strides padding data_format", ""),
    "GlobalMaxPooling2D": ("data_format keepdims", ""),
    "GlobalAveragePooling2D": ("data_format keepdims", ""),
    "ZeroPadding2D": ("padding data_format", ""),
    "BatchNormalization": (f"momentum {_NORM}", "beta gamma moving_mean moving_variance"),
    "LayerNormalization": (f"rms_scaling {_NORM}", "beta gamma"),
    "GroupNormalization": (f"groups {_NORM}", "beta gamma"),
    "Flatten": ("data_format", ""),
    "Reshape": ("target_shape", ""),
    "Permute": ("dims", ""),
    "Rescaling": ("scale offset", ""),
    "Activation": ("activation", ""),
    "Softmax": ("axis", ""),
    "ReLU": ("max_value negative_slope threshold", ""),
    "LeakyReLU": ("negative_slope", ""),
    "PReLU": ("shared_axes", "alpha"),
    "ELU": ("alpha", ""),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), ("", "")),
    "Concatenate": ("axis", ""),
}
# What works in training only, and stands for nothing when a model reads.
IDLE = (
    *("Identity", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
    *("ActivityRegularization", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomFlip"),
    *("RandomContrast", "RandomBrightness"),
)
ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "tanh"),
    *("sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "softplus", "softsign", "exponential", "softmax"),
)
_WORDS = ("valid", "same", "channels_first", "channels_last")
# Settings that are of training only, or say how Keras computes.
_OF_TRAINING = re.compile(r"trainable|dtype|synchronized|renorm_\w+|\w+_(initializer|regularizer|constraint)")


def cleaned(kind: str, config: Mapping[str, Any]) -> Config:
    """The settings of a layer of LAYERS that reach Keras. Raises ModelError for others that change what it makes."""
    settings, learned = (text.split() for text in LAYERS[kind])
    for key, value in config.items():
        if key != "name" and key not in settings and not _OF_TRAINING.fullmatch(key) and value:
            raise ModelError(
                "its layer {kind} has a setting {key}, which bruit does not know", kind=kind, key=printable(key, 60)
            )
    kept = {key: _value(kind, key, config[key]) for key in settings if key in config}
    # The weights replace them.
    return kept | {f"{key}_initializer": "zeros" for key in learned}


def is_whole(value: object, least: int = -MAX_NUMBER) -> bool:
    """Whether a value is a whole number of modest size."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_NUMBER


def flat(value: object, depth: int = 1) -> list[Any]:
    """The members of lists within lists, down to `depth`."""
    if not isinstance(value, list) or not depth:
        return [value]
    return [one for part in value for one in flat(part, depth - 1)]


def in_words(kind: str, config: Mapping[str, Any]) -> str:
    """A layer in few words: Conv2D 32, 3 × 3, relu."""
    sizes = [config.get(key) for key in ("units", "filters", "kernel_size", "pool_size", "activation")]
    told = [" × ".join(map(str, flat(size))) for size in sizes if size is not None and size != "linear"]
    return " ".join([kind, ", ".join(told)]).strip()


def _value(kind: str, key: str, value: object) -> object:
    if key == "activation":
        if isinstance(value, Mapping) and (value.get("class_name"), value.get("module")) == ("function", "builtins"):
            value = value.get("config")
        if value is None or (isinstance(value, str) and value in ACTIVATIONS):
            return value or "linear"
    elif kind == "ZeroPadding2D" and key == "padding":
        if all(is_whole(n, 0) and n <= MAX_BORDER for n in flat(value, 2)):
            return value
    elif value is None or all(_plain(one) for one in flat(value)):
        return value
    raise ModelError(
        "its layer {kind} has {key}: {value}, which bruit does not know", kind=kind, key=key, value=printable(value, 60)
    )


def _plain(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, bool) or is_whole(value) or (isinstance(value, str) and value in _WORDS)
