"""From a photo, a scan or a drawing to what the model was trained on, the way MNIST was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bruit.errors import DataError
from bruit.locale import Sentence

Pixels = NDArray[np.uint8]
# Of MNIST's 28 × 28: the box that a digit is fitted into, as a share of the side.
BOX = 20 / 28


@dataclass(frozen=True, eq=False)
class Found:
    """A digit in a picture.

    pixels  (H, W) uint8, of the model's size, light on dark: what the model is shown
    box     where it stands in the picture, in pixels: left, top, right, bottom; None: it is the whole picture
    doubt   why it may not be what stands there
    """

    pixels: Pixels
    box: tuple[int, int, int, int] | None = None
    doubt: Sentence | None = None


def fit_as_they_are(images: Pixels) -> NDArray[np.bool_]:
    """(N, H, W) uint8 of the model's own size → (N,): whether they are light digits on dark, as the model's own."""
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    fits: NDArray[np.bool_] = np.median(border, axis=1) < 192
    return fits


def find_digits(picture: Pixels, shape: tuple[int, int], *, several: bool = True) -> list[Found]:
    """(H, W) uint8 → the digits that stand in it, from left to right, each as the model of input (H, W) `shape` is to
    see it. Raises DataError where there is none.
    """
    from PIL import Image

    if picture.shape == shape and fit_as_they_are(picture[None])[0]:
        return [Found(picture)]
    pixels = picture.astype(np.float32)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ink = np.abs(pixels - np.median(border))
    if ink.max() < 16:
        raise DataError("no digit found")
    ink /= ink.max()
    rows, columns = np.flatnonzero((ink > 0.4).any(1)), np.flatnonzero((ink > 0.4).any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    cut = Image.fromarray((ink[top:bottom, left:right] * 255).astype(np.uint8))
    scale = BOX * min(shape) / max(cut.size)
    small = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.BOX)
    digit = np.asarray(small, np.float32)
    y, x = (float((digit.sum(1 - axis) * np.arange(digit.shape[axis])).sum() / digit.sum()) for axis in (0, 1))
    canvas = np.zeros(shape, np.uint8)
    y0 = int(np.clip(round(shape[0] / 2 - y), 0, shape[0] - digit.shape[0]))
    x0 = int(np.clip(round(shape[1] / 2 - x), 0, shape[1] - digit.shape[1]))
    canvas[y0 : y0 + digit.shape[0], x0 : x0 + digit.shape[1]] = digit
    return [Found(canvas, (int(left), int(top), int(right), int(bottom)))]
