"""Dataset: images with labels, and what was noticed about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bruit.errors import DataError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Labelled images of one size.

    images   (N, H, W) uint8, 0…255
    labels   (N,) int64, index into `classes`
    classes  C names
    ids      (N,) int64, the *source* image of each: noisy copies of one image share its id, and images that share
             an id never fall on two sides of a split or fold

    Raises DataError if shapes, types or label values do not fit together.
    """

    images: Images
    labels: Labels
    classes: tuple[str, ...]
    ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            received = f"{self.images.dtype} {self.images.shape}"
            raise DataError(
                "expected images as uint8 (N, H, W), received {received}; load files with bruit.load", received=received
            )
        n = len(self.images)
        if n == 0:
            raise DataError("expected at least one image, received none")
        for name, array in (("labels", self.labels), ("ids", self.ids)):
            if array.shape != (n,):
                raise DataError(
                    "expected {n} {name}, one for each image, received shape {array.shape}", n=n, name=name, array=array
                )
        if self.labels.min() < 0 or self.labels.max() >= len(self.classes):
            low, high = self.labels.min(), self.labels.max()
            raise DataError(
                "expected labels in 0…{n}, received {low}…{high}", n=len(self.classes) - 1, low=low, high=high
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C,) number of images of each class."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def subset(self, index: NDArray[np.integer] | slice) -> Dataset:
        """The images at `index`, in that order, with their labels and ids."""
        return Dataset(self.images[index], self.labels[index], self.classes, self.ids[index])

    def fingerprint(self) -> str:
        """SHA-256 (hex) of shape, class names, images, labels and ids."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        for array in (self.images, self.labels, self.ids):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Example:
    """An image that shows what a finding is about: its split, its index there, and what is to be said beside it."""

    split: Literal["train", "test"]
    index: int
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """Something a person should know about the data: how bad, where, the figures behind it, and what to do.

    `code` and `figure` hold all that `message` and `remedy` say in English; `examples` are up to 12 images.
    """

    code: str
    severity: Literal["info", "warning", "error"]
    split: Literal["train", "test", "both"]
    message: str
    figure: Mapping[str, float | int | str] = field(default_factory=dict)
    remedy: str = ""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class DataPair:
    """What a study reads: a training and a test set of the same classes and size, and the findings about them."""

    name: str
    train: Dataset
    test: Dataset
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.train.classes != self.test.classes:
            raise DataError(
                "expected one list of classes, received {names} and {names2}",
                names=_names(self.train),
                names2=_names(self.test),
            )
        if self.train.shape != self.test.shape:
            sizes = " and ".join(f"{h} × {w}" for h, w in (self.train.shape, self.test.shape))
            raise DataError(
                "expected training and test images of one size, received {sizes}; resize one of them", sizes=sizes
            )

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    def fingerprint(self) -> str:
        """SHA-256 (hex) of both sets."""
        return hashlib.sha256((self.train.fingerprint() + self.test.fingerprint()).encode()).hexdigest()


def _names(dataset: Dataset) -> str:
    return ", ".join(dataset.classes[:12]) + (", …" if len(dataset.classes) > 12 else "")


def pixel_counts(images: Images) -> NDArray[np.int64]:
    """(256,) how many pixels have each value, counted in blocks: NumPy widens what it counts by eight times."""
    counts = np.zeros(256, np.int64)
    for start in range(0, len(images), 4096):
        counts += np.bincount(images[start : start + 4096].reshape(-1), minlength=256)
    return counts


def contents(images: Images) -> NDArray[np.uint64]:
    """(N,) a hash of each image's pixels: equal for images of one size that are equal pixel for pixel."""
    digests = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images]
    return np.frombuffer(b"".join(digests), "<u8")


def repeated_images(train: Images, test: Images) -> list[Finding]:
    """The finding that test images also occur in training, pixel for pixel, if any do."""
    repeated = np.flatnonzero(np.isin(contents(test), contents(train)))
    if not len(repeated):
        return []
    message = (
        f"{len(repeated):,} of {len(test):,} test images also occur in training, pixel for pixel, the first of them "
        f"test image {repeated[0]}: on these a model may remember instead of read. Remove them from one of the splits."
    )
    figure = {"images": len(repeated), "first": int(repeated[0])}
    return [Finding("repeated", "warning", "both", message, figure)]
