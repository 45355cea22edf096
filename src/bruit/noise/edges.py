"""What is left of an image when only its edges are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import Images

_LOW, _HIGH = 0.1, 0.2
Doubles = NDArray[np.float64]


def canny_edges(images: Images, severity: int | None, draws: Draws) -> Images:
    """Canny's edges, white on black (Canny 1986), with the thresholds and the smoothing of scikit-image.

    In float64 and by the same filters, as edges are decided by which of two nearly equal numbers is the larger.
    """
    from scipy.ndimage import correlate1d, gaussian_filter, label

    height, width = images.shape[1:]
    lit = gaussian_filter(np.ones((height, width)), 1.0, mode="constant") + np.finfo(float).eps
    smooth = gaussian_filter(images / 255, 1.0, mode="constant", axes=(1, 2))
    smooth /= lit
    down, right = (correlate1d(correlate1d(smooth, [-1, 0, 1], axis=axis), [1, 2, 1], axis=3 - axis) for axis in (1, 2))
    magnitude = np.sqrt(down * down + right * right)
    crests = _crests(down, right, magnitude)
    strong = crests[magnitude.ravel()[crests] >= _HIGH]
    weak = np.zeros(magnitude.size, bool)
    weak[crests] = True
    neighbours = np.zeros((3, 3, 3), bool)
    neighbours[1] = True
    parts, count = label(weak.reshape(images.shape), neighbours)
    kept = np.zeros(count + 1, np.uint8)
    kept[parts.ravel()[strong]] = 255
    result: Images = kept[parts]
    return result


def _crests(down: Doubles, right: Doubles, magnitude: Doubles) -> NDArray[np.intp]:
    """Where, counted through all pixels, the slope is no smaller than on both sides along its direction.

    The slope beside a pixel lies between two neighbours, and is interpolated between them. Borders have none.
    """
    inner = np.zeros(magnitude.shape, bool)
    inner[:, 1:-1, 1:-1] = magnitude[:, 1:-1, 1:-1] >= _LOW
    place = np.flatnonzero(inner)
    stride = magnitude.shape[2]
    slope = magnitude.ravel()
    y, x = down.ravel()[place], right.ravel()[place]
    steep = np.abs(y) > np.abs(x)
    share = np.where(steep, np.abs(x), np.abs(y)) / np.where(steep, np.abs(y), np.abs(x))
    falling = (y >= 0) & (x >= 0) | (y <= 0) & (x <= 0)
    diagonal = np.where(falling, stride + 1, 1 - stride)
    straight = np.where(steep, np.where(falling, stride, -stride), 1)
    here = slope[place]
    kept = np.ones(len(place), bool)
    for side in (1, -1):
        beside = slope[place + side * diagonal] * share + slope[place + side * straight] * (1 - share)
        kept &= beside <= here
    return place[kept]
