"""Predictor: all that evaluation, studies and reading know of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.errors import DataError, ModelError


@runtime_checkable
class Predictor(Protocol):
    """Anything that turns raw images into class probabilities.

    Scaling, normalising and the calibration temperature live behind this call: it is handed raw pixels.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """C class names, in the order of the probabilities' columns."""
        ...

    @property
    def input_shape(self) -> tuple[int, int]:
        """(height, width) of the images it takes, in pixels."""
        ...

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W) uint8 → (N, C) float32, each row summing to 1."""
        ...


@dataclass(frozen=True)
class Called:
    """A Python function as a Predictor.

    function     (N, H, W) uint8 → (N, C) probabilities, each row summing to 1
    classes      C names, in the order of the columns
    input_shape  (height, width) of the images that it is handed
    """

    function: Callable[[NDArray[np.uint8]], ArrayLike]
    classes: tuple[str, ...]
    input_shape: tuple[int, int]

    @property
    def name(self) -> str:
        """What the function is called."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the function gives. Raises ModelError for what is no such probabilities."""
        refuse_other_images(self.name, self.input_shape, images)
        given = np.asarray(self.function(images))
        n, c = len(images), len(self.classes)
        numeric = given.dtype.kind == "f" and given.shape == (n, c)
        if not numeric or not np.allclose(given.sum(axis=1), 1, atol=1e-3) or given.min(initial=0) < 0:
            raise ModelError(
                "expected of {name} probabilities as float ({n}, {c}), each row summing to 1, received {received}",
                name=self.name,
                n=n,
                c=c,
                received=f"{given.dtype} {given.shape}",
            )
        return given.astype(np.float32)


def refuse_other_images(name: str, shape: tuple[int, int], images: NDArray[np.uint8]) -> None:
    """Raise DataError unless `images` are uint8 (N, H, W) of the shape (H, W) that the model `name` reads."""
    is_array = isinstance(images, np.ndarray)
    if not is_array or images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != shape:
        height, width = shape
        received = f"{images.dtype} {images.shape}" if is_array else type(images).__name__
        raise DataError(
            "{name} expects images as uint8 (N, {height}, {width}), received {received}",
            name=name,
            height=height,
            width=width,
            received=received,
        )
