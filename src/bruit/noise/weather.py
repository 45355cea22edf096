"""Fog, snow, and mud on the lens."""

from __future__ import annotations

from math import log2

import numpy as np

from bruit.noise.blur import moved, zoomed
from bruit.noise.draws import Draws
from bruit.noise.pixels import SIDE, Floats, Images, at, cut, scale_of, smoothed

_MAP = 256
# Points of maps that are made at once: they stay in the processor's cache, and wide images do not fill the memory.
_POINTS_AT_ONCE = 32 * _MAP**2


def fog(images: Images, severity: int | None, draws: Draws) -> Images:
    """A corner of a random cloud map laid over the image, which is then darkened so that it fits."""
    amount, decay = at(severity, ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)))
    result = np.empty_like(images)
    side = _side(images.shape[1:])
    at_once = max(1, _POINTS_AT_ONCE // side**2)
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        values = images[part].astype(np.float32) / np.float32(255)
        brightest = values.max(axis=(1, 2), keepdims=True)
        values += np.float32(amount) * _clouds(images.shape[1:], side, decay, draws.subset(part))
        values *= 255 * brightest / (brightest + np.float32(amount))
        result[part] = cut(values)
    return result


def _side(shape: tuple[int, ...]) -> int:
    """How many points a map has along each axis: 256 for an image of 28 × 28, else so many times more or less."""
    side = int(_MAP * 2 ** round(log2(min(shape) / SIDE)))
    while side < max(shape):
        side *= 2
    return side


def _clouds(shape: tuple[int, ...], side: int, decay: float, draws: Draws) -> Floats:
    """(N, H, W) float32, the upper left corners of maps by the diamond-square algorithm, each map scaled to 0…1.

    A map has no edges: it goes on at the other side. The noise of a level is the square of its amplitude, which falls
    by `decay` from level to level, as in the published code.
    """
    height, width = shape
    corners = np.zeros((len(draws), 1, 1), np.float32)
    wibble = 100.0
    while True:
        n = corners.shape[1]
        noise = draws.shorts(3 * n * n).astype(np.float32).reshape(len(draws), 3, n, n)
        noise -= np.float32(32767.5)
        noise *= np.float32(wibble * wibble / 32768)
        centres, lefts, tops = noise[:, 0], noise[:, 1], noise[:, 2]
        below = np.roll(corners, -1, 1)
        quarter = corners + below
        quarter += np.roll(quarter, -1, 2)
        quarter *= np.float32(0.25)
        centres += quarter
        # Each of the points between is the mean of its four neighbours, two corners and two centres.
        for points, across, axis in ((lefts, np.roll(corners, -1, 2), 1), (tops, below, 2)):
            mean = centres + np.roll(centres, 1, axis)
            mean += corners
            mean += across
            mean *= np.float32(0.25)
            points += mean
        wibble /= decay
        if 2 * n == side:
            break
        finer = np.empty((len(draws), 2 * n, 2 * n), np.float32)
        _interleave(finer, corners, centres, lefts, tops)
        corners = finer
    parts = (corners, centres, lefts, tops)
    low = np.min([part.min(axis=(1, 2)) for part in parts], axis=0)[:, None, None]
    high = np.max([part.max(axis=(1, 2)) for part in parts], axis=0)[:, None, None]
    # Of the finest level no more than the corner is wanted.
    down, right = -(-height // 2), -(-width // 2)
    corner = np.empty((len(draws), 2 * down, 2 * right), np.float32)
    _interleave(corner, *(part[:, :down, :right] for part in parts))
    corner = corner[:, :height, :width]
    corner -= low
    corner /= high - low
    return corner


def _interleave(out: Floats, corners: Floats, centres: Floats, lefts: Floats, tops: Floats) -> None:
    out[:, ::2, ::2], out[:, 1::2, 1::2] = corners, centres
    out[:, ::2, 1::2], out[:, 1::2, ::2] = lefts, tops


def spatter(images: Images, severity: int | None, draws: Draws) -> Images:
    """Spots of mud of one grey, which hide what is behind them."""
    mean, sd, sigma, least, softness = at(
        severity,
        (
            *((0.65, 0.3, 4.0, 0.69, 0.6), (0.65, 0.3, 3.0, 0.68, 0.6), (0.65, 0.3, 2.0, 0.68, 0.5)),
            *((0.65, 0.3, 1.0, 0.65, 1.5), (0.67, 0.4, 1.0, 0.65, 1.5)),
        ),
    )
    scale = scale_of(images)
    liquid = smoothed(draws.normal(*images.shape[1:], mean=mean, sd=sd), sigma * scale)
    mud = smoothed((liquid > least).astype(np.float32), softness * scale)
    mud[mud < 0.8] = 0
    values = images * (1 - mud)
    mud *= 63
    values += mud
    return cut(values)


def snow(images: Images, severity: int | None, draws: Draws) -> Images:
    """Flakes that fall across a whitened image."""
    mean, sd, size, least, radius, sigma, kept = at(
        severity,
        (
            (0.1, 0.3, 3.0, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2.0, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4.0, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
    )
    flakes = zoomed(draws.normal(*images.shape[1:], mean=mean, sd=sd), size)
    flakes[flakes < least] = 0
    flakes *= 255
    fallen = moved(cut(flakes), radius, sigma, draws.uniform(low=-135, high=-45))
    values = images.astype(np.float32)
    whitened = np.maximum(values, 1.5 * values + np.float32(127.5))
    values *= np.float32(kept)
    values += np.float32(1 - kept) * whitened
    values += fallen
    values += fallen[:, ::-1, ::-1]
    return cut(values)
