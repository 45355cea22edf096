"""A trained model as a .keras file, from raw pixels to calibrated probabilities."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bruit.errors import ModelError
from bruit.models.baselines import Neighbours
from bruit.models.trained import Baseline, Network, Together, Trained
from bruit.outside.keras_archive import ABOUT, CONFIG, METADATA, WEIGHTS, write
from bruit.outside.keras_in import import_keras
from bruit.outside.onnx_out import about

Arrays = list[NDArray[np.float32]]


def keras_content(model: Trained) -> bytes:
    """The model as the bytes of one .keras file: a Sequential model of Keras' own layers.

    It takes (N, H, W) pixels 0…255, of any type, and gives (N, C) float32 probabilities; its metadata.json has the
    model's name, classes and input shape under "bruit".
    Raises ModelError for a model that is no graph of layers, ConfigError if Keras is not installed.
    """
    if model.views > 1:
        raise ModelError(
            "{model.name} reads the mean of {model.views} views, which bruit writes as ONNX alone; export it as that",
            model=model,
        )
    keras = import_keras()
    built = _Built(keras, model.input_shape)
    if isinstance(model, Network):
        mean, std = (float(value) for value in (model.module.mean, model.module.std))
        built.add("Rescaling", scale=1 / (255 * std), offset=-mean / std, name="pixels")
        if any(isinstance(layer, nn.Conv2d) for layer in model.module.body):
            built.add("Reshape", target_shape=(*model.input_shape, 1))
        for layer in model.module.body:
            _add_layer(layer, built)
    elif isinstance(model, Baseline) and not isinstance(model.config, Neighbours):
        built.add("Rescaling", scale=1 / 255, name="pixels")
        built.add("Flatten")
        built.add_dense(model.learned["weights"], model.learned["biases"])
    elif isinstance(model, Together):
        raise ModelError(
            "{model.name} is several networks, which bruit writes as ONNX alone; export it as that, or one of them",
            model=model,
        )
    else:
        raise ModelError(
            "{model.name} is no graph of layers, which is all that Keras holds; export another model", model=model
        )
    built.add("Rescaling", scale=1 / model.temperature, name="temperature")
    built.add("Softmax", name="probabilities")
    return _saved(built.model, about(model))


class _Built:
    """A Sequential model that grows layer by layer."""

    def __init__(self, keras: Any, shape: tuple[int, int]) -> None:
        self.keras = keras
        self.model = keras.Sequential([keras.Input(shape, name="images")], name="bruit")
        self.flattened: tuple[int, ...] = ()

    def add(self, kind: str, *arrays: NDArray[np.float32], **settings: Any) -> None:
        layer = getattr(self.keras.layers, kind)(**settings)
        if kind == "Flatten":
            self.flattened = self.model.output_shape[1:]
        self.model.add(layer)
        if arrays:
            layer.set_weights(arrays)

    def add_dense(self, weights: NDArray[np.float32], *biases: NDArray[np.float32]) -> None:
        """`weights` (out, in), where `in` counts channels first, as in PyTorch, while Keras counts them last."""
        if len(self.flattened) == 3:
            height, width, channels = self.flattened
            weights = weights.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(weights), -1)
        self.flattened = ()
        self.add("Dense", weights.T, *biases, units=len(weights), use_bias=bool(biases))


def _add_layer(layer: nn.Module, built: _Built) -> None:
    """One layer of bruit's networks as Keras has it, as it is in prediction."""
    match layer:
        case nn.Flatten():
            built.add("Flatten")
        case nn.Linear():
            built.add_dense(*_learned(layer))
        case nn.Conv2d():
            if any(layer.padding):
                built.add("ZeroPadding2D", padding=tuple(map(int, layer.padding)))
            weights, *biases = _learned(layer)
            settings = {"kernel_size": layer.kernel_size, "strides": layer.stride, "use_bias": bool(biases)}
            built.add("Conv2D", weights.transpose(2, 3, 1, 0), *biases, filters=len(weights), **settings)
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            statistics = _values(layer.running_mean), _values(layer.running_var)
            built.add("BatchNormalization", *_learned(layer), *statistics, epsilon=layer.eps)
        case nn.ReLU():
            built.add("ReLU")
        case nn.MaxPool2d():
            built.add("MaxPooling2D", pool_size=layer.kernel_size)
        case nn.AdaptiveMaxPool2d():
            built.add("GlobalMaxPooling2D")
        case nn.Dropout():
            pass
        case _:
            raise ModelError(
                "{layer} is no layer that can be exported; export another model", layer=type(layer).__name__
            )


def _learned(layer: nn.Module) -> Arrays:
    """Weight, and bias where there is one."""
    return [_values(value) for value in (layer.weight, layer.bias) if value is not None]


def _values(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().cpu().numpy(), np.float32)


def _saved(model: Any, told: dict[str, Any]) -> bytes:

    with tempfile.TemporaryDirectory(prefix="bruit-") as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            config, metadata, weights = (archive.read(name) for name in (CONFIG, METADATA, WEIGHTS))
    version = json.loads(metadata)["keras_version"]
    file = io.BytesIO()
    write(file, json.loads(config), weights, {"keras_version": version, ABOUT: told})
    return file.getvalue()
