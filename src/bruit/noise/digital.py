"""What storing images small does to them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import Floats, Images, at

# The quantisation of luminance in annex K of the JPEG standard (ITU-T T.81).
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


# Halves are rounded up, those that float32 arithmetic leaves a hair below as well.
HALF = np.float32(0.5 + 1e-4)


def jpeg_compression(images: Images, severity: int | None, draws: Draws) -> Images:
    """Compressed as JPEG of a quality, without the file: cosine transform, quantisation, and back."""
    steps = _steps(at(severity, (25, 18, 15, 10, 7)))
    n, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge").astype(np.float32)
    padded -= 128
    down, right = (side // 8 for side in padded.shape[1:])
    blocks = padded.reshape(n, down, 8, right, 8).swapaxes(2, 3).reshape(n, -1, 64)
    transform = _cosines()
    blocks = blocks @ transform.T
    blocks /= steps
    np.rint(blocks, out=blocks)
    blocks *= steps
    blocks = blocks @ transform
    blocks += 128
    np.rint(np.clip(blocks, 0, 255, out=blocks), out=blocks)
    pixels = blocks.reshape(n, down, right, 8, 8).swapaxes(2, 3).reshape(padded.shape)
    return pixels[:, :height, :width].astype(np.uint8)


def _steps(quality: int) -> Floats:
    """(64,) float32, how far apart the values of each frequency are, by the scale of the Independent JPEG Group."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps: Floats = np.clip((np.array(_LUMINANCE) * scale + 50) // 100, 1, 255).astype(np.float32)
    return steps


@cache
def _cosines() -> Floats:
    """(64, 64) float32, the orthonormal two-dimensional cosine transform of the pixels of a block."""
    k, x = np.arange(8)[:, None], np.arange(8)
    one = np.cos((2 * x + 1) * k * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)
    both: Floats = np.kron(one, one).astype(np.float32)
    return both


def pixelate(images: Images, severity: int | None, draws: Draws) -> Images:
    """Made of fewer, larger pixels, each the mean of those that it stands for."""
    share = at(severity, (0.6, 0.5, 0.4, 0.3, 0.25))
    height, width = images.shape[1:]
    fewer = _resized(images.astype(np.float32), max(1, int(height * share)), max(1, int(width * share)))
    return _resized(fewer, height, width).astype(np.uint8)


def _resized(values: Floats, height: int, width: int) -> Floats:
    """(N, H, W) on 0…255 by means of boxes, rounded after each axis as Pillow does it."""
    before, across = values.shape[1:]
    wide = np.floor(np.matmul(values, _boxes(across, width).T) + HALF)
    result: Floats = np.floor(np.matmul(_boxes(before, height), wide) + HALF)
    return result


@cache
def _boxes(side: int, other: int) -> NDArray[np.float32]:
    """(other, side), the linear map of Pillow's box filter along an axis."""
    from PIL import Image

    return np.asarray(Image.fromarray(np.eye(side, dtype=np.float32)).resize((side, other), Image.Resampling.BOX))
