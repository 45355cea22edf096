"""What is measured of each image is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bruit.data.dataset import Dataset
from bruit.data.measures import lowest, measure, pooled


def dataset(images: np.ndarray) -> Dataset:
    return Dataset(images, np.zeros(len(images), np.int64), ("a",), np.arange(len(images)))


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_moments_are_those_of_the_pixels(images: np.ndarray) -> None:
    measured, flat = measure(dataset(images)), images.reshape(len(images), -1).astype(np.float64)
    np.testing.assert_allclose(measured.mean, flat.mean(axis=1), atol=1e-3)
    np.testing.assert_allclose(measured.std, flat.std(axis=1), atol=1e-2)
    np.testing.assert_array_equal(measured.low, flat.min(axis=1))
    np.testing.assert_array_equal(measured.high, flat.max(axis=1))
    np.testing.assert_array_equal(measured.blank, flat.max(axis=1) - flat.min(axis=1) <= 8)


@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(3), st.just(2)), elements=st.integers(0, 1)))
def test_equal_images_and_only_they_share_their_content(images: np.ndarray) -> None:
    content = measure(dataset(images)).content
    for one, first in zip(images, content, strict=True):
        np.testing.assert_array_equal(content == first, (images == one).all(axis=(1, 2)))


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch, digits) -> None:
    whole = measure(digits.train)
    monkeypatch.setattr("bruit.data.dataset.BLOCK", 7 * 28 * 28)
    for name, values in vars(measure(digits.train)).items():
        np.testing.assert_allclose(values, getattr(whole, name), rtol=1e-6, atol=1e-6)


def test_the_inside_is_lighter_on_digits_and_darker_on_their_negatives(digits) -> None:
    assert (measure(digits.train).lighter_inside > 0.1).all()
    assert (measure(dataset(255 - digits.train.images)).lighter_inside < -0.1).all()


@given(
    npst.arrays(np.uint8, st.tuples(st.just(2), st.integers(1, 11), st.integers(1, 11))),
    st.integers(1, 8),
)
def test_pooling_never_puts_images_farther_apart(images: np.ndarray, at_most: int) -> None:
    small = pooled(images, at_most)
    assert small.shape[1] <= at_most**2
    apart = np.linalg.norm(np.subtract(*images.reshape(2, -1).astype(np.float64)))
    assert np.linalg.norm(small[0] - small[1]) <= apart * (1 + 1e-6) + 1e-6


def test_pooling_adds_up_blocks() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    np.testing.assert_array_equal(pooled(image, 2), [[10 / 2, 18 / 2, 42 / 2, 50 / 2]])
    np.testing.assert_array_equal(pooled(image, 4), image.reshape(1, 16))


@given(
    npst.arrays(np.uint64, st.integers(1, 300), elements=st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([3, 7]))),
    st.data(),
)
def test_the_lowest_are_those_that_sorting_gives(content: np.ndarray, data: st.DataObject) -> None:
    among = data.draw(npst.arrays(np.bool_, len(content)))
    n = data.draw(st.integers(0, 20))
    index = np.flatnonzero(among)
    expected = index[np.argsort(content[index], kind="stable")][:n]
    np.testing.assert_array_equal(lowest(content, among, n), expected)


def test_several_sets_are_measured_as_one(digits) -> None:
    together = measure(digits.train, digits.test)
    alone = measure(digits.train), measure(digits.test)
    for name, values in vars(together).items():
        np.testing.assert_array_equal(values, np.concatenate([getattr(one, name) for one in alone]))
    np.testing.assert_array_equal(together.part(slice(600, None)).content, alone[1].content)
