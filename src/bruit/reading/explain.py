"""Why a digit was read as it was: which pixels spoke for it, and the training images that are most like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, blocks
from bruit.errors import ConfigError, DataError
from bruit.predictor import Predictor
from bruit.reading.pictures import Picture
from bruit.reading.reader import Digit, Reader

# A patch is so much of the side of an image: 4 of 28 pixels, about the width of a stroke and its border.
PATCH = 1 / 7
LEAST = 1e-7


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image that is like the digit.

    index       in the training images
    similarity  correlation of their pixels, 1 for the same
    """

    index: int
    label: str
    similarity: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why `digit` was read.

    heat  (H, W) float32: by how much the logarithm of its odds falls, on average, where the pixel is covered; below 0
          the pixel spoke against it
    """

    digit: Digit
    heat: NDArray[np.float32]
    nearest: tuple[Neighbour, ...]


def explain(reader: Reader, picture: Picture, data: Dataset | None = None, k: int = 5) -> list[Explanation]:
    """Why each digit in a picture was read as it was, with the k images of `data` that are most like it.

    Raises DataError for a picture that cannot be read, or data of another size than the model's.
    """
    if k < 0:
        raise ConfigError("expected 0 or more as k, received {k}", k=k)
    (reading,) = reader.read(picture)
    if reading.problem is not None:
        raise reading.problem
    return [
        Explanation(
            digit,
            occlusion(reader, digit.seen, reader.classes.index(digit.label)),
            nearest(digit.seen, data, k) if data is not None and k else (),
        )
        for digit in reading.digits
    ]


def occlusion(model: Predictor, image: NDArray[np.uint8], class_: int) -> NDArray[np.float32]:
    """(H, W) uint8 → (H, W) float32: by how much the logarithm of the odds of a class falls where a pixel is covered by
    the background, the mean over all patches that cover it.

    Source: M. D. Zeiler and R. Fergus, Visualizing and Understanding Convolutional Networks (2014), section 4.2.
    """
    height, width = image.shape
    side = max(1, round(PATCH * min(height, width)))
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    background = np.uint8(np.median(border))
    # Patches reach beyond the border, so that each pixel is covered as often.
    places = [(top, left) for top in range(1 - side, height) for left in range(1 - side, width)]
    covered = np.repeat(image[None], len(places) + 1, axis=0)
    for at, (top, left) in enumerate(places):
        covered[at, max(0, top) : top + side, max(0, left) : left + side] = background
    odds = _log_odds(model.probabilities(covered)[:, class_])
    falls = odds[-1] - odds[:-1]
    heat = np.zeros(image.shape, np.float32)
    for fall, (top, left) in zip(falls, places, strict=True):
        heat[max(0, top) : top + side, max(0, left) : left + side] += fall
    return heat / np.float32(side * side)


def _log_odds(likely: NDArray[np.float32]) -> NDArray[np.float32]:
    bounded = np.clip(likely.astype(np.float64), LEAST, 1 - LEAST)
    odds: NDArray[np.float32] = (np.log(bounded) - np.log1p(-bounded)).astype(np.float32)
    return odds


def nearest(image: NDArray[np.uint8], data: Dataset, k: int) -> tuple[Neighbour, ...]:
    """The k images of `data` whose pixels correlate most with those of `image`, the most alike first. Raises DataError
    for images of another size.
    """
    if data.shape != image.shape:
        expected, received = (f"{h} × {w}" for h, w in (image.shape, data.shape))
        raise DataError(
            "the model reads images of {expected} pixels, the data has {received}; take other data",
            expected=expected,
            received=received,
        )
    wanted = _standardised(image[None])[0]
    similarity = np.concatenate([_standardised(data.images[part]) @ wanted for part in blocks(data.images)])
    best = np.argsort(-similarity, kind="stable")[:k]
    return tuple(
        Neighbour(int(at), data.classes[int(data.labels[at])], float(similarity[at]), data.images[at]) for at in best
    )


def _standardised(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, H, W) → (N, H·W) of mean 0 and length 1; what is of one grey level stays 0."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    standardised: NDArray[np.float32] = rows / np.maximum(length, 1)
    return standardised
