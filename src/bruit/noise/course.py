"""The course recipe: the noisy MNIST of a data science course, remade without Keras.

Four Keras 3 layers in this order, each at its defaults (reflect fill, bilinear), on images in 0...1:

    RandomRotation(0.2)                                    up to a fifth of a turn either way
    RandomTranslation(0.2, 0.2)                            up to a fifth of height and of width
    RandomZoom((0.2, 0.2))                                 out, by exactly a fifth
    RandomBrightness((-0.2, 0.2), value_range=(0, 1))      one value is added to an image, then it is clipped

The three resamplings stay apart, since each smooths the image a little. Given the same angles, shifts and brightness
the result is that of Keras 3.15 on TensorFlow, rounded to uint8 (tests/noise/test_course.py).
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.geometry import Doubles, rotate, shift_then_zoom

_PART = 0.2


def course(images: NDArray[np.uint8], draws: Draws) -> NDArray[np.uint8]:
    """(N, H, W) uint8 and their draws → the same under the course recipe."""
    height, width = images.shape[1:]
    radians = draws.uniform(low=-_PART * 2 * pi, high=_PART * 2 * pi)
    down = draws.uniform(low=-_PART * height, high=_PART * height)
    right = draws.uniform(low=-_PART * width, high=_PART * width)
    brightness = draws.uniform(low=-_PART, high=_PART)
    return distort(images, radians, down, right, brightness)


def distort(
    images: NDArray[np.uint8], radians: Doubles, down: Doubles, right: Doubles, brightness: Doubles
) -> NDArray[np.uint8]:
    """The recipe with given parameters, (N,) each: angles counter-clockwise, shifts in pixels, brightness of 1."""
    rotated = rotate(images, radians)
    result = shift_then_zoom(rotated, down, right, zoom=1 + _PART, limit=_PART)
    result += 255 * brightness[:, None, None]
    np.clip(result, 0, 255, out=result)
    return np.rint(result, out=result).astype(np.uint8)
