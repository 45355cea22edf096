"""Predictor: all that evaluation, studies and reading know of a model."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bruit.errors import DataError


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
