"""What the corruptions share: grey levels, lengths that go with the size of an image, smoothing."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
T = TypeVar("T")
# The side of the images for which the lengths of the published corruptions are meant.
SIDE = 28


def cut(values: Floats) -> Images:
    """(N, H, W) float on 0…255 → uint8, clipped and cut to whole numbers, as the published sets were stored.

    `values` is overwritten. What is a hair below a whole number, by float32 arithmetic, counts as that number.
    """
    np.clip(values, 0, 255, out=values)
    values += np.float32(1e-3)
    return values.astype(np.uint8)


def scale_of(images: NDArray[np.generic]) -> float:
    """By how much lengths in pixels differ from those in an image of 28 × 28."""
    return float(min(images.shape[1:])) / SIDE


def at(severity: int | None, values: tuple[T, ...]) -> T:
    """The parameter of a severity, 1 being the mildest."""
    assert severity is not None
    return values[severity - 1]


# Matrices are multiplied image by image, and never all rows of a batch at once: sums of float32 end a hair apart where
# BLAS takes another way for another number of rows, and the noise of an image must not depend on its batch.
def smoothed(values: Floats, sigma: float, *, rows_only: bool = False, mirror: bool = False) -> Floats:
    """(N, H, W) smoothed by a Gaussian, over four standard deviations, with the edge repeated beyond it.

    rows_only  along axis 1 alone
    mirror     over three, with the mirror image beyond the edge
    """
    height, width = values.shape[1:]
    if not rows_only:
        values = np.matmul(values, _gaussian(width, sigma, mirror).T)
    result: Floats = np.matmul(_gaussian(height, sigma, mirror), values)
    return result


@cache
def _gaussian(side: int, sigma: float, mirror: bool) -> Floats:
    """(side, side), the linear map of smoothing along an axis."""
    from scipy.ndimage import gaussian_filter1d

    mode, truncate = ("reflect", 3.0) if mirror else ("nearest", 4.0)
    smoothing: Floats = gaussian_filter1d(np.eye(side), sigma, axis=0, mode=mode, truncate=truncate).astype(np.float32)
    return smoothing
