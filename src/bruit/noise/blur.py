"""What lenses, movement and rough glass do."""

from __future__ import annotations

from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import Floats, Images, at, cut, scale_of, smoothed


def gaussian_blur(images: Images, severity: int | None, draws: Draws) -> Images:
    """Smoothed along the columns, and not along the rows, as the published set is."""
    sigma = at(severity, (1, 2, 3, 4, 6)) * scale_of(images)
    return cut(smoothed(images.astype(np.float32), sigma, rows_only=True))


def glass_blur(images: Images, severity: int | None, draws: Draws) -> Images:
    """Smoothed along the columns, pixels exchanged with neighbours one after the other, smoothed again."""
    sigma, most, passes = at(severity, ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)))
    scale = scale_of(images)
    shuffled = cut(smoothed(images.astype(np.float32), sigma * scale, rows_only=True))
    shuffled = _exchanged(shuffled, max(1, round(most * scale)), passes, draws)
    return cut(smoothed(shuffled.astype(np.float32), sigma * scale, rows_only=True))


def _exchanged(images: Images, most: int, passes: int, draws: Draws) -> Images:
    """Each pixel, from the last to the first, left or exchanged with one −most…most − 1 rows and columns away."""
    n, height, width = images.shape
    rows, columns = (range(side - most, most, -1) for side in (height, width))
    # Pixels first: one step of all images is one row of memory.
    pixels = np.ascontiguousarray(images.reshape(n, -1).T)
    flat, image = pixels.ravel(), np.arange(n)
    down, right = np.divmod(np.arange((2 * most) ** 2), 2 * most)
    # For each of the ways to exchange how far it is in memory; as many ways more to leave a pixel as it is.
    offsets = np.zeros(2 * (2 * most) ** 2, np.intp)
    offsets[: (2 * most) ** 2] = ((down - most) * width + right - most) * n
    for _ in range(passes):
        ways = draws.shorts(len(rows) * len(columns)).T.astype(np.uint32)
        ways *= np.uint32(len(offsets))
        ways >>= np.uint32(16)
        step = 0
        for row in rows:
            partners = offsets[ways[step : step + len(columns)]]
            for partner, column in zip(partners, columns, strict=True):
                here = row * width + column
                partner += image
                partner += here * n
                mine, theirs = pixels[here].copy(), flat[partner]
                flat[partner] = mine
                pixels[here] = theirs
            step += len(columns)
    return np.ascontiguousarray(pixels.T).reshape(images.shape)


def defocus_blur(images: Images, severity: int | None, draws: Draws) -> Images:
    """Every point spread over a disc."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    radius, alias = at(severity, ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)))
    disc = _disc(radius * scale_of(images), max(8, radius) * scale_of(images), alias, 3 if radius <= 8 else 5)
    reach = len(disc) // 2
    padded = _mirrored(images, reach)
    shape = [next_fast_len(side, real=True) for side in padded.shape[1:]]
    spectrum = rfft2(padded, shape)
    spectrum *= rfft2(disc, shape)
    height, width = images.shape[1:]
    return cut(np.ascontiguousarray(irfft2(spectrum, shape)[:, 2 * reach :, 2 * reach :][:, :height, :width]))


def _mirrored(images: Images, reach: int) -> Floats:
    """Images that go on beyond their edges as their mirror images, the edge itself not repeated."""
    edges = ((0, 0), (reach, reach), (reach, reach))
    return np.pad(images, edges, mode="reflect").astype(np.float32)


@cache
def _disc(radius: float, half: float, alias: float, taps: int) -> Floats:
    """A disc that sums to one, and is then smoothed over `taps` pixels by a Gaussian of standard deviation `alias`."""
    from scipy.ndimage import correlate1d

    axis = np.arange(-ceil(half), ceil(half) + 1)
    disc = (axis**2 + axis[:, None] ** 2 <= radius**2).astype(np.float64)
    disc /= disc.sum()
    weights = np.exp(-((np.arange(taps) - taps // 2) ** 2) / (2 * alias**2))
    for along in (0, 1):
        disc = correlate1d(disc, weights / weights.sum(), axis=along, mode="mirror")
    return disc.astype(np.float32)


def zoom_blur(images: Images, severity: int | None, draws: Draws) -> Images:
    """The mean of the image and of what is seen of it while a lens zooms in."""
    factors = at(
        severity,
        (
            *(np.arange(1, 1.11, 0.01), np.arange(1, 1.16, 0.01), np.arange(1, 1.21, 0.02), np.arange(1, 1.26, 0.02)),
            np.arange(1, 1.31, 0.03),
        ),
    )
    values = images.astype(np.float32)
    total = values.copy()
    for factor in factors:
        total += zoomed(values, float(factor))
    total /= len(factors) + 1
    return cut(total)


def zoomed(values: Floats, factor: float) -> Floats:
    """The middle of (N, H, W) as large as the whole, by bilinear interpolation."""
    height, width = values.shape[1:]
    wide = np.matmul(values, _zoom(width, factor).T)
    result: Floats = np.matmul(_zoom(height, factor), wide)
    return result


@cache
def _zoom(side: int, factor: float) -> Floats:
    """(side, side), the linear map of zooming along an axis."""
    from scipy.ndimage import zoom

    kept = ceil(side / factor)
    first = (side - kept) // 2
    large = zoom(np.eye(kept), (factor, 1), order=1)
    begin = (len(large) - side) // 2
    matrix: Floats = np.zeros((side, side), np.float32)
    matrix[:, first : first + kept] = large[begin : begin + side]
    return matrix


def motion_blur(images: Images, severity: int | None, draws: Draws) -> Images:
    """Moved while it was taken, at up to 45° from the horizontal."""
    radius, sigma = at(severity, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)))
    return moved(images, radius, sigma, draws.uniform(low=-45, high=45))


def moved(images: Images, radius: float, sigma: float, degrees: NDArray[np.float64]) -> Images:
    """Images drawn out in a direction each, by half a Gaussian that begins in every pixel: ImageMagick's motion blur.

    radius and sigma in pixels of an image of 28 × 28, degrees (N,). The edge is repeated beyond it.
    """
    n, height, width = images.shape
    scale = scale_of(images)
    taps = 2 * ceil(radius * scale) + 1
    weights = np.exp(-(np.arange(taps) ** 2) / (2 * (sigma * scale) ** 2))
    weights /= weights.sum()
    padded = np.pad(images, ((0, 0), (taps, taps), (taps, taps)), mode="edge")
    # (N, ·, ·, H, W): every place at which an image may be cut out of its padded one.
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    radians, image = np.radians(degrees), np.arange(n)
    total, weighted = np.zeros((2, n, height, width), np.float32)
    for i in np.flatnonzero(weights > 1e-6):
        right, down = (np.ceil(i * part - 0.5).astype(np.intp) + taps for part in (np.cos(radians), np.sin(radians)))
        np.multiply(windows[image, down, right], np.float32(weights[i]), out=weighted)
        total += weighted
    return cut(total)
