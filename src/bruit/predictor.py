"""Predictor: all that evaluation, studies and reading know of a model."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


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
