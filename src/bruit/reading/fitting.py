"""One digit as images of MNIST are: fitted in a box, strokes as wide as there, centred by mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Ink = NDArray[np.floating]
# Of MNIST's 28 × 28: the box that a digit is fitted into, as a share of the side.
BOX = 20 / 28
# So many times as large as the model's images a digit is while its strokes are made wider or narrower.
FINE = 4
# How wide strokes may stay, as shares of the side.
THINNEST, THICKEST = 2.0 / 28, 3.2 / 28
# What is fainter than this share of the darkest ink belongs to no stroke.
EDGE = 0.15


def fitted(ink: Ink, shape: tuple[int, int]) -> Pixels:
    """(H, W) of 0…1, one digit with any margins → `shape`, uint8."""
    side = min(shape)
    box = BOX * side
    fine = _with_strokes(_in_box(ink, FINE * box), FINE * side)
    digit = _in_box(fine, box)
    digit *= 255 / max(float(digit.max()), 1e-6)
    return _centred(np.rint(digit.clip(0, 255)), shape)


def stroke_width(ink: Ink) -> float:
    """In pixels: a stroke has its area and, on both sides, an edge as long as itself."""
    padded = np.pad(ink, 1)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return 2 * float(ink.sum()) / max(float(np.hypot(down, right).sum()), 1e-6)


def _with_strokes(ink: Ink, side: float) -> Ink:
    """Its strokes brought within the widths of MNIST's, which are those of images so large."""
    from PIL import Image, ImageFilter

    width = stroke_width(ink)
    by = round((np.clip(width, THINNEST * side, THICKEST * side) - width) / 2)
    if by == 0:
        return ink
    image = Image.fromarray(np.rint(np.pad(ink, abs(by)) * 255).astype(np.uint8))
    for _ in range(abs(by)):
        image = image.filter(ImageFilter.MaxFilter(3) if by > 0 else ImageFilter.MinFilter(3))
    changed = np.asarray(image, np.float32) / 255
    return changed if changed.max() > 0.5 else ink


def _in_box(ink: Ink, longest: float) -> Ink:
    """Cut to what is in it, and so large that its longer side is that long."""
    from PIL import Image

    strokes = ink > EDGE * ink.max()
    rows, columns = np.flatnonzero(strokes.any(1)), np.flatnonzero(strokes.any(0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = longest / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    return np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)


def _centred(digit: Ink, shape: tuple[int, int]) -> Pixels:
    """On an image by its centre of mass, as far as there is room: on pixel 14 of 28, where MNIST has it."""
    corner = []
    for axis, side in enumerate(shape):
        length = digit.shape[axis]
        mass = digit.sum(axis=1 - axis)
        centre = float(mass @ np.arange(length)) / float(mass.sum())
        corner.append(int(np.clip(round(side / 2 - centre), 0, side - length)))
    canvas = np.zeros(shape, np.uint8)
    top, left = corner
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas
