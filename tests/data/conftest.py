"""A pair that is small enough to be written in every format, and what it should be when it is read again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bruit.data.dataset import DataPair


@pytest.fixture(scope="session")
def small(digits: DataPair) -> DataPair:
    """60 training and 20 test images, as they come."""
    return DataPair("small", digits.train.subset(slice(60)), digits.test.subset(slice(20)))


@pytest.fixture
def the_same() -> Callable[[DataPair, DataPair], None]:
    """Fails unless both pairs have the same images and labels, in the same order."""

    def check(read: DataPair, expected: DataPair) -> None:
        assert read.classes == expected.classes
        for split in ("train", "test"):
            ours, theirs = getattr(read, split), getattr(expected, split)
            assert np.array_equal(ours.images, theirs.images)
            assert np.array_equal(ours.labels, theirs.labels)
            assert ours.images.dtype == np.uint8
            assert ours.labels.dtype == np.int64

    return check


@pytest.fixture
def one_split(small: DataPair) -> Callable[[DataPair], None]:
    """Fails unless a pair holds the training images of `small`, a tenth of them set aside, and says so."""

    def check(read: DataPair) -> None:
        assert len(read.train) + len(read.test) == 60
        assert len(read.test) >= 6
        ids = np.concatenate([read.train.ids, read.test.ids])
        assert np.array_equal(np.sort(ids), np.arange(60))
        images = np.concatenate([read.train.images, read.test.images])
        labels = np.concatenate([read.train.labels, read.test.labels])
        assert np.array_equal(images, small.train.images[ids])
        assert np.array_equal(labels, small.train.labels[ids])
        assert {"set-aside", "test-unlabelled"} & {finding.code for finding in read.findings}

    return check
