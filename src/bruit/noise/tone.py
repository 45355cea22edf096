"""Grey levels changed one by one: brightness, contrast, and what a display or a scan makes of them.

All but `contrast` are a table of 256 grey levels.
"""

from __future__ import annotations

import colorsys
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import Images, at, cut

_LEVELS = np.arange(256) / 255
# Of red, green and blue in grey, as scikit-image has it (ITU-R 709).
_LUMA = (0.2125, 0.7154, 0.0721)


def brightness(images: Images, severity: int | None, draws: Draws) -> Images:
    """Made lighter."""
    return _table(_LEVELS + at(severity, (0.1, 0.2, 0.3, 0.4, 0.5)))[images]


def contrast(images: Images, severity: int | None, draws: Draws) -> Images:
    """Drawn towards the mean of the image."""
    factor = at(severity, (0.4, 0.3, 0.2, 0.1, 0.05))
    means = images.mean(axis=(1, 2), dtype=np.float32, keepdims=True)
    values = images.astype(np.float32)
    values *= np.float32(factor)
    values += means * np.float32(1 - factor)
    return cut(values)


def saturate(images: Images, severity: int | None, draws: Draws) -> Images:
    """Hue, saturation and value scaled and shifted alike: of grey images the last two severities make tints of red."""
    factor, offset = at(severity, ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)))
    return _saturated(factor, offset)[images]


@cache
def _saturated(factor: float, offset: float) -> NDArray[np.uint8]:
    values = np.clip(_LEVELS * factor + offset, 0, 1)
    tints = [colorsys.hsv_to_rgb(offset, offset, value) for value in values]
    return _table(np.array(tints) @ _LUMA)


def quantize(images: Images, severity: int | None, draws: Draws) -> Images:
    """Rounded to so many bits."""
    steps = 2 ** at(severity, (5, 4, 3, 2, 1)) - 1
    return _table(np.rint(_LEVELS * steps) / steps)[images]


def inverse(images: Images, severity: int | None, draws: Draws) -> Images:
    """Light for dark."""
    return 255 - images


def _table(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Values on 0…1 of the 256 grey levels → uint8."""
    return cut((values * 255).astype(np.float32))
