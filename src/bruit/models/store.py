"""Models on disk: config.json and weights.safetensors, read without executing anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as decode
from safetensors.numpy import save as encode

from bruit.errors import DataError, ModelError
from bruit.files import read_json, write_atomically, write_json
from bruit.models.baselines import Logistic, Neighbours, Tensors
from bruit.models.networks import Convolutional, Dense, Normalised
from bruit.models.trained import Baseline, Network, new_model
from bruit.models.zoo import Config
from bruit.training.device import choose_precision

SCHEMA = 1
KINDS: dict[str, Callable[..., Config]] = {
    kind.__name__: kind for kind in (Logistic, Neighbours, Dense, Convolutional, Normalised)
}


def save_model(model: Network | Baseline, folder: Path, about: dict[str, Any]) -> None:
    """Write config.json (what it is, and `about`: how it came to be) and weights.safetensors, the weights first."""
    write_tensors(folder / "weights.safetensors", model.tensors())
    config = {
        "schema": SCHEMA,
        "name": model.name,
        "kind": type(model.config).__name__,
        "config": dataclasses.asdict(model.config),
        "classes": model.classes,
        "input_shape": model.input_shape,
        "temperature": model.temperature,
    }
    write_json(folder / "config.json", config | about)


def load_model(folder: str | Path) -> Network | Baseline:
    """Read a model that a study or `bruit train` wrote. Raises ModelError if it is missing, damaged or not bruit's."""
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise ModelError("{folder} holds no model (config.json is missing); expected RUN/models/NAME", folder=folder)
    try:
        stored = read_json(folder / "config.json")
        kind = KINDS[stored["kind"]]
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored["config"].items()
        }
        height, width = (int(side) for side in stored["input_shape"])
        name, classes = str(stored["name"]), tuple(str(label) for label in stored["classes"])
        n = stored.get("train", {}).get("n")
        config: Config = kind(**settings)
        model = new_model(name, config, classes, (height, width), choose_precision())
    except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            "{folder} is not a model's description ({error!r}); train it again",
            folder=folder / "config.json",
            error=error,
        ) from error
    model.load_tensors(read_tensors(folder / "weights.safetensors"))
    model.source, model.trained_on = str(folder), n if isinstance(n, int) else None
    return model


def write_tensors(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> None:
    """Write arrays by name, atomically."""
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    write_atomically(path, lambda file: file.write(encode(contiguous, metadata)))


def read_tensors(path: Path) -> Tensors:
    """Read arrays by name. Raises ModelError for a missing or damaged file."""
    try:
        return dict(decode(path.read_bytes()))
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError("cannot read {path}: {error}; train the model again", path=path, error=error) from error
