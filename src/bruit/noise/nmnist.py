"""n-MNIST remade: the three noisy MNIST of Basu et al. (2017), as MATLAB's functions make them.

White Gaussian noise at a signal-to-noise ratio of 9.5 and 12 dB, for a signal that `awgn` takes for 0 dBW: standard
deviations of 0.335 and 0.251 of full scale. A camera that moves by 5 pixels, at 15° counter-clockwise. Half the
contrast. The last two, and what `awgn` took for the signal, are inferred.
"""

from __future__ import annotations

from functools import cache
from math import cos, radians, sin

import numpy as np

from bruit.noise.draws import Draws
from bruit.noise.pixels import Floats, Images, cut, scale_of
from bruit.noise.sensor import white_noise

LENGTH, DEGREES = 5, 15


def awgn(images: Images, draws: Draws) -> Images:
    """White Gaussian noise."""
    return white_noise(images.astype(np.float32), 10 ** (-9.5 / 20), draws)


def contrast_awgn(images: Images, draws: Draws) -> Images:
    """Half the contrast, then white Gaussian noise."""
    return white_noise(images * np.float32(0.5), 10 ** (-12 / 20), draws)


def motion_blur(images: Images, draws: Draws) -> Images:
    """A linear movement of the camera, black beyond the edges."""
    from scipy.ndimage import correlate

    kernel = motion_kernel(LENGTH * scale_of(images), DEGREES)
    return cut(correlate(images.astype(np.float32), kernel[None], mode="constant"))


@cache
def motion_kernel(length: float, degrees: float) -> Floats:
    """(2 rows + 1, 2 columns + 1) float32 that sums to one: a line of that length, one pixel wide, about the middle.

    A pixel's weight falls linearly with its distance from the line, as in MATLAB's fspecial('motion').
    """
    half = max(0.0, (max(1.0, length) - 1) / 2)
    angle = radians(degrees)
    across, up = cos(angle), sin(angle)
    reach_x, reach_y = (int(half * part + 1 - length * np.finfo(float).eps) for part in (across, up))
    x, y = np.meshgrid(np.arange(reach_x + 1), np.arange(reach_y + 1))
    beside = y * across - x * up
    along = np.hypot(x, y)
    # Beyond the end of the line it is the distance from its end that counts.
    end = (along >= half) & (np.abs(beside) <= 1)
    past = half - np.abs((x[end] + beside[end] * up) / across)
    beside[end] = np.hypot(beside[end], past)
    quarter = np.maximum(1 + np.finfo(float).eps - np.abs(beside), 0)
    kernel = np.zeros((2 * reach_y + 1, 2 * reach_x + 1))
    kernel[: reach_y + 1, : reach_x + 1] = quarter[::-1, ::-1]
    kernel[reach_y:, reach_x:] = quarter
    # Rows count downwards, so what rises to the right lies the other way.
    line: Floats = (kernel / kernel.sum())[::-1].astype(np.float32)
    return line
