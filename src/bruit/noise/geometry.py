"""Moving images about: bilinear resampling with a per-image angle or shift, vectorised over the batch.

Outside its frame an image goes on as its mirror image (d c b a | a b c d | d c b a), the *reflect* fill of Keras,
TensorFlow and SciPy. Positions are pixel centres 0...side - 1, the centre of rotation and zoom is (side - 1) / 2.
"""

from __future__ import annotations

from functools import cache
from math import ceil, hypot

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def rotate(images: NDArray[np.uint8], radians: Doubles) -> Floats:
    """(N, H, W) uint8 and (N,) angles, counter-clockwise → (N, H, W) float32, not rounded."""
    n, height, width = images.shape
    # Pad so far that no rotated position leaves the padded frame: no test for it is then needed in the inner loop.
    reach = hypot(height - 1, width - 1) / 2
    above, left = (max(0, ceil(reach - (side - 1) / 2)) + 1 for side in (height, width))
    padded = np.pad(images, ((0, 0), (above, above + 1), (left, left + 1)), mode="symmetric").astype(np.float32)
    stride = padded.shape[2]

    cos, sin = (f(radians)[:, None, None] for f in (np.cos, np.sin))
    y = (np.arange(height) - (height - 1) / 2)[:, None]
    x = (np.arange(width) - (width - 1) / 2)[None, :]
    source_y = (sin * x + cos * y + ((height - 1) / 2 + above)).astype(np.float32)
    source_x = (cos * x - sin * y + ((width - 1) / 2 + left)).astype(np.float32)

    row, column = source_y.astype(np.int32), source_x.astype(np.int32)
    source_y -= row
    source_x -= column
    corner = row * np.intp(stride)
    corner += column
    corner += (np.arange(n) * (padded.shape[1] * stride))[:, None, None]
    pixels = padded.ravel()

    def between_columns(offset: int) -> Floats:
        first: Floats = pixels[offset:].take(corner)
        second: Floats = pixels[offset + 1 :].take(corner)
        second -= first
        second *= source_x
        second += first
        return second

    upper, lower = between_columns(0), between_columns(stride)
    lower -= upper
    lower *= source_y
    lower += upper
    return lower


def shift_then_zoom(images: Floats, shift_y: Doubles, shift_x: Doubles, zoom: float, limit: float) -> Doubles:
    """Shift each image by its own number of pixels (down, right), then sample all of them `zoom` times as far apart.

    images (N, H, W) float; shifts (N,) within ± limit · side; zoom > 1 shrinks. Returns (N, H, W) float64.
    Both steps are linear and act on rows and columns apart: an output image is A · image · Bᵀ.
    """
    height, width = images.shape[1:]
    down = _shift_zoom_matrices(shift_y, height, zoom, limit)
    across = _shift_zoom_matrices(shift_x, width, zoom, limit)
    return down @ images.astype(np.float64) @ across.transpose(0, 2, 1)


def _shift_zoom_matrices(shifts: Doubles, side: int, zoom: float, limit: float) -> Doubles:
    """(N,) shifts in pixels → (N, side, side), the linear map of one axis."""
    whole = np.floor(-shifts).astype(np.intp)
    fraction = -shifts - whole
    most = ceil(limit * side)
    table, steps = _whole_shift_zoom(side, zoom, most)
    matrices = steps[whole + most]
    matrices *= fraction[:, None, None]
    matrices += table[whole + most]
    return matrices


@cache
def _whole_shift_zoom(side: int, zoom: float, most: int) -> tuple[Doubles, Doubles]:
    """Zoom · shift for whole shifts -most...most, (2 most + 1, side, side), and the step from each to the next."""
    mirror = np.concatenate([np.arange(side), np.arange(side)[::-1]])
    positions = np.arange(side)

    def samples(index: NDArray[np.int64]) -> Doubles:
        rows: Doubles = np.eye(side)[mirror[index % (2 * side)]]
        return rows

    source = zoom * positions + (1 - zoom) * (side - 1) / 2
    base = np.floor(source).astype(np.int64)
    weight = (source - base)[:, None]
    zooming = (1 - weight) * samples(base) + weight * samples(base + 1)
    table = np.stack([zooming @ samples(positions + k) for k in range(-most, most + 2)])
    return table[:-1], np.diff(table, axis=0)
