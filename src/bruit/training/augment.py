"""Batched augmentation: one affine map and one brightness for each image, drawn on the device; and noise."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bruit.noise.draws import Draws
from bruit.noise.mixture import Mixture, mix
from bruit.training.recipe import Augmentation


def changes(n: int, ranges: Augmentation, generator: torch.Generator | None = None) -> Tensor:
    """(numbers, n) float from −1 to 1: what `augment` changes n images by, from PyTorch's current random stream or
    another one, and on its device.
    """
    device = None if generator is None else generator.device
    numbers = 4 * ranges.moves + sum(map(bool, (ranges.shear, ranges.contrast, ranges.brightness)))
    return torch.rand(numbers, n, generator=generator, device=device) * 2 - 1


def augment(images: Tensor, ranges: Augmentation, by: Tensor | None = None) -> Tensor:
    """Change every image within the ranges by a draw of its own: `by`, or else one of `changes`.

    images: (N, 1, H, W) float on any scale of 0…1; returned in the same shape. Uncovered borders repeat the
    mirror image, as the noise recipes of photographs do.
    """
    n, _, height, width = images.shape
    draws = iter(changes(n, ranges).to(images.device) if by is None else by)

    def uniform(reach: float) -> Tensor:
        draw: Tensor = next(draws)
        return draw * reach

    if ranges.moves:
        angle = uniform(math.radians(ranges.rotation))
        zoom = 1 + uniform(ranges.scale)
        cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        # grid_sample's coordinates run from −1 to 1, so a shift of the whole side is 2, and one along the height is
        # not as long as one along the width unless the image is square.
        shift_x, shift_y = uniform(2 * ranges.shift), uniform(2 * ranges.shift)
        slant = uniform(ranges.shear) if ranges.shear else torch.zeros_like(cos)
        right, down = (slant * cos - sin) * (height / width), slant * sin + cos  # sheared first, then turned
        theta = torch.stack([cos, right, shift_x, sin * (width / height), down, shift_y], dim=1)
        grid = F.affine_grid(theta.view(n, 2, 3), list(images.shape), align_corners=False)
        images = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    if ranges.contrast:
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        images = (mean + (images - mean) * (1 + uniform(ranges.contrast)).view(n, 1, 1, 1)).clamp(0, 1)
    if ranges.brightness:
        images = (images + uniform(ranges.brightness).view(n, 1, 1, 1)).clamp(0, 1)
    return images


def under_noise(images: Tensor, mixture: Mixture, seed: int, index: Tensor) -> Tensor:
    """(N, H, W) uint8 images under noise; that of an image depends on (seed, its index among all, mixture) alone."""
    draws = Draws(seed, mixture.stream, index.cpu().numpy().astype(np.int64))
    return torch.from_numpy(mix(mixture, images.cpu().numpy(), draws)).to(images.device)
