"""Dataset: images with labels, and what was noticed about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bruit.errors import DataError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Split = Literal["train", "test"]
Where = Literal["train", "test", "both"]
Severity = Literal["info", "warning", "error"]
# Pixels that are looked at in one step: few enough that what is made of them stays small.
BLOCK = 4096 * 28 * 28


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
            for part in blocks(array):
                digest.update(np.ascontiguousarray(array[part]).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Example:
    """An image that shows what a finding is about: its split, its index there, and what is to be said beside it."""

    split: Split
    index: int
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """Something a person should know about the data: how bad, where, the figures behind it, and what to do.

    `code` and `figure` hold all that `message` and `remedy` say in English; `examples` are up to 12 images.
    """

    code: str
    severity: Severity
    split: Where
    message: str
    figure: Mapping[str, float | int | str] = field(default_factory=dict)
    remedy: str = ""
    examples: tuple[Example, ...] = ()


def refuse_no_dataset(given: object) -> None:
    """Raise DataError for what is no Dataset, as both splits of a pair."""
    if not isinstance(given, Dataset):
        raise DataError(
            "expected a Dataset, received {kind}; take .train or .test of what bruit.load gives",
            kind=type(given).__name__,
        )


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
        refuse_two_sizes(self.train.shape, self.test.shape)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    @property
    def splits(self) -> dict[Split, Dataset]:
        return {"train": self.train, "test": self.test}

    def fingerprint(self) -> str:
        """SHA-256 (hex) of both sets."""
        return hashlib.sha256((self.train.fingerprint() + self.test.fingerprint()).encode()).hexdigest()


def refuse_two_sizes(train: tuple[int, ...], test: tuple[int, ...]) -> None:
    """Raise DataError unless training and test images, (height, width) each, are of one size."""
    if train != test:
        one, other = (f"{height} × {width}" for height, width in (train, test))
        raise DataError(
            "expected training and test images of one size, received {one} and {other}; resize one of them",
            one=one,
            other=other,
        )


def _names(dataset: Dataset) -> str:
    return ", ".join(dataset.classes[:12]) + (", …" if len(dataset.classes) > 12 else "")


@dataclass(frozen=True)
class Unlabelled:
    """Images without labels, of one split ("train") or two: all that a check needs. Their only class has no name."""

    name: str
    splits: dict[Split, Dataset]
    findings: tuple[Finding, ...] = ()


def steps(n: int, width: int = 1) -> Iterator[slice]:
    """Slices of n things of so many values each, about 3 million values to a slice."""
    step = max(1, BLOCK // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def blocks(array: NDArray[np.generic]) -> Iterator[slice]:
    """Slices of an array's first axis, of about 3 million values each, that together are all of it."""
    return steps(len(array), array.size // max(1, len(array)))


def pixel_counts(images: Images) -> NDArray[np.int64]:
    """(256,) how many pixels have each value, counted in blocks: NumPy widens what it counts by eight times."""
    counts = np.zeros(256, np.int64)
    for part in blocks(images):
        counts += np.bincount(images[part].reshape(-1), minlength=256)
    return counts


def contents(images: Images) -> NDArray[np.uint64]:
    """(N,) a hash of each image's pixels: equal for images of one size that are equal pixel for pixel."""
    hashes = np.empty(len(images), "<u8")
    for part in blocks(images):
        digests = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images[part]]
        hashes[part] = np.frombuffer(b"".join(digests), "<u8")
    return hashes
