"""benchmarks/evened.py: what is to be gone is gone, and a digit as MNIST has them stays where and what it is."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import bruit
from bruit.data.dataset import DataPair, Images

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import evened as module
from evened import Evened, evened


def apart(one: Images, other: Images) -> float:
    """The mean difference of two sets of images, as a share of the full range."""
    return float(np.abs(one.astype(float) - other).mean() / 255)


def test_brightness_and_fog_are_gone(digits: DataPair) -> None:
    images = digits.test.images
    expected = evened(images)
    brighter = np.minimum(images.astype(int) + 90, 255).astype(np.uint8)
    assert apart(evened(brighter), expected) < 0.02
    for name in ("brightness", "fog"):
        noisy = bruit.corrupt(images, name)
        assert apart(evened(noisy), expected) < 0.3 * apart(noisy, images)


def test_a_digit_that_was_moved_is_moved_back(digits: DataPair) -> None:
    images = digits.test.images
    expected = evened(images)
    for down, right in ((4, 0), (-3, 4), (0, -5)):
        moved = np.roll(images, (down, right), (1, 2))
        # Not to the last pixel: what touches the border has another background.
        assert apart(evened(moved), expected) < 0.4 * apart(np.roll(expected, (down, right), (1, 2)), expected)


def test_digits_of_mnist_are_left_where_they_are(digits: DataPair, monkeypatch) -> None:
    images = digits.train.images
    there = evened(images)
    monkeypatch.setattr(module, "SLACK", 100)
    assert (evened(images) == there).all(axis=(1, 2)).mean() > 0.99


def test_blank_images_and_none_stay_blank() -> None:
    for value in (0, 130, 255):
        assert not evened(np.full((2, 28, 28), value, np.uint8)).any()
    assert evened(np.empty((0, 28, 28), np.uint8)).shape == (0, 28, 28)
    assert evened(np.full((1, 9, 14), 3, np.uint8)).shape == (1, 9, 14)


def test_the_model_is_shown_what_is_prepared(digits: DataPair) -> None:
    model = bruit.load_model("robust")
    shown = Evened(model)
    images = digits.test.images[:20]
    np.testing.assert_array_equal(shown.probabilities(images), model.probabilities(evened(images)))
    assert (shown.classes, shown.input_shape, shown.temperature) == (model.classes, (28, 28), model.temperature)
