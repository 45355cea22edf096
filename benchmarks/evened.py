"""What the clean-only models of robustness.py look at instead of the pixels: a fixed preparation, which learns nothing
and draws nothing. Whoever made it knew what the corruptions of MNIST-C are; the models behind it never see any.

Smoothed, without what is wider than a stroke (the background), stretched to the full range, and, where the digit is
farther from the middle than digits of MNIST are, moved there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bruit.predictor import Predictor

Images = NDArray[np.uint8]
# Lengths in pixels of images of 28 × 28: how far smoothing reaches (one standard deviation); how wide the background
# is at the least; over what it is smoothed itself; how far from the middle a digit may be, and how far it is moved.
SMOOTH, WIDTH, BLUR, SLACK, REACH = 1.0, 9, 5, 2, 6
# Shares of the full range: what is darker counts for nothing in where the digit is; what is flatter is not stretched.
FAINT, FLAT = 0.2, 0.05
AT_ONCE = 2000


def evened(images: Images) -> Images:
    """(N, H, W) uint8, light digits on dark or darkened by anything smooth → the same, prepared."""
    parts = [_evened(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
    return np.concatenate(parts) if parts else images.copy()


def _evened(images: Images) -> Images:
    pixels = ndimage.gaussian_filter(images / np.float32(255), (0, SMOOTH, SMOOTH), mode="nearest")
    background = ndimage.grey_opening(pixels, (1, WIDTH, WIDTH), mode="nearest")
    pixels = np.maximum(pixels - ndimage.uniform_filter(background, (0, BLUR, BLUR), mode="nearest"), 0)
    pixels /= np.maximum(pixels.max(axis=(1, 2), keepdims=True), FLAT)
    return np.rint(_in_the_middle(pixels) * 255).astype(np.uint8)


def _in_the_middle(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each image moved by whole pixels, where its centre of mass is off the middle by more than SLACK."""
    mass = np.maximum(pixels - FAINT, 0)
    total = np.maximum(mass.sum(axis=(1, 2)), 1e-3)
    off = []
    for axis, side in ((2, pixels.shape[1]), (1, pixels.shape[2])):
        centre = (mass.sum(axis=axis) * np.arange(side)).sum(axis=1) / total
        by = np.rint(centre - side / 2).clip(-REACH, REACH).astype(int)  # MNIST's digits have theirs at 14.0
        off.append(np.where(np.abs(by) > SLACK, by, 0))
    wide = np.pad(pixels, ((0, 0), (REACH, REACH), (REACH, REACH)))
    moved = np.empty_like(pixels)
    for down, right in np.unique(np.stack(off, 1), axis=0):
        index = np.flatnonzero((off[0] == down) & (off[1] == right))
        rows, columns = slice(REACH + down, None), slice(REACH + right, None)
        moved[index] = wide[index, rows, columns][:, : pixels.shape[1], : pixels.shape[2]]
    return moved


@dataclass(frozen=True)
class Evened:
    """A model that is shown prepared images."""

    model: Predictor

    @property
    def name(self) -> str:
        return f"{getattr(self.model, 'name', 'model')}, evened"

    @property
    def classes(self) -> tuple[str, ...]:
        return self.model.classes

    @property
    def input_shape(self) -> tuple[int, int]:
        return self.model.input_shape

    @property
    def temperature(self) -> float:
        return float(getattr(self.model, "temperature", 1.0))

    def probabilities(self, images: Images) -> NDArray[np.float32]:
        return self.model.probabilities(evened(images))
