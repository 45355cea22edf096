"""Why: pixels that speak for a class, and what is like an image."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.data.dataset import DataPair
from bruit.errors import ConfigError, DataError
from bruit.predictor import Called
from bruit.reading.explain import explain, nearest, occlusion
from bruit.reading.heat import AGAINST, FOR, coloured, figure
from bruit.reading.reader import Reader


def left_against_right(images):
    """A model whose log-odds of "left" are the brightness of column 2 less that of column 9."""
    odds = (images[:, :, 2].sum(1).astype(float) - images[:, :, 9].sum(1)) / 255
    likely = 1 / (1 + np.exp(-odds))
    return np.stack([likely, 1 - likely], 1).astype(np.float32)


MODEL = Called(left_against_right, ("left", "right"), (14, 14))


def test_pixels_speak_for_what_they_make_likely_and_against_it() -> None:
    image = np.zeros((14, 14), np.uint8)
    image[5:8, 2] = image[5:7, 9] = 200
    heat = occlusion(MODEL, image, 0)
    assert heat.shape == (14, 14)
    assert heat.dtype == np.float32
    assert heat[5:8, 2].min() > 0 > heat[5:7, 9].max()
    assert np.unravel_index(heat.argmax(), heat.shape)[1] in (2, 3)
    assert np.abs(heat[:, 5:7]).max() == 0  # what nothing depends on
    np.testing.assert_allclose(occlusion(MODEL, image, 1), -heat, atol=1e-4)


def test_heat_is_the_mean_fall_over_the_patches_that_cover_a_pixel() -> None:
    image = np.zeros((14, 14), np.uint8)
    image[7, 2] = 255  # patches are 2 × 2: each of the four that cover it takes all of it away
    heat = occlusion(MODEL, image, 0)
    assert heat[7, 2] == pytest.approx(1, abs=1e-5)
    assert heat[6, 2] == heat[7, 1] == heat[7, 3] == pytest.approx(0.5, abs=1e-5)
    assert heat[6, 1] == pytest.approx(0.25, abs=1e-5)
    assert heat.sum() == pytest.approx(4, abs=1e-4)


def test_the_nearest_is_the_image_itself_however_bright(digits: DataPair) -> None:
    data = digits.train
    for at in (0, 17, 599):
        first, second = nearest(data.images[at] // 2 + 10, data, 2)
        assert (first.index, first.label) == (at, data.classes[data.labels[at]])
        assert first.similarity == pytest.approx(1, abs=1e-3)
        assert second.similarity < first.similarity
        assert np.array_equal(first.image, data.images[at])


def test_neighbours_of_another_size_are_refused(digits: DataPair, refused) -> None:
    with refused(DataError, "the model reads images of 14 × 14 pixels, the data has 28 × 28; take other data"):
        nearest(np.zeros((14, 14), np.uint8), digits.train, 1)


def test_an_explanation_of_a_real_digit_lies_where_its_ink_is(digits: DataPair) -> None:
    reader = Reader.load(threads=1)
    (one,) = explain(reader, digits.test.images[0], digits.train, k=3)
    assert one.digit.label == str(digits.test.labels[0])
    assert [near.label for near in one.nearest].count(one.digit.label) >= 2
    ink = digits.test.images[0] > 127
    near_ink = ink | np.roll(ink, 2, 0) | np.roll(ink, -2, 0) | np.roll(ink, 2, 1) | np.roll(ink, -2, 1)
    assert np.abs(one.heat[near_ink]).sum() > np.abs(one.heat[~near_ink]).sum()


def test_what_cannot_be_read_cannot_be_explained(refused) -> None:
    with refused(DataError, "no digit found"):
        explain(Reader.load(threads=1), np.zeros((50, 50), np.uint8))
    with refused(ConfigError, "expected 0 or more as k, received -1"):
        explain(Reader.load(threads=1), np.zeros((50, 50), np.uint8), k=-1)


def test_colours_say_for_and_against() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0], heat[3, 3] = 2, -2
    pixels = coloured(np.full((4, 4), 100, np.uint8), heat)
    assert tuple(pixels[0, 0]) == FOR
    assert tuple(pixels[3, 3]) == AGAINST
    assert tuple(pixels[1, 1]) == (75, 75, 75)


def test_the_figure_has_a_row_for_each_digit(digits: DataPair) -> None:
    reader = Reader.load(threads=1)
    one = explain(reader, digits.test.images[0], digits.train, k=2)
    other = explain(reader, digits.test.images[1])
    drawn = figure(one + other)
    assert drawn.size == (12 + 4 * (28 * 6 + 12), 12 + 2 * (28 * 6 + 12))
