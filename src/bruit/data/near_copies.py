"""Images that are nearly the same, found without comparing every one with every other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data import room
from bruit.data.dataset import Finding, Where, blocks, steps
from bruit.data.findings import MOST_EXAMPLES, find, graded
from bruit.data.measures import Floats, Index, lowest, pooled
from bruit.data.row import PART, Row

# A correlation of pixels. Of MNIST's "1"s, its most alike class, the nearest of 6,742 has 0.989 at most (2,500 looked
# at), and for 9 % of them it has 0.98. One pixel changed from black to white leaves an image of MNIST at about 0.993.
NEAR = 0.99
# Pairs after which the search stops: who has so many knows enough.
MOST_PAIRS = 2**23
EXAMPLE_PAIRS = MOST_EXAMPLES // 2
_POOLED, _AXES, _SAMPLE = 14, 16, 8192
_TABLES, _NEIGHBOURS = 8, 8
# Points of which the medians are taken, and points that are compared at once.
_MEDIANS, _AT_ONCE = 2**18, 2**17
# Pairs that are collected before they are compared pixel by pixel.
_COLLECTED = 2**21


def near_copies(row: Row, on_progress: Callable[[int, int], None] = lambda done, total: None) -> list[Finding]:
    """Near copies within the splits and across them, and those with different labels."""
    pairs, all_of_them = _pairs(row, on_progress) if np.count_nonzero(row.shown) > 1 else (np.empty((0, 2), int), True)
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
            images = len(_distinct(here[:, 1] if split == "both" else here.ravel()))
            total = row.size(split)
            figure = {"images": images, "total": total, "share": images / total, "least": NEAR}
            severity = graded(images / total, warning=0.005)
            found.append(find(code, severity, split, row.examples(here[:EXAMPLE_PAIRS].ravel()), **figure))
    wrong = pairs[row.labels(pairs[:, 0]) != row.labels(pairs[:, 1])]
    if len(wrong):
        severity = graded(len(wrong) / len(row), warning=0.001)
        where = row.where(int(wrong.min()), int(wrong.max()))
        examples = row.examples(wrong[:EXAMPLE_PAIRS].ravel())
        found.append(find("near-conflict", severity, where, examples, pairs=len(wrong)))
    if not all_of_them:
        where = row.where(int(pairs.min(initial=0)), int(pairs.max(initial=0)))
        found.append(find("near-stopped", "warning", where, pairs=MOST_PAIRS))
    return found


def _pairs(row: Row, on_progress: Callable[[int, int], None]) -> tuple[Index, bool]:
    """(n, 2) pairs of images with a correlation of NEAR or more that are not equal, the most alike first; and whether
    the search went on to its end.

    Less their mean and divided by their length, images are points whose distance follows from their correlation.
    Pooled and projected on their first principal axes, no two are farther apart than they were. There they are put
    into buckets by random hyperplanes (Charikar 2002), several times over, and neighbours in a bucket are compared: in
    the projection, and those that are near there pixel by pixel. So the work grows like N log N, also where all images
    are alike. Of the pairs just above NEAR some may be missed; the nearer, the fewer.
    """
    different = _different(row)
    points = _projected(row, different, _axes(row))
    near, correlation = np.empty(0, np.int64), np.empty(0, np.float32)
    for candidates in _candidates(points, on_progress):
        more, of_more = _verified(row, different, candidates)
        near, first = np.unique(np.concatenate([near, more]), return_index=True)
        correlation = np.concatenate([correlation, of_more])[first]
        if len(near) > MOST_PAIRS:
            break
    order = np.argsort(-correlation, kind="stable")[:MOST_PAIRS]
    return np.stack(np.divmod(near[order], len(row)), axis=1), len(near) <= MOST_PAIRS


def _different(row: Row) -> Index:
    """One image of each content in each split: of equal ones with different labels always the same."""
    in_split: tuple[list[Index], list[Index]] = ([], [])
    for part in row.by_content():
        for in_test, different in enumerate(in_split):
            among = part[(part >= row.n_train) == bool(in_test)]
            ordered = among[np.lexsort((row.labels(among), row.measured.content[among]))]
            first = np.unique(row.measured.content[ordered], return_index=True)[1]
            different.append(ordered[first].astype(np.uint32 if len(row) < 2**32 else np.int64))
    return np.concatenate([*in_split[0], *in_split[1]])


def _axes(row: Row) -> Floats:
    """(h·w, at most 16) principal axes of a sample that does not depend on the order of the images."""
    sample = lowest(row.measured.content, row.shown, _SAMPLE)
    points = np.concatenate([_points(row, sample[part]) for part in steps(len(sample), row.pixels)])
    points -= points.mean(axis=0)
    return np.linalg.eigh(points.T @ points)[1][:, ::-1][:, :_AXES]


def _projected(row: Row, index: Index, axes: Floats) -> Floats:
    """(n, axes) the points of images on these axes; the images are read in the order in which they stand."""
    points: Floats = room.empty((len(index), axes.shape[1]), np.float32)
    order = np.argsort(index, kind="stable")
    for part in steps(len(order), row.pixels):
        points[order[part]] = _points(row, index[order[part]]) @ axes
    return points


def _points(row: Row, index: Index) -> Floats:
    """(n, h·w): pooled images less their mean, divided by their length."""
    height, width = row.shape
    one = pooled(np.ones((1, height, width), np.uint8), _POOLED)
    part = pooled(row.images(index), _POOLED) - row.measured.mean[index, None] * one
    return np.asarray(part / (row.measured.std[index, None] * np.sqrt(np.float32(height * width))))


def _candidates(points: Floats, on_progress: Callable[[int, int], None]) -> Iterator[NDArray[np.int64]]:
    """Points that share a bucket and are near each other, as numbers i · n + j, some millions at once."""
    n, dimensions = points.shape
    bits = int(np.log2(n)) + 2
    rng = np.random.default_rng(0)
    found = [np.empty(0, np.int64)]
    for table in range(_TABLES):
        planes = rng.standard_normal((dimensions, bits)).astype(np.float32)
        for pairs in _in_a_table(points, planes):
            found.append(pairs)
            if sum(map(len, found)) > _COLLECTED:
                yield _distinct(np.concatenate(found))
                found = found[:1]
        on_progress(table + 1, _TABLES)
    yield _distinct(np.concatenate(found))


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """What numpy.unique gives, but without its table, which takes several times the memory."""
    numbers = np.sort(numbers)
    return numbers[np.append(True, numbers[1:] != numbers[:-1])] if len(numbers) else numbers


def _in_a_table(points: Floats, planes: Floats) -> Iterator[NDArray[np.int64]]:
    """Near neighbours in the buckets that these hyperplanes make: of pair (i, j), with i < j, the number i · n + j."""
    n, bits = len(points), planes.shape[1]
    radius = 2 * (1 - NEAR) * 1.001  # of squared distance; rounding must not lose a pair
    middle = np.median(points[:_MEDIANS] @ planes, axis=0)
    bucket, along = room.empty((n,), np.uint32 if bits <= 32 else np.uint64), room.empty((n,), np.float32)
    for part in blocks(points):
        at = points[part] @ planes
        bucket[part] = (at > middle) @ (1 << np.arange(bits))
        along[part] = at[:, 0]
    for here in _whole_buckets(bucket, bits):
        order = here[np.lexsort((along[here], bucket[here]))]
        for start in range(0, len(order), _AT_ONCE):
            some = order[start : start + _AT_ONCE + _NEIGHBOURS]
            at, place = points[some], bucket[some]
            for step in range(1, min(_NEIGHBOURS, len(some) - 1) + 1):
                one = np.flatnonzero(place[:-step] == place[step:])
                one = one[one < _AT_ONCE]
                one = one[((at[one] - at[one + step]) ** 2).sum(axis=1) <= radius]
                pair = some[one], some[one + step]
                yield np.minimum(*pair) * n + np.maximum(*pair)


def _whole_buckets(bucket: NDArray[Any], bits: int) -> Iterator[NDArray[np.int64]]:
    """The points by index, in parts that split no bucket."""
    split = max(0, int(np.ceil(np.log2(len(bucket) / PART))))
    for part in range(2**split):
        yield np.flatnonzero(bucket >> bucket.dtype.type(bits - split) == part) if split else np.arange(len(bucket))


def _verified(row: Row, different: Index, candidates: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Those that are near copies but not equal: of pair (i, j) the number i · N + j, and their correlation."""
    measured = row.measured
    near, correlation = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for part in steps(len(candidates), row.pixels):
        pairs = different[np.stack(np.divmod(candidates[part], len(different)))].astype(np.int64)
        pairs.sort(axis=0)  # training before test
        pairs = pairs[:, measured.content[pairs[0]] != measured.content[pairs[1]]]
        one, other = (row.images(index).reshape(-1, row.pixels) - measured.mean[index, None] for index in pairs)
        value = np.einsum("ij,ij->i", one, other) / (row.pixels * measured.std[pairs[0]] * measured.std[pairs[1]])
        pairs, value = pairs[:, value >= NEAR], value[value >= NEAR]
        near.append(pairs[0] * len(row) + pairs[1])
        correlation.append(value)
    return np.concatenate(near), np.concatenate(correlation)
