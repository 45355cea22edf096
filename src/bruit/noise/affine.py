"""Images sheared, scaled, turned, shifted and bent, bilinearly, with black beyond their edges.

`geometry.py` has what the course recipe needs, which goes on beyond the edges as a mirror image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import cos, sin, tan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import Floats, Images, at, cut, scale_of, smoothed

# Where a pixel of the result comes from: x, y → a x + b y + c, d x + e y + f, in pixels from the centre of the image.
Map = tuple[float, float, float, float, float, float]


def shear(images: Images, severity: int | None, draws: Draws) -> Images:
    """Sheared along the rows by an angle to one side or the other."""
    angle = at(severity, (0.2, 0.4, 0.6, 0.8, 1.0))
    return _either(images, [(1, -tan(a), 0, 0, 1, 0) for a in (-angle, angle)], draws)


def rotate(images: Images, severity: int | None, draws: Draws) -> Images:
    """Turned by an angle, in radians, to one side or the other."""
    angle = at(severity, (0.2, 0.4, 0.6, 0.8, 1.0))
    return _either(images, [(cos(a), -sin(a), 0, sin(a), cos(a), 0) for a in (-angle, angle)], draws)


def scale(images: Images, severity: int | None, draws: Draws) -> Images:
    """Made smaller."""
    factor = at(severity, (1 / 0.9, 1 / 0.8, 1 / 0.7, 1 / 0.6, 1 / 0.5))
    return _either(images, [(factor, 0, 0, 0, factor, 0)], draws)


def translate(images: Images, severity: int | None, draws: Draws) -> Images:
    """Shifted by so many pixels along both axes, either way."""
    shift = at(severity, (1, 2, 3, 4, 5)) * scale_of(images)
    return _either(images, [(1, 0, x, 0, 1, y) for x in (-shift, shift) for y in (-shift, shift)], draws)


def _either(images: Images, maps: Sequence[Map], draws: Draws) -> Images:
    """Each image under one of a few maps, drawn for it."""
    which = draws.choice(len(maps))
    pixels = images.reshape(len(images), -1)
    result = np.empty_like(pixels)
    for index, map_ in enumerate(maps):
        chosen = np.flatnonzero(which == index)
        moved = _operator(map_, images.shape[1], images.shape[2]) @ pixels[chosen].T.astype(np.float32)
        result[chosen] = cut(moved).T
    return result.reshape(images.shape)


@cache
def _operator(map_: Map, height: int, width: int) -> Any:
    """(H·W, H·W) sparse, float32: what a map does to the pixels of an image."""
    from scipy.sparse import csr_array

    a, b, c, d, e, f = map_
    y, x = (np.arange(side) - (side - 1) / 2 for side in (height, width))
    source_x = (a * x + b * y[:, None] + c + (width - 1) / 2).ravel()
    source_y = (d * x + e * y[:, None] + f + (height - 1) / 2).ravel()
    rows, columns, weights = [], [], []
    for down in (0, 1):
        for right in (0, 1):
            row, column = np.floor(source_y).astype(int) + down, np.floor(source_x).astype(int) + right
            weight = (1 - np.abs(source_y - row)) * (1 - np.abs(source_x - column))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width) & (weight > 0)
            rows.append(np.flatnonzero(inside))
            columns.append((row * width + column)[inside])
            weights.append(weight[inside].astype(np.float32))
    shape = (height * width, height * width)
    return csr_array((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape)


def elastic_transform(images: Images, severity: int | None, draws: Draws) -> Images:
    """A random affine map, then every pixel moved by a smooth random field."""
    strength, sigma, reach = at(
        severity, ((2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))
    )
    height, width = images.shape[1:]
    side = min(height, width)
    values = _sampled(images.astype(np.float32), *_affine(images, draws, reach * side))
    moves = [draws.field(height, width, low=-1, high=1) for _ in range(2)]
    x, y = (strength * side * smoothed(move, sigma * side, mirror=True) for move in moves)
    return cut(_sampled(values, y + np.arange(height)[:, None], x + np.arange(width)))


def _affine(images: Images, draws: Draws, reach: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(y, x), (N, H, W) each: where pixels come from when three points are moved by up to `reach` pixels."""
    n, height, width = images.shape
    middle, third = np.array([width // 2, height // 2], float), min(height, width) // 3
    before = np.array([middle + third, middle + np.array([third, -third]), middle - third])
    after = before + draws.uniform(3, 2, low=-reach, high=reach)
    # Rows (x, y, 1) of the points times a matrix give the points before.
    matrix = np.linalg.solve(np.concatenate([after, np.ones((n, 3, 1))], axis=2), np.broadcast_to(before, (n, 3, 2)))
    x, y = np.arange(width), np.arange(height)[:, None]
    source = [
        matrix[:, 0, k, None, None] * x + matrix[:, 1, k, None, None] * y + matrix[:, 2, k, None, None] for k in (0, 1)
    ]
    return source[1], source[0]


def _sampled(values: Floats, y: NDArray[np.floating], x: NDArray[np.floating]) -> Floats:
    """(N, H, W) float32 at positions (N, H, W), between pixels bilinearly; 0 beyond the edges."""
    n, height, width = values.shape
    padded = np.pad(values, ((0, 0), (1, 2), (1, 2)))
    y, x = (np.clip(place, -1, side) + 1 for place, side in ((y, height), (x, width)))
    row, column = y.astype(np.intp), x.astype(np.intp)
    y, x = (y - row).astype(np.float32), (x - column).astype(np.float32)
    stride = width + 3
    place = (np.arange(n) * (height + 3) * stride)[:, None, None] + row * stride + column
    pixels = padded.ravel()
    upper, lower = ((1 - x) * pixels[place + step] + x * pixels[place + step + 1] for step in (0, stride))
    result: Floats = upper + y * (lower - upper)
    return result
