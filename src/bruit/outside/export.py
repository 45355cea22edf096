"""Trained models as files for other programs, written once such a program says of images what the model says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bruit.errors import ConfigError, ModelError, RunError
from bruit.files import write_atomically
from bruit.models.trained import Trained
from bruit.outside.brought import EXPORTED, Brought, Opened

Format = Literal["onnx", "keras"]
TOLERANCE = 1e-4
TRIED = 64


def export(model: Trained | Brought, path: Path, kind: Format | None = None, *, force: bool = False) -> dict[str, Any]:
    """Write `model` as one file, ONNX or Keras, that takes raw pixels and gives calibrated probabilities.

    Before it is written it is opened as anybody's file would be, and run. Without `kind` it is
    Keras for a `path` that ends in .keras, else ONNX, which ends in .onnx.

    Returns file, format, model, bytes, classes, input_shape, and max_difference: the largest one between its
    probabilities and the model's own, on images one by one and in a batch.
    Raises ModelError for a model that is no graph of layers, or if the difference is above 1e-4; RunError if `path` is
    there and not to be replaced by `force`; ConfigError for a file of another ending, or if what the
    format needs is not installed.
    """
    if path.exists() and not force:
        raise RunError("{path} is there already; add --force to replace it, or choose another --out", path=path)
    kind = kind or ("keras" if path.suffix == ".keras" else "onnx")
    if path.suffix != f".{kind}":  # what opens it goes by its name, bruit and Keras too
        raise ConfigError("expected a file called .{kind}, received {path}; choose another --out", kind=kind, path=path)
    if isinstance(model, Brought):
        raise ModelError("{model.path} was not trained by bruit, which exports its own models alone", model=model)
    content_of, open_again = _format(kind)
    content = content_of(model)
    difference = _difference(model, open_again(content))
    if not difference <= TOLERANCE:
        raise ModelError(
            "{model.name} as {kind} differs from itself by {difference:.1e}, more than {TOLERANCE:g}; "
            "try another version of what runs it",
            model=model,
            kind=kind,
            difference=difference,
            TOLERANCE=TOLERANCE,
        )
    write_atomically(path, lambda file: file.write(content))
    return {
        "file": str(path),
        "format": kind,
        "model": model.name,
        "bytes": len(content),
        "classes": list(model.classes),
        "input_shape": list(model.input_shape),
        "max_difference": difference,
    }


def write_to_read(model: Trained, folder: Path) -> None:
    """Write `model` as folder/model.onnx, which a Reader opens without PyTorch. Where it is no graph of layers there is
    none, and a Reader takes the model as it is.
    """
    with suppress(ModelError):
        export(model, folder / EXPORTED, force=True)


def _format(kind: Format) -> tuple[Callable[[Trained], bytes], Callable[[bytes], Opened]]:
    if kind == "keras":
        from bruit.outside.keras_in import open_keras
        from bruit.outside.keras_out import keras_content

        return keras_content, open_keras
    from bruit.outside.onnx_in import open_onnx
    from bruit.outside.onnx_out import onnx_content

    return onnx_content, open_onnx


def _difference(model: Trained, opened: Opened) -> float:
    """The largest difference of any probability, on random images from dark to bright, in a batch and one by one."""
    brightness = np.linspace(0, 1, TRIED)[:, None, None]
    images = (np.random.default_rng(0).integers(0, 256, (TRIED, *model.input_shape)) * brightness).astype(np.uint8)
    pixels = images.astype(np.float32)
    alone = np.concatenate([opened.run(image[None]) for image in pixels])
    expected = model.probabilities(images)
    return float(max(np.abs(given - expected).max() for given in (opened.run(pixels), alone)))
