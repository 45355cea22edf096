"""Corruptions by their names: what they are applied to, and how."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bruit
from bruit.data.builtin import mnist
from bruit.errors import ConfigError, DataError
from bruit.noise import registry
from bruit.noise.registry import CORRUPTIONS, FAMILIES, MNIST_C, corrupt, describe

NAMES = st.sampled_from(sorted(CORRUPTIONS))
DIGITS = mnist().train.images[:40]


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(1, 5), st.lists(st.integers(0, 39), min_size=1, max_size=50), st.integers(0, 2**40))
def test_an_image_gets_the_same_noise_in_any_batch_and_order(name, severity, index, seed) -> None:
    at = severity if CORRUPTIONS[name].severities else None
    whole = corrupt(DIGITS, name, at, seed)
    some = corrupt(DIGITS[index], name, at, seed, ids=index)
    np.testing.assert_array_equal(whole[index], some)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("workers", [1, 3])
def test_chunks_and_workers_leave_no_trace(monkeypatch, name, workers) -> None:
    expected = corrupt(DIGITS, name)
    monkeypatch.setattr(registry, "_MOST_WORKERS", workers)
    for pixels in (1, 784 * 7):
        monkeypatch.setattr(registry, "_PIXELS_AT_ONCE", pixels)
        np.testing.assert_array_equal(corrupt(DIGITS, name), expected)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(1, 5), st.integers(8, 70), st.integers(8, 70), st.integers(0, 255), st.booleans())
def test_every_size_from_8_by_8_is_taken_and_left_as_it_was(name, severity, height, width, level, flat) -> None:
    rng = np.random.default_rng(level)
    images = np.full((3, height, width), level, np.uint8)
    if not flat:
        images = rng.integers(0, 256, images.shape, dtype=np.uint8)
    before = images.copy()
    made = corrupt(images, name, severity if CORRUPTIONS[name].severities else None)
    assert (made.shape, made.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - {"shear", "rotate", "translate"}))
def test_lengths_go_with_the_size_of_the_image(name) -> None:
    """A digit drawn twice as large and damaged is, seen from afar, about the digit damaged."""
    large = DIGITS.repeat(2, axis=1).repeat(2, axis=2)
    seen = corrupt(large, name).reshape(40, 28, 2, 28, 2).mean(axis=(2, 4))
    small = corrupt(DIGITS, name).astype(float)
    assert np.abs(seen.mean(axis=0) - small.mean(axis=0)).mean() < 16


def test_seeds_and_ids_change_the_noise_and_severities_its_strength() -> None:
    for name in ("shot_noise", "fog", "zigzag", "glass_blur", "motion_blur"):
        first = corrupt(DIGITS, name)
        assert (corrupt(DIGITS, name, seed=1) != first).any(axis=(1, 2)).mean() > 0.9
        assert (corrupt(DIGITS, name, ids=np.arange(100, 140)) != first).any(axis=(1, 2)).mean() > 0.9
    away = [np.abs(corrupt(DIGITS, "gaussian_noise", s).astype(int) - DIGITS).mean() for s in (1, 2, 3, 4, 5)]
    assert away == sorted(away)


def test_by_default_the_severity_is_the_published_one() -> None:
    for name, corruption in CORRUPTIONS.items():
        assert corruption.default in (corruption.severities or (None,))
        np.testing.assert_array_equal(corrupt(DIGITS, name), corrupt(DIGITS, name, corruption.default))


@pytest.mark.parametrize(
    ("name", "severity", "message"),
    [
        ("fogg", None, "no corruption is called 'fogg'; did you mean fog?"),
        ("§", None, "no corruption is called '§'; see bruit corruptions"),
        ("fog", 6, "expected a severity of 1 to 5, received 6"),
        ("fog", True, "expected a severity of 1 to 5, received True"),
        (3, None, "no corruption is called 3; see bruit corruptions"),
        ("fog", 0, "expected 1 or more as severity, received 0"),
        ("fog", 2.5, "expected a whole number as severity, received 2.5"),
        ("zigzag", 3, "zigzag has no severities, received 3; leave it out"),
    ],
)
def test_what_there_is_not(refused, name, severity, message) -> None:
    with refused(ConfigError, message):
        bruit.corrupt(DIGITS, name, severity)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (DIGITS / 255, "expected images as uint8 (N, H, W), received float64 (40, 28, 28)"),
        (DIGITS[0], "expected images as uint8 (N, H, W), received uint8 (28, 28)"),
        (None, "expected images as uint8 (N, H, W), received NoneType"),
        (DIGITS[:, :7], "expected images of 8 × 8 pixels or more, received 7 × 28; make them larger first"),
    ],
)
def test_what_is_no_images(refused, images, message) -> None:
    with refused(DataError, message):
        corrupt(images, "fog")


def test_ids_are_one_an_image(refused) -> None:
    for ids, kind in (([1, 2, 3], "int64 (3,)"), (np.arange(40) / 2, "float64 (40,)"), (["a"] * 40, "<U1 (40,)")):
        with refused(DataError, f"expected 40 whole numbers as ids, received {kind}"):
            corrupt(DIGITS, "fog", ids=ids)


def test_no_image_at_all() -> None:
    for name in CORRUPTIONS:
        assert corrupt(DIGITS[:0], name).shape == (0, 28, 28)


def test_the_list_says_all() -> None:
    assert len(MNIST_C) == 15
    assert [one["name"] for one in describe() if one["source"] == "MNIST-C"].sort() == list(MNIST_C).sort()
    assert {one["family"] for one in describe()} == set(FAMILIES)
    for one in describe():
        assert one["severities"] == ([1, 2, 3, 4, 5] if one["default"] else [])
        assert one["summary"]
        assert "\n" not in one["summary"]


def test_images_are_made_in_order_and_few_ahead(digits, monkeypatch) -> None:
    monkeypatch.setattr(registry, "_PIXELS_AT_ONCE", 28 * 28 * 10)
    started = []

    def make(images, draws):
        started.append(len(images))
        return 255 - images

    draws = registry.Draws(0, "inverse", digits.train.ids)
    parts = registry.made(make, digits.train.images, draws)
    first = next(parts)
    assert len(started) <= 2 * registry._MOST_WORKERS + 1
    assert len(started) < 60
    np.testing.assert_array_equal(np.concatenate([first, *parts]), 255 - digits.train.images)
    assert started == [10] * 60
