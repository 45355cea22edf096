"""Fine-tuning: a training that begins with what another one ended with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch

from bruit.errors import ConfigError, DataError
from bruit.locale import mark
from bruit.models.trained import Network, Trained
from bruit.predictor import Predictor

UNKNOWN = mark("unknown")


def fitting(start: Predictor, name: str, shape: tuple[int, int]) -> Network:
    """`start` itself, if a training of the model `name` on images of `shape` can begin with it.

    Raises ConfigError for another model or a baseline, DataError for images of another size.
    """
    if not isinstance(start, Network):
        received = getattr(start, "name", type(start).__name__)
        raise ConfigError(
            "only a network of the zoo can be fine-tuned, received {received}; name one, as RUN:cnn-plus",
            received=received,
        )
    if start.name != name:
        raise ConfigError("expected a {name} to start from, received a {received}", name=name, received=start.name)
    if start.input_shape != shape:
        expected, received = (f"{h} × {w}" for h, w in (start.input_shape, shape))
        raise DataError(
            "the model to start from reads images of {expected} pixels, the data has {received}; resize them first",
            expected=expected,
            received=received,
        )
    return start


def take_over(model: Network, start: Network) -> None:
    """Give `model` the weights and batch statistics of `start`, of the same layers.

    In the last layer a class keeps the weights that it had under its name; those of a class that `start` does not know
    stay the new ones. The temperature, fitted to other images, is not taken over.
    """
    ours, theirs = model.module.state_dict(), start.module.state_dict()
    known = [index for index, label in enumerate(model.classes) if label in start.classes]
    rows = [start.classes.index(model.classes[index]) for index in known]
    last = len(model.module.body) - 1
    with torch.no_grad():
        for name, value in theirs.items():
            if name in (f"body.{last}.weight", f"body.{last}.bias"):
                ours[name][known] = value[rows].to(ours[name].device)
            else:
                ours[name].copy_(value)
    model.temperature = 1.0


def new_classes(start: Trained, classes: Sequence[str]) -> list[str]:
    """The classes that `start` does not know."""
    return [label for label in classes if label not in start.classes]


def digest(model: Trained) -> str:
    """SHA-256 (hex) of all that the model has learned, and of how many views it reads where that is not one."""
    found = hashlib.sha256()
    for name, array in sorted(model.tensors().items()):
        found.update(repr((name, array.shape, str(array.dtype))).encode())
        found.update(array.tobytes())
    if model.views > 1:
        found.update(repr(("views", model.views)).encode())
    return found.hexdigest()


def seen_so_far(start: Trained | None, seen: str | None) -> tuple[str, ...]:
    """The names of the data that a training leaves its model with: those that it began with, and `seen`, its own."""
    if seen is None:
        return ()
    return (seen,) if start is None else (*(start.seen or (UNKNOWN,)), seen)


def describe(start: Trained, classes: Sequence[str]) -> dict[str, Any]:
    """What config.json keeps of the model that a training began with."""
    return {
        "source": start.source,
        "model": start.name,
        "digest": digest(start),
        "n": start.trained_on,
        "new_classes": new_classes(start, classes),
    }
