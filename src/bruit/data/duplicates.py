"""Images that occur twice, pixel for pixel or nearly: within a split, and across the two, where they are a leak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Example, Finding
from bruit.data.findings import Split, Where, find, graded
from bruit.data.measures import CHUNK, Floats, Measures, pooled

# A correlation of pixels. Of MNIST's "1"s, its most alike class, the nearest of 6,742 has 0.989 at most (2,500 looked
# at), and for 9 % of them it has 0.98. One pixel changed from black to white leaves an image of MNIST at about 0.993.
NEAR = 0.99
_POOLED, _AXES, _SAMPLE = 14, 16, 8192
_TABLES, _NEIGHBOURS = 8, 8
_EXAMPLE_PAIRS = 6
Index = NDArray[np.int64]


@dataclass(frozen=True)
class _Row:
    """The images of both splits in one row, test after training, with what is known of each; `shown` are not blank."""

    pair: DataPair
    n_train: int
    labels: Index
    ids: Index
    content: NDArray[np.uint64]
    mean: Floats
    std: Floats
    shown: Index

    @classmethod
    def of(cls, pair: DataPair, train: Measures, test: Measures) -> _Row:
        return cls(
            pair,
            len(pair.train),
            np.concatenate([pair.train.labels, pair.test.labels]),
            np.concatenate([pair.train.ids, pair.test.ids]),
            np.concatenate([train.content, test.content]),
            np.concatenate([train.mean, test.mean]),
            np.concatenate([train.std, test.std]),
            np.flatnonzero(~np.concatenate([train.blank, test.blank])),
        )

    def images(self, index: Index) -> NDArray[np.uint8]:
        out = np.empty((len(index), *self.pair.train.shape), np.uint8)
        in_test = index >= self.n_train
        out[~in_test] = self.pair.train.images[index[~in_test]]
        out[in_test] = self.pair.test.images[index[in_test] - self.n_train]
        return out

    def size(self, split: Where) -> int:
        return self.n_train if split == "train" else len(self.pair.test)

    def where(self, index: Index) -> Where:
        """The split that these images are in."""
        if index.min() < self.n_train <= index.max():
            return "both"
        return "train" if index.max() < self.n_train else "test"

    def parts(self) -> Iterator[tuple[Split, Index]]:
        """The images of each split that are not blank, by index."""
        yield "train", self.shown[self.shown < self.n_train]
        yield "test", self.shown[self.shown >= self.n_train]

    def examples(self, index: Iterable[int]) -> list[Example]:
        """Images with their classes."""
        classes = self.pair.classes
        return [
            Example("train", int(i), classes[self.labels[i]])
            if i < self.n_train
            else Example("test", int(i) - self.n_train, classes[self.labels[i]])
            for i in index
        ]


def duplicates(pair: DataPair, train: Measures, test: Measures) -> list[Finding]:
    """Exact and near copies, images of one source in both splits, and copies with different labels.

    Blank images are left out, since they are all alike.
    """
    row = _Row.of(pair, train, test)
    return [*_repeated(row), *_shared_sources(row), *_within(row), *_conflicts(row), *_near(row)]


def _leak(code: str, row: _Row, tokens: NDArray[np.generic], among: Index) -> list[Finding]:
    """The finding that test images share a token with training images."""
    train, test = among[among < row.n_train], among[among >= row.n_train]
    leaked = test[np.isin(tokens[test], tokens[train])]
    if not len(leaked):
        return []
    some = leaked[:_EXAMPLE_PAIRS]
    twins = [train[np.argmax(tokens[train] == tokens[i])] for i in some]
    examples = row.examples(np.stack([twins, some], axis=1).ravel())
    total = row.size("test")
    share = len(leaked) / total
    severity = graded(share, warning=0, error=0.01)
    return [find(code, severity, "both", examples, images=len(leaked), total=total, share=share)]


def _repeated(row: _Row) -> list[Finding]:
    return _leak("repeated", row, row.content, row.shown)


def _shared_sources(row: _Row) -> list[Finding]:
    return _leak("shared-source", row, row.ids, np.arange(len(row.ids)))


def _within(row: _Row) -> list[Finding]:
    found = []
    for split, among in row.parts():
        _, first, copy_of = np.unique(row.content[among], return_index=True, return_inverse=True)
        again = np.delete(np.arange(len(among)), first)
        if len(again):
            pairs = np.stack([first[copy_of[again]], again], axis=1)[:_EXAMPLE_PAIRS]
            total = row.size(split)
            figure = {"images": len(again), "total": total, "share": len(again) / total}
            severity = graded(len(again) / total, warning=0.01)
            found.append(find("duplicates", severity, split, row.examples(among[pairs.ravel()]), **figure))
    return found


def _conflicts(row: _Row) -> list[Finding]:
    """Equal images with different labels."""
    if not len(row.shown):
        return []
    order = row.shown[np.argsort(row.content[row.shown], kind="stable")]
    content, labels = row.content[order], row.labels[order]
    starts = np.flatnonzero(np.append(True, content[1:] != content[:-1]))
    differ = np.minimum.reduceat(labels, starts) < np.maximum.reduceat(labels, starts)
    wrong = order[np.repeat(differ, np.diff(starts, append=len(order)))]
    if not len(wrong):
        return []
    return [find("conflict", "warning", row.where(wrong), row.examples(wrong), images=len(wrong))]


def _near(row: _Row) -> list[Finding]:
    """Near copies within the splits and across them, and those with different labels."""
    if len(row.shown) < 2:
        return []
    pairs = _near_copies(row)
    in_test = (pairs >= row.n_train).sum(axis=1)
    found = []
    looked: tuple[tuple[str, Where, int], ...] = (
        ("near-repeated", "both", 1),
        ("near-duplicates", "train", 0),
        ("near-duplicates", "test", 2),
    )
    for code, split, n_in_test in looked:
        here = pairs[in_test == n_in_test]
        if len(here):
            images = len(np.unique(here[:, 1] if split == "both" else here))
            total = row.size(split)
            figure = {"images": images, "total": total, "share": images / total, "least": NEAR}
            severity = graded(images / total, warning=0.005)
            found.append(find(code, severity, split, row.examples(here[:_EXAMPLE_PAIRS].ravel()), **figure))
    wrong = pairs[row.labels[pairs[:, 0]] != row.labels[pairs[:, 1]]]
    if len(wrong):
        severity = graded(len(wrong) / len(row.labels), warning=0.001)
        examples = row.examples(wrong[:_EXAMPLE_PAIRS].ravel())
        found.append(find("near-conflict", severity, row.where(wrong), examples, pairs=len(wrong)))
    return found


def _near_copies(row: _Row) -> Index:
    """(n, 2) pairs of images with a correlation of NEAR or more that are not equal, the most alike first.

    Less their mean and divided by their length, images are points whose distance follows from their correlation.
    Pooled and projected on their first principal axes, no two are farther apart than they were. There they are put
    into buckets by random hyperplanes (Charikar 2002), several times over, and neighbours in a bucket are compared: in
    the projection, and those that are near there pixel by pixel. So the work grows like N log N, also where all images
    are alike. Of the pairs just above NEAR some may be missed; the nearer, the fewer.
    """
    different = np.concatenate([_different(row, among) for _, among in row.parts()])
    points = _points(row, different) @ _axes(row)
    return _verified(row, different[_candidates(points)])


def _different(row: _Row, among: Index) -> Index:
    """One image of each content: of equal ones with different labels always the same."""
    ordered = among[np.lexsort((row.labels[among], row.content[among]))]
    return ordered[np.unique(row.content[ordered], return_index=True)[1]]


def _candidates(points: Floats) -> Index:
    """(n, 2) index of points that share a bucket and are near each other."""
    n, dimensions = points.shape
    radius = 2 * (1 - NEAR) * 1.001  # of squared distance; rounding must not lose a pair
    bits = int(np.log2(n)) + 2
    rng = np.random.default_rng(0)
    found = [np.empty((0, 2), np.int64)]
    for _ in range(_TABLES):
        at = points @ rng.standard_normal((dimensions, bits)).astype(np.float32)
        bucket = (at > np.median(at, axis=0)) @ (1 << np.arange(bits))
        order = np.lexsort((at[:, 0], bucket))
        for step in range(1, min(_NEIGHBOURS, n - 1) + 1):
            one, other = order[:-step], order[step:]
            same = bucket[one] == bucket[other]
            one, other = one[same], other[same]
            near = ((points[one] - points[other]) ** 2).sum(axis=1) <= radius
            found.append(np.stack([one[near], other[near]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _points(row: _Row, index: Index) -> Floats:
    """(n, h·w): pooled images less their mean, divided by their length."""
    height, width = row.pair.train.shape
    one = pooled(np.ones((1, height, width), np.uint8), _POOLED)
    points = np.empty((len(index), one.shape[1]), np.float32)
    for start in range(0, len(index), CHUNK):
        block = index[start : start + CHUNK]
        part = pooled(row.images(block), _POOLED) - row.mean[block, None] * one
        points[start : start + CHUNK] = part / (row.std[block, None] * np.sqrt(np.float32(height * width)))
    return points


def _axes(row: _Row) -> Floats:
    """(h·w, at most 16) principal axes of a sample that does not depend on the order of the images."""
    sample = row.shown[np.argsort(row.content[row.shown], kind="stable")[:_SAMPLE]]
    points = _points(row, sample)
    points -= points.mean(axis=0)
    return np.linalg.eigh(points.T @ points)[1][:, ::-1][:, :_AXES]


def _verified(row: _Row, pairs: Index) -> Index:
    """(n, 2) the candidates that are near copies but not equal, the most alike first."""
    pairs = np.sort(pairs, axis=1)  # training before test
    pairs = pairs[row.content[pairs[:, 0]] != row.content[pairs[:, 1]]]
    pixels = row.pair.train.shape[0] * row.pair.train.shape[1]
    correlation = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), CHUNK):
        one, other = (
            row.images(index).reshape(-1, pixels) - row.mean[index, None] for index in pairs[start : start + CHUNK].T
        )
        correlation[start : start + CHUNK] = np.einsum("ij,ij->i", one, other)
    correlation /= pixels * row.std[pairs[:, 0]] * row.std[pairs[:, 1]]
    order = np.argsort(-correlation, kind="stable")
    return pairs[order[correlation[order] >= NEAR]]
