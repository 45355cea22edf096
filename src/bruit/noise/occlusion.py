"""Something over the image: stripes and strokes.

A stroke is soft: it is brightest in its middle and ends 1.5 pixels from it. Places are those of a grid of 28 × 28
points, which is laid over images of other sizes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import SIDE, Floats, Images, cut

Doubles = NDArray[np.float64]
Numbers = NDArray[np.floating] | NDArray[np.integer]


def stripe(images: Images, severity: int | None, draws: Draws) -> Images:
    """The outer quarters of the columns inverted."""
    quarter = round(images.shape[2] / 4)
    result = images.copy()
    for part in (slice(0, quarter), slice(images.shape[2] - quarter, None)):
        np.subtract(255, images[:, :, part], out=result[:, :, part])
    return result


def line(images: Images, severity: int | None, draws: Draws) -> Images:
    """A stroke from about the left to about the right."""
    begin, end = draws.choice(5), 22 + draws.choice(5)
    return _over(images, _stroke(images, begin, draws.choice(SIDE - 1), end, draws.choice(SIDE - 1)))


def dotted_line(images: Images, severity: int | None, draws: Draws) -> Images:
    """A stroke from the left to the right, on and off every two columns."""
    left = np.zeros(len(images))
    stroke = _stroke(images, left, draws.choice(SIDE - 1), left + SIDE - 1, draws.choice(SIDE - 1))
    stroke[:, :, np.floor(np.clip(_places(images.shape[2]), 0, None) / 2) % 2 == 0] = 0
    return _over(images, stroke)


def zigzag(images: Images, severity: int | None, draws: Draws) -> Images:
    """A zigzag two points long and two wide, from column 2 to 25, up or down by five rows at the most."""
    row, rise = draws.choice(SIDE - 1), draws.choice(10) - 5
    angle = np.arctan(rise / 23)
    length = 23 / np.cos(angle)
    along = [np.zeros_like(length), *(np.full_like(length, x) for x in (2, 6, 10, 14, 18, 22)), length]
    across = [np.zeros_like(length), *(np.full_like(length, y) for y in (2, -2, 2, -2, 2, -2)), -1 / (length - 20)]
    columns = [2 + np.cos(angle) * x - np.sin(angle) * y for x, y in zip(along, across, strict=True)]
    rows = [row + np.sin(angle) * x + np.cos(angle) * y for x, y in zip(along, across, strict=True)]
    total = np.zeros(images.shape, np.float32)
    for i in range(7):
        total += _stroke(images, columns[i], rows[i], columns[i + 1], rows[i + 1])
    return _over(images, total)


def _stroke(images: Images, column: Numbers, row: Numbers, end_column: Numbers, end_row: Numbers) -> Floats:
    """(N, H, W) float32 on 0…1, a stroke for each image between two points of the grid, (N,) each."""
    height, width = images.shape[1:]
    x = _places(width)
    slope = (end_row - row) / (end_column - column)
    middle = row[:, None] + slope[:, None] * (x - column[:, None])
    stroke: Floats = (_places(height)[:, None] - middle[:, None]).astype(np.float32)
    np.abs(stroke, out=stroke)
    np.minimum(stroke, np.float32(2.2), out=stroke)
    stroke *= np.float32(-1 / 2.3)
    np.log1p(stroke, out=stroke)
    stroke += 1
    np.maximum(stroke, 0, out=stroke)
    beyond = (x < np.floor(column)[:, None]) | (x >= np.ceil(end_column)[:, None])
    stroke *= ~beyond[:, None]
    return stroke


def _places(side: int) -> Doubles:
    """Where on the grid the pixels of a row or column lie: 0…27 where there are 28 of them."""
    places: Doubles = (np.arange(side, dtype=np.float64) + 0.5) * (SIDE / side) - 0.5
    return places


def _over(images: Images, strokes: Floats) -> Images:
    """Images with strokes on 0…1 added to them."""
    strokes *= 255
    strokes += images
    return cut(strokes)
