"""Which ink belongs to one digit: connected pieces, put together where a stroke is broken, cut where digits touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.floating]
Mask = NDArray[np.bool_]
# What counts as ink, of 0…1.
THRESHOLD = 0.45
# Shares of the height of the tallest piece: digits are at least so tall, and what is less than SPECK in both directions
# is dirt.
TALL, SPECK = 0.45, 0.12
# Smaller pieces are parts of a digit that is no farther away than this share of the tallest piece.
NEAR = 0.3
# Pieces whose columns overlap by so much of the narrower one are one digit, if together they are no taller than
# TOGETHER times the tallest piece, or one is above the other by no more than GAP of it.
OVERLAP, TOGETHER, GAP = 0.5, 1.25, 0.15
# Widths of digits in their heights: what one may be, what is usual, and from where on it may rather be two.
NARROW, USUAL, WIDE, BROAD = 0.5, 0.7, 1.2, 1.7
# A path that cuts digits apart pays for ink, and so much for each step aside and for being far from the expected place.
ASIDE, AWAY = 0.02, 0.1
# So many pieces are looked at, the largest; where they hold less than half of the ink, it is noise.
MOST = 300
# In pixels: what is less tall is no digit.
SMALLEST = 5
# A ruled line is so many times as long as wide, or more.
RULED = 15
# A box has ink within this share of its sides from each of its corners, and is filled no more than HOLLOW.
CORNER, HOLLOW = 0.12, 0.35


@dataclass(frozen=True, eq=False)
class Piece:
    """Ink that belongs together.

    ink                       (h, w) of 0…1, nothing else in it
    left, top, right, bottom  where it stands
    """

    ink: Ink
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def pieces_of(ink: Ink, alone: bool = False) -> list[Piece]:
    """The connected pieces, without ruled lines and boxes around others; none where what is there is noise.

    alone  it is one digit and nothing else, so small that its strokes may have gaps
    """
    mask = ink > THRESHOLD
    if alone:
        return [_whole(ink, mask)]
    if _in_one_run(mask):
        whole = _whole(ink, mask)
        if whole.height >= SMALLEST and not _is_box(whole):
            return [whole]
    found = [piece for piece in _connected(ink, mask) if max(piece.width, piece.height) >= SMALLEST]
    return [piece for piece in found if not _is_ruled(piece, ink.shape) and not _is_box(piece)] or found


def digits_of(pieces: Sequence[Piece]) -> tuple[list[Piece], int]:
    """Pieces put together to digits, and how many there were that belong to none and are no specks either."""
    tallest = max(piece.height for piece in pieces)
    digits = [piece for piece in pieces if piece.height >= TALL * tallest]
    digits = _together(sorted(digits, key=lambda piece: piece.left), tallest)
    left_out = 0
    for piece in pieces:
        if piece.height >= TALL * tallest or max(piece.width, piece.height) < SPECK * tallest:
            continue
        nearest = min(range(len(digits)), key=lambda at: _apart(digits[at], piece))
        if _apart(digits[nearest], piece) <= NEAR * tallest:
            digits[nearest] = joined([digits[nearest], piece])
        else:
            left_out += 1
    return digits, left_out


def joined(pieces: Sequence[Piece]) -> Piece:
    """One piece of several."""
    left, top = min(piece.left for piece in pieces), min(piece.top for piece in pieces)
    right, bottom = max(piece.right for piece in pieces), max(piece.bottom for piece in pieces)
    ink = np.zeros((bottom - top, right - left), np.float32)
    for piece in pieces:
        part = ink[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left]
        np.maximum(part, piece.ink, out=part)
    return Piece(ink, left, top, right, bottom)


def cuts(piece: Piece) -> list[list[Piece]]:
    """The ways to read a piece as digits that touch each other, the likeliest by their widths first; itself may be one
    of them.
    """
    share = piece.width / piece.height
    counts = [n for n in range(1, int(share / NARROW) + 1) if share / n <= BROAD] or [1]
    counts.sort(key=lambda n: abs(share / n - USUAL) if n > 1 or share > WIDE else 0)
    ways = [cut_apart(piece, n) for n in counts]
    whole = [way for way in ways if len(way) == 1 or min(part.height for part in way) >= TALL * piece.height]
    return whole or [[piece]]


def cut_apart(piece: Piece, count: int) -> list[Piece]:
    """The piece as so many digits side by side, each cut where it crosses least ink."""
    if count == 1 or not piece.ink.size:
        return [piece]
    columns, first = np.arange(piece.width), _seam(piece.ink, piece.width / count)
    sides = columns < first[:, None], columns >= first[:, None]
    one, rest = (_trimmed(replace(piece, ink=np.where(side, piece.ink, 0).astype(np.float32))) for side in sides)
    return [one, *cut_apart(rest, count - 1)]


def _seam(ink: Ink, expected: float) -> NDArray[np.intp]:
    """(h,): of each row the column where a path from top to bottom crosses least ink, near the column `expected`."""
    height, width = ink.shape
    columns = np.arange(width)
    off = np.abs(columns - expected) / expected
    cost = ink + np.where(off < 0.5, AWAY * off, 1e3).astype(np.float32)
    total, came = cost[0].copy(), np.zeros((height, width), np.intp)
    for y in range(1, height):
        sides = np.stack([np.r_[np.inf, total[:-1]] + ASIDE, total, np.r_[total[1:], np.inf] + ASIDE])
        step = sides.argmin(axis=0)
        came[y] = columns + step - 1
        total = sides[step, columns] + cost[y]
    path = np.empty(height, np.intp)
    path[-1] = total.argmin()
    for y in range(height - 1, 0, -1):
        path[y - 1] = came[y, path[y]]
    return path


def _trimmed(piece: Piece) -> Piece:
    """Without what is empty around it, which may be all."""
    mask = piece.ink > THRESHOLD
    if not mask.any():
        return Piece(piece.ink[:0, :0], piece.left, piece.top, piece.left, piece.top)
    part = _whole(piece.ink, mask)
    x, y = piece.left, piece.top
    return Piece(part.ink, part.left + x, part.top + y, part.right + x, part.bottom + y)


def _together(digits: Sequence[Piece], tallest: int) -> list[Piece]:
    done: list[Piece] = []
    for piece in digits:
        for at, other in enumerate(done):
            common = min(piece.right, other.right) - max(piece.left, other.left)
            both = max(piece.bottom, other.bottom) - min(piece.top, other.top)
            above = max(piece.top, other.top) - min(piece.bottom, other.bottom)
            near = both <= TOGETHER * tallest or 0 <= above <= GAP * tallest
            if near and common >= OVERLAP * min(piece.width, other.width):
                done[at] = joined([other, piece])
                break
        else:
            done.append(piece)
    return done


def _apart(one: Piece, other: Piece) -> float:
    """How far two boxes are from each other."""
    x = max(one.left, other.left) - min(one.right, other.right)
    y = max(one.top, other.top) - min(one.bottom, other.bottom)
    return float(np.hypot(max(x, 0), max(y, 0)))


def _in_one_run(mask: Mask) -> bool:
    """Whether the rows and the columns that hold ink have no gap, as where there is one clean digit."""
    return all(np.count_nonzero(np.diff(np.r_[0, mask.any(axis=axis), 0]) == 1) == 1 for axis in (0, 1))


def _whole(ink: Ink, mask: Mask) -> Piece:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return Piece(ink[top:bottom, left:right], left, top, right, bottom)


def _connected(ink: Ink, mask: Mask) -> list[Piece]:
    from scipy import ndimage

    labels, _ = ndimage.label(mask, np.ones((3, 3), int))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = [int(label) for label in np.argsort(-sizes, kind="stable")[:MOST] if sizes[label]]
    if sizes[largest].sum() < sizes.sum() / 2:
        return []
    places, pieces = ndimage.find_objects(labels), []
    for label in largest:
        rows, columns = places[label - 1]
        own = ndimage.binary_dilation(labels[rows, columns] == label)
        part = np.where(own, ink[rows, columns], 0).astype(np.float32)
        pieces.append(Piece(part, columns.start, rows.start, columns.stop, rows.stop))
    return pieces


def _is_ruled(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether it is a line that goes through most of the picture, or lies along its edge."""
    short, long = sorted((piece.width, piece.height))
    whole = shape[1] if piece.width > piece.height else shape[0]
    return long >= RULED * short and long >= 0.5 * whole


def _is_box(piece: Piece) -> bool:
    height, width = piece.ink.shape
    if min(height, width) < 20:
        return False
    mask = piece.ink > THRESHOLD
    y, x = max(1, int(CORNER * height)), max(1, int(CORNER * width))
    corners = mask[:y, :x], mask[:y, -x:], mask[-y:, :x], mask[-y:, -x:]
    return all(corner.any() for corner in corners) and float(mask.mean()) < HOLLOW
