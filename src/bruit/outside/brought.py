"""A model from a FILE.keras or FILE.onnx as a Predictor: raw pixels in, probabilities out, whatever it was made for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bruit.data.limits import max_bytes
from bruit.errors import ConfigError, ModelError
from bruit.evaluation.calibration import apply_temperature
from bruit.locale import printable
from bruit.predictor import refuse_other_images

Gives = Literal["probabilities", "logits"]
# What is done to pixels 0…255 before a model sees them: times, plus. "mnist" is what PyTorch's examples do.
SCALES: dict[str, tuple[float, float]] = {
    "0-255": (1.0, 0.0),
    "0-1": (1 / 255, 0.0),
    "-1-1": (2 / 255, -1.0),
    "mnist": (1 / 255 / 0.3081, -0.1307 / 0.3081),
}
# Numbers that a model makes of one image, and that are in memory at once.
MOST_NUMBERS, NUMBERS_AT_ONCE, MOST_AT_ONCE = 2**26, 2**25, 512
SUFFIXES = (".keras", ".onnx")
# What a network leaves beside its weights, see export.py: a Reader opens it.
EXPORTED = "model.onnx"
# What other programs keep models in, and no way to read it without running what is in it.
REFUSED = (".h5", ".hdf5", ".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")


@dataclass(frozen=True)
class Opened:
    """What a format's reader makes of a file.

    run      (N, *shape) float32, or uint8 where it takes pixels → (N, outputs) float32
    gives    what those outputs are
    pixels   whether the file says that it takes pixels 0…255
    numbers  how many it computes of one image, all layers together
    batch    the most images that it takes at once
    about    what bruit wrote into it: name, classes, input_shape; {} if it was another program
    """

    run: Callable[[NDArray[Any]], NDArray[Any]]
    shape: tuple[int, ...]
    outputs: int
    gives: Gives
    pixels: bool
    numbers: int
    parameters: int
    layers: tuple[str, ...]
    about: dict[str, Any]
    batch: int = MOST_AT_ONCE


class Brought:
    """A Predictor whose training bruit knows nothing of; its probabilities are taken as they are.

    name, path, sha256  of the file
    scale               what its pixels become, a key of SCALES
    parameters, layers  how many numbers it learnt; what it is made of, in words
    assumed             whether its classes are called 0, 1, … because nobody said what they are
    """

    assumed = False
    temperature: ClassVar[float] = 1.0

    def __init__(self, path: Path, sha256: str, opened: Opened, scale: str, classes: tuple[str, ...]) -> None:
        self.name, self.path, self.sha256, self.scale, self.classes = path.name, path, sha256, scale, classes
        self.input_shape = image_shape(opened.shape)
        self.parameters, self.layers = opened.parameters, opened.layers
        self._opened = opened

    @property
    def kind(self) -> str:
        """ "keras" or "onnx"."""
        return self.path.suffix.lower().removeprefix(".")

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W) uint8 → (N, C) float32, each row summing to 1.

        Raises DataError for other shapes or types, ModelError if it gives no probabilities.
        """
        refuse_other_images(self.name, self.input_shape, images)
        if len(images) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        opened, (times, plus) = self._opened, SCALES[self.scale]
        step = max(1, min(opened.batch, NUMBERS_AT_ONCE // max(1, opened.numbers)))
        parts = []
        for start in range(0, len(images), step):
            batch = images[start : start + step]
            pixels = batch if opened.pixels else batch.astype(np.float32) * np.float32(times) + np.float32(plus)
            parts.append(np.asarray(opened.run(pixels.reshape(len(batch), *opened.shape)), np.float32))
        outputs = np.concatenate(parts)
        if outputs.shape != (len(images), len(self.classes)) or not np.isfinite(outputs).all():
            raise ModelError("{name} gives no finite numbers; train it again", name=self.name)
        if opened.gives == "logits":
            return apply_temperature(outputs, 1.0)
        sums = outputs.sum(axis=1, keepdims=True, dtype=np.float64)
        if outputs.min() < -1e-6 or np.abs(sums - 1).max() > 1e-2:
            raise ModelError("{name} gives numbers that are no probabilities; end it with a softmax", name=self.name)
        probabilities: NDArray[np.float64] = np.maximum(outputs, 0) / sums
        return probabilities.astype(np.float32)


def is_file_of_a_model(model: str | Path) -> bool:
    """Whether `model` names a file of another program's, by its ending; and no folder, nor RUN:NAME."""
    path, run = Path(model), str(model).rpartition(":")[0]
    return path.suffix.lower() in (*SUFFIXES, *REFUSED) and not path.is_dir() and not (run and Path(run).is_dir())


def bring(
    path: str | Path, *, scale: str | None = None, classes: Sequence[str] | None = None, name: str | None = None
) -> Brought:
    """Open a FILE.keras or FILE.onnx; nothing in it is ever executed.

    scale    what its pixels were made of: a key of SCALES; of a file that does not say it itself
    classes  their names, in the order of its outputs, if they are not 0, 1, …; of a file that does not say it itself
    name     what the model is called, if not as its file

    Raises ModelError for a file that is damaged, or holds more than a plain classifier of images; ConfigError where
    scale or classes are missing or wrong, or what reads the format is not installed.
    """
    path = Path(path)
    if scale is not None and scale not in SCALES:
        raise ConfigError(
            "expected a scale of {scales}, received {scale}", scales=", ".join(SCALES), scale=printable(scale, 60)
        )
    try:
        opened, digest = _open(path)
        stated = opened.about
        image_shape(opened.shape)
        named = _stated_classes(stated["classes"], opened.outputs) if "classes" in stated else None
    except ModelError as error:
        raise ModelError("{path} cannot be used: {error}", path=path, error=error) from error
    if opened.pixels:
        scale = "0-255"
    if scale is None:
        raise ConfigError(
            "{path} does not say which pixels it takes; add --scale, one of {scales}, as it was trained",
            path=path,
            scales=", ".join(SCALES),
        )
    if named is None:
        named = tuple(classes) if classes else tuple(map(str, range(opened.outputs)))
        if len(named) != opened.outputs or len(set(named)) < len(named):
            raise ConfigError(
                "{path} has {n} outputs; expected as many names of classes, each once, received {classes}",
                path=path,
                n=opened.outputs,
                classes=", ".join(named),
            )
    brought = Brought(path, digest, opened, scale, named)
    brought.assumed = "classes" not in stated and not classes
    brought.name = name or brought.name
    return brought


def refuse_large(numbers: int) -> None:
    """Raise ModelError if a model makes so many numbers of one image that it was made to fill the memory."""
    if numbers > MOST_NUMBERS:
        raise ModelError("it makes {n:,} numbers of one image, the limit is {most:,}", n=numbers, most=MOST_NUMBERS)


def image_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of a model's input (H, W), (H, W, 1), (1, H, W) or (H·W,), which is taken to be square."""
    match shape:
        case (pixels,) if isqrt(pixels) ** 2 == pixels:
            return isqrt(pixels), isqrt(pixels)
        case (height, width) | (height, width, 1) | (1, height, width):
            return height, width
    raise ModelError(
        "it reads inputs of the shape {shape}; expected grey images, (H, W), (H, W, 1), (1, H, W) or (H·W,)",
        shape=shape,
    )


def _open(path: Path) -> tuple[Opened, str]:
    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in (*SUFFIXES, *REFUSED):
        raise ModelError("it is no file called .keras or .onnx")
    if suffix not in SUFFIXES:
        raise ModelError("a {suffix} file can run code when it is opened; export it as .onnx or .keras", suffix=suffix)
    try:
        if path.stat().st_size > max_bytes():
            raise ModelError(
                "it has {n:,} bytes, the limit is {most:,}; if you trust it, set BRUIT_MAX_BYTES higher",
                n=path.stat().st_size,
                most=max_bytes(),
            )
        content = path.read_bytes()
    except OSError as error:
        raise ModelError("{strerror}", strerror=error.strerror or error) from error
    if suffix == ".keras":
        from bruit.outside.keras_in import open_keras

        opened = open_keras(content)
    else:
        from bruit.outside.onnx_in import open_onnx

        opened = open_onnx(content)
    return opened, hashlib.sha256(content).hexdigest()


def _stated_classes(stated: object, n: int) -> tuple[str, ...]:
    if not isinstance(stated, list) or not all(isinstance(name, str) for name in stated):
        raise ModelError("it does not say its classes as a list of names; export it again")
    if len(stated) != n or len(set(stated)) < n:
        raise ModelError("it says {n_classes} classes for {n} outputs; export it again", n_classes=len(stated), n=n)
    return tuple(stated)
