"""What the checks ask of every image, measured in one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bruit.data import room
from bruit.data.dataset import Dataset, Images, blocks, contents

Floats = NDArray[np.float32]
Index = NDArray[np.integer]
# Grey levels between an image's darkest and brightest pixel up to which there is nothing on it to be seen.
BLANK_RANGE = 8


@dataclass(frozen=True)
class Measures:
    """Of each image, (N,): mean and standard deviation of its pixels, the darkest and the brightest of them, how much
    lighter its inside is than its edge (in standard deviations; dark on light is negative), and a hash of its content.
    """

    mean: Floats
    std: Floats
    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    lighter_inside: Floats
    content: NDArray[np.uint64]

    @property
    def blank(self) -> NDArray[np.bool_]:
        """(N,) which images show nothing."""
        return self.high - self.low <= BLANK_RANGE

    def part(self, where: slice) -> Measures:
        """The measures of some of the images."""
        return Measures(**{name: values[where] for name, values in vars(self).items()})


def measure(*datasets: Dataset, on_progress: Callable[[int], None] = lambda done: None) -> Measures:
    """Measure every image of data sets with images of one size, one set after the other, in blocks.

    `on_progress` is called with the number of images that are done.
    """
    n, (height, width) = sum(map(len, datasets)), datasets[0].shape
    pixels, edge = height * width, _edge(height, width)
    mean, std, lighter = (room.empty((n,), np.float32) for _ in range(3))
    low, high, content = (room.empty((n,), dtype) for dtype in (np.uint8, np.uint8, np.uint64))
    done = 0
    for images in (dataset.images[part] for dataset in datasets for part in blocks(dataset.images)):
        part = slice(done, done + len(images))
        raw = np.ascontiguousarray(images).reshape(-1, pixels)
        content[part] = contents(images)
        low[part], high[part] = raw.min(axis=1), raw.max(axis=1)
        values = raw.astype(np.float32)
        mean[part] = values.mean(axis=1)
        values -= mean[part, None]
        std[part] = np.sqrt(np.einsum("ij,ij->i", values, values) / pixels)
        # The deviations of an image add up to zero: those of its inside follow from those of its edge.
        at_edge = values[:, edge].sum(axis=1)
        inside = -at_edge / max(1, pixels - int(edge.sum()))
        lighter[part] = (inside - at_edge / edge.sum()) / np.maximum(std[part], 1)
        done = part.stop
        on_progress(done)
    return Measures(mean, std, low, high, lighter, content)


def lowest(content: NDArray[np.uint64], among: NDArray[np.bool_], n: int) -> Index:
    """The n images of `among`, a mask, with the lowest hashes, the lowest first: as good as a random sample, and the
    same one in whatever order the images are.
    """
    total = int(np.count_nonzero(among))
    # Hashes are spread evenly: those of four times as many hold the lowest n, but for the odd case.
    share = min(1.0, (4 * n + 64) / max(1, total))
    likely = np.flatnonzero(among & (content <= np.uint64(min(2**64 - 1, int(share * 2**64)))))
    if len(likely) < n:
        likely = np.flatnonzero(among)
    return likely[np.argsort(content[likely], kind="stable")[:n]]


def pooled(images: Images, at_most: int) -> Floats:
    """(N, H, W) uint8 → (N, h·w) float32, h and w at most `at_most`: sums of square blocks, over the block's side.

    So scaled, it is a projection: no two images are farther apart in it than they are as (H·W) pixels.
    """
    n, height, width = images.shape
    side = -(-max(height, width) // at_most)
    if height % side or width % side:
        images = np.pad(images, ((0, 0), (0, -height % side), (0, -width % side)))
    sums = np.zeros((n, images.shape[1] // side, images.shape[2] // side), np.float32)
    for row in range(side):
        for column in range(side):
            sums += images[:, row::side, column::side]
    return np.asarray(sums.reshape(n, -1) / side)


def _edge(height: int, width: int) -> NDArray[np.bool_]:
    """(H·W,) which pixels are at the edge: a ring of a fourteenth of the side."""
    ring = max(1, min(height, width) // 14)
    edge = np.ones((height, width), np.bool_)
    edge[ring:-ring, ring:-ring] = False
    return edge.reshape(-1)
