"""From a photo, a scan or a drawing to what the model was trained on, the way MNIST was made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bruit.errors import DataError
from bruit.locale import Sentence
from bruit.reading.fitting import fitted
from bruit.reading.ink import ink_of, is_dark_on_light, shrunk
from bruit.reading.pieces import SMALLEST, Piece, cuts, digits_of, joined, pieces_of

Pixels = NDArray[np.uint8]
# Of images of the model's own size only these columns say whether they are light on dark: in MNIST-C's stripes the
# others are inverted.
MIDDLE = 0.6
# One digit in two hundred is wider than this, in its heights.
DOUBTFUL = 1.4
# Lines are as far apart as this share of the tallest digit, at the least.
LINE = 0.6


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
    fits: NDArray[np.bool_] = ~_are_dark(images) & ~_are_blank(images)
    return fits


def light_on_dark(images: Pixels) -> tuple[Pixels, NDArray[np.bool_]]:
    """(N, H, W) uint8 of the model's own size → the same with those inverted that are dark on light, and (N,): which of
    them are blank.
    """
    blank = _are_blank(images)
    dark = _are_dark(images) & ~blank
    return np.where(dark[:, None, None], 255 - images, images) if dark.any() else images, blank


def _are_dark(images: Pixels) -> NDArray[np.bool_]:
    side = images.shape[2]
    edge = round(side * (1 - MIDDLE) / 2)
    return is_dark_on_light(images[:, :, edge : side - edge])


def _are_blank(images: Pixels) -> NDArray[np.bool_]:
    blank: NDArray[np.bool_] = images.min(axis=(1, 2)) == images.max(axis=(1, 2))
    return blank


def find_digits(
    picture: Pixels,
    shape: tuple[int, int],
    *,
    several: bool = True,
    confidence: Callable[[Pixels], NDArray[np.floating]] | None = None,
) -> list[Found]:
    """(H, W) uint8 → the digits that stand in it, from left to right, line by line, each as the model of input (H, W)
    `shape` is to see it. Raises DataError where there is none.

    several     look for more than one in pictures that are larger than `shape`
    confidence  of the model, (N, H, W) → (N,) of 0…1: it decides what touches; without it, widths do
    """
    if picture.min() == picture.max():
        raise DataError("no digit found")
    if picture.shape == shape:
        return [Found(picture if fit_as_they_are(picture[None])[0] else 255 - picture)]
    small, times = shrunk(picture)
    ink = ink_of(small)
    alone = max(picture.shape) <= max(shape)
    pieces = pieces_of(ink, alone) if ink is not None else []
    if ink is not None and not pieces:
        raise DataError("no digits can be told from all that is in the picture; cut it into parts")
    if max((piece.height for piece in pieces), default=0) < SMALLEST:
        raise DataError("no digit found")
    digits, left_out = digits_of(pieces)
    doubt = Sentence("there is more in the picture than digits") if left_out else None
    if alone or not several:
        return [Found(fitted(joined(digits).ink, shape), _box(joined(digits), times, picture.shape))]
    lines = _lines(digits)
    if len(lines) > 1:
        doubt = Sentence("the digits stand in {n} lines, which were read from top to bottom", n=len(lines))
    found = []
    for digit in (digit for line in lines for digit in line):
        parts, touching = _apart(digit, shape, confidence)
        if touching:
            doubt = Sentence("digits may touch each other, so that there may be more or fewer of them than were read")
        found += [Found(pixels, _box(part, times, picture.shape)) for part, pixels in parts]
    return [replace(one, doubt=doubt) for one in found]


def _lines(digits: Sequence[Piece]) -> list[list[Piece]]:
    """From top to bottom, and each from left to right."""
    tallest = max(digit.height for digit in digits)
    lines: list[list[Piece]] = []
    for digit in sorted(digits, key=lambda digit: digit.middle):
        if lines and digit.middle - np.mean([other.middle for other in lines[-1]]) < LINE * tallest:
            lines[-1].append(digit)
        else:
            lines.append([digit])
    return [sorted(line, key=lambda digit: digit.left) for line in lines]


def _apart(
    digit: Piece, shape: tuple[int, int], confidence: Callable[[Pixels], NDArray[np.floating]] | None
) -> tuple[list[tuple[Piece, Pixels]], bool]:
    """What a piece is cut into, each part as the model is to see it, and whether that is doubtful."""
    ways = [[(part, fitted(part.ink, shape)) for part in way] for way in cuts(digit)]
    best = ways[0]
    if confidence is not None and len(ways) > 1:
        likely = [np.log(np.maximum(confidence(np.stack([pixels for _, pixels in way])), 1e-9)).mean() for way in ways]
        best = ways[int(np.argmax(likely))]
    return best, len(best) > 1 or digit.width > DOUBTFUL * digit.height


def _box(digit: Piece, times: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """In pixels of the picture as it came."""
    left, top, right, bottom = (int(at) * times for at in (digit.left, digit.top, digit.right, digit.bottom))
    return left, top, min(right, shape[1]), min(bottom, shape[0])
