"""Noise of pixels on their own, as a sensor makes it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bruit.noise.draws import Draws
from bruit.noise.pixels import Floats, Images, at, cut


def gaussian_noise(images: Images, severity: int | None, draws: Draws) -> Images:
    """Normally distributed noise added."""
    return white_noise(images.astype(np.float32), at(severity, (0.08, 0.12, 0.18, 0.26, 0.38)), draws)


def white_noise(values: Floats, sd: float, draws: Draws) -> Images:
    """(N, H, W) float on 0…255, overwritten, with normally distributed noise of `sd` (1 is full scale) → uint8."""
    values += draws.normal(*values.shape[1:], sd=255 * sd)
    return cut(values)


def speckle_noise(images: Images, severity: int | None, draws: Draws) -> Images:
    """Normally distributed noise in proportion to the light."""
    values = draws.normal(*images.shape[1:], mean=1, sd=at(severity, (0.15, 0.2, 0.35, 0.45, 0.6)))
    values *= images
    return cut(values)


def shot_noise(images: Images, severity: int | None, draws: Draws) -> Images:
    """So many photons at full scale, Poisson distributed."""
    photons = at(severity, (60, 25, 12, 5, 3))
    u = draws.field(*images.shape[1:])
    result = np.zeros(images.shape, np.uint8)
    lit = np.flatnonzero(images)  # where there is no light there are no photons
    levels = images.ravel()[lit]
    # All distributions end to end, that of grey level g in g…g + 1: how many photons there are is one search.
    steps, bounds = _photons(photons)
    counts = np.searchsorted(bounds, levels + u.ravel()[lit].astype(np.float64)) - levels.astype(np.intp) * photons
    result.ravel()[lit] = steps[counts]
    return result


@cache
def _photons(most: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """(grey level of 0…most photons, g + P(at most k photons | g) for each grey level g and k below `most`)."""
    from scipy.special import pdtr

    cumulative = pdtr(np.arange(most), np.arange(256)[:, None] / 255 * most)
    bounds = (np.arange(256)[:, None] + cumulative).ravel()
    return cut((np.arange(most + 1) / most * 255).astype(np.float32)), bounds


def impulse_noise(images: Images, severity: int | None, draws: Draws) -> Images:
    """Salt and pepper, as much of one as of the other."""
    amount = at(severity, (0.03, 0.06, 0.09, 0.17, 0.27))
    u = draws.field(*images.shape[1:])
    result = images.copy()
    result[u < amount] = 0
    result[u < amount / 2] = 255
    return result
