"""Digits found in pictures: what the model is shown, and where it stood."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

import bruit
from bruit.errors import DataError
from bruit.reading.fitting import fitted, stroke_width
from bruit.reading.scans import find_digits, fit_as_they_are

SHAPE = (28, 28)
PAPER, PEN = 235, 40
DEV = bruit.load("mnist").train.subset(slice(-300, None))
# Digits of one connected stroke, upright.
LABELS = {label: DEV.images[DEV.labels == label][0] for label in range(10)}


def large(digit, times=4):
    return np.asarray(Image.fromarray(digit).resize((28 * times, 28 * times), Image.Resampling.BICUBIC))


def on_paper(digit, size=(200, 200), at=(40, 40), paper=PAPER, pen=PEN):
    """A digit, light on dark, as ink on paper of (H, W) `size`, its corner `at` (y, x)."""
    canvas = np.full(size, paper, np.float32)
    part = canvas[at[0] : at[0] + digit.shape[0], at[1] : at[1] + digit.shape[1]]
    part += digit / np.float32(255) * (pen - paper)
    return np.rint(canvas).astype(np.uint8)


def row_of(labels, gap=12):
    """Digits side by side on paper, four times as large as MNIST's."""
    cut = [large(LABELS[label]) for label in labels]
    cut = [digit[:, np.flatnonzero((digit > 60).any(0))] for digit in cut]
    between = np.zeros((112, gap), np.uint8)
    line = np.concatenate([part for digit in cut for part in (digit, between)][:-1], axis=1)
    return on_paper(line, (160, line.shape[1] + 60), (24, 30))


def difference(one, other):
    return np.abs(one.astype(int) - other).mean()


class TestImagesOfTheModelsSize:
    def test_light_on_dark_passes_untouched(self):
        assert fit_as_they_are(DEV.images).all()
        assert np.shares_memory(find_digits(DEV.images[0], SHAPE)[0].pixels, DEV.images)
        assert find_digits(DEV.images[0], SHAPE)[0].box is None

    @pytest.mark.parametrize("name", ["brightness", "stripe", "impulse_noise", "shot_noise", "spatter", "canny_edges"])
    def test_noise_is_left_to_the_model(self, name):
        assert fit_as_they_are(bruit.corrupt(DEV.images, name)).mean() >= 0.995

    def test_dark_on_light_is_inverted(self):
        assert not fit_as_they_are(255 - DEV.images).any()
        assert np.array_equal(find_digits(255 - DEV.images[0], SHAPE)[0].pixels, DEV.images[0])

    @pytest.mark.parametrize("grey", [0, 128, 255])
    def test_blank_ones_are_not_fit(self, grey):
        blank = np.full((1, *SHAPE), grey, np.uint8)
        assert not fit_as_they_are(blank).any()
        with pytest.raises(DataError, match="no digit found"):
            find_digits(blank[0], SHAPE)


class TestOneDigit:
    @pytest.mark.parametrize("label", range(10))
    def test_is_fitted_as_mnist_was(self, label):
        (found,) = find_digits(on_paper(large(LABELS[label])), SHAPE)
        assert found.pixels.dtype == np.uint8
        assert found.pixels.shape == SHAPE
        assert found.doubt is None
        rows, columns = np.nonzero(found.pixels > 40)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        y, x = ((found.pixels.sum(1 - axis) @ np.arange(28)) / found.pixels.sum() for axis in (0, 1))
        assert 13.5 <= y <= 14.5
        assert 13.5 <= x <= 14.5
        assert difference(found.pixels, LABELS[label]) < 12

    def test_its_box_is_where_it_stands(self):
        digit = large(LABELS[3])
        rows, columns = np.flatnonzero((digit > 128).any(1)), np.flatnonzero((digit > 128).any(0))
        (found,) = find_digits(on_paper(digit, (300, 400), (150, 210)), SHAPE)
        expected = np.array([columns[0] + 210, rows[0] + 150, columns[-1] + 211, rows[-1] + 151])
        assert np.abs(np.array(found.box) - expected).max() <= 2

    def test_its_box_in_a_large_photo_is_in_pixels_of_that(self):
        picture = on_paper(large(LABELS[3], 20), (1500, 2500), (400, 900))
        (found,) = find_digits(picture, SHAPE)
        left, top, right, bottom = found.box
        assert 900 <= left < right <= 1460
        assert 400 <= top < bottom <= 960
        assert bottom - top > 300

    @pytest.mark.parametrize("shape", [(28, 28), (32, 32), (16, 16), (28, 40)])
    def test_any_shape_of_model(self, shape):
        assert find_digits(on_paper(large(LABELS[5])), shape)[0].pixels.shape == shape

    @settings(max_examples=8, deadline=None)
    @given(st.sampled_from(sorted(LABELS)), st.integers(20, 168), st.integers(20, 168))
    def test_where_it_stands_changes_nothing(self, label, y, x):
        digit = large(LABELS[label])
        one = find_digits(on_paper(digit, (300, 300), (94, 94)), SHAPE)[0]
        other = find_digits(on_paper(digit, (300, 300), (y, x)), SHAPE)[0]
        assert difference(one.pixels, other.pixels) < 3

    @settings(max_examples=8, deadline=None)
    @given(st.sampled_from(sorted(LABELS)), st.integers(60, 255), st.integers(0, 30))
    def test_inversion_changes_nothing(self, label, paper, pen):
        picture = on_paper(large(LABELS[label]), paper=paper, pen=pen)
        assert difference(find_digits(picture, SHAPE)[0].pixels, find_digits(255 - picture, SHAPE)[0].pixels) < 3

    @settings(max_examples=8, deadline=None)
    @given(st.sampled_from(sorted(LABELS)), st.integers(2, 5))
    def test_size_changes_nearly_nothing(self, label, times):
        picture = on_paper(large(LABELS[label]))
        larger = picture.repeat(times, axis=0).repeat(times, axis=1)
        assert difference(find_digits(picture, SHAPE)[0].pixels, find_digits(larger, SHAPE)[0].pixels) < 6

    def test_uneven_light_changes_little(self):
        picture = on_paper(large(LABELS[2]))
        light = np.linspace(0.35, 1, 200)[:, None] * np.linspace(1, 0.8, 200)
        (found,) = find_digits(np.rint(picture * light).astype(np.uint8), SHAPE)
        assert difference(found.pixels, find_digits(picture, SHAPE)[0].pixels) < 8

    def test_specks_are_no_digits(self):
        picture = on_paper(large(LABELS[3]))
        clean = find_digits(picture, SHAPE)[0]
        for y, x in ((5, 5), (180, 30), (20, 190), (190, 190)):
            picture[y : y + 5, x : x + 5] = PEN
        (found,) = find_digits(picture, SHAPE)
        assert difference(found.pixels, clean.pixels) < 3
        assert found.box == clean.box

    def test_a_box_around_it_is_left_out(self):
        picture = on_paper(large(LABELS[3]))
        clean = find_digits(picture, SHAPE)[0]
        picture[[15, 16, 17, 182, 183, 184], 15:185] = PEN
        picture[15:185, [15, 16, 17, 182, 183, 184]] = PEN
        (found,) = find_digits(picture, SHAPE)
        assert difference(found.pixels, clean.pixels) < 3

    def test_a_broken_stroke_is_one_digit(self):
        picture = on_paper(large(LABELS[0]))
        picture[92:97] = PAPER
        (found,) = find_digits(picture, SHAPE)
        assert found.box[3] - found.box[1] > 70

    @pytest.mark.parametrize(("radius", "widest"), [(1, 3.6), (11, 5.5)])
    def test_strokes_come_near_to_those_of_mnist(self, radius, widest):
        y, x = np.mgrid[:300, :300] - 150
        ring = np.abs(np.hypot(y, x) - 100) <= radius
        width = stroke_width(find_digits(np.where(ring, 30, 240).astype(np.uint8), SHAPE)[0].pixels / np.float32(255))
        assert 1.4 < width < widest


class TestSeveral:
    def test_are_read_from_left_to_right(self):
        found = find_digits(row_of([3, 6, 8, 2]), SHAPE)
        assert len(found) == 4
        lefts = [one.box[0] for one in found]
        assert lefts == sorted(lefts)
        for one, label in zip(found, [3, 6, 8, 2], strict=True):
            assert difference(one.pixels, find_digits(on_paper(large(LABELS[label])), SHAPE)[0].pixels) < 8
            assert one.doubt is None

    def test_are_one_where_one_is_asked_for(self):
        (found,) = find_digits(row_of([3, 6]), SHAPE, several=False)
        assert found.box[2] - found.box[0] > 120

    def test_small_ones_too(self):
        line = Image.fromarray(row_of([3, 6, 8, 2]))
        assert len(find_digits(np.asarray(line.reduce(6)), SHAPE)) == 4

    def test_touching_ones_are_cut_apart_and_doubted(self):
        found = find_digits(_touching([8, 6]), SHAPE)
        assert len(found) == 2
        assert all("touch" in str(one.doubt) for one in found)

    def test_the_model_decides_what_touches(self):
        picture = _touching([8, 6])
        for wanted in (1, 2):

            def confidence(images, wanted=wanted):
                return np.full(len(images), 0.9 if len(images) == wanted else 0.1)

            assert len(find_digits(picture, SHAPE, confidence=confidence)) == wanted

    def test_lines_are_read_from_top_to_bottom_and_doubted(self):
        line = row_of([3, 6])
        found = find_digits(np.concatenate([line, line]), SHAPE)
        assert len(found) == 4
        assert found[1].box[3] < found[2].box[1]
        assert found[2].box[0] < found[3].box[0]
        assert "2 lines" in str(found[0].doubt)

    def test_what_is_left_out_is_said(self):
        picture = row_of([3, 6, 8])
        picture = np.concatenate([picture, np.full((160, 200), PAPER, np.uint8)], axis=1)
        picture[80:100, -60:-40] = PEN
        found = find_digits(picture, SHAPE)
        assert len(found) == 3
        assert "more in the picture" in str(found[0].doubt)


class TestNoDigit:
    @pytest.mark.parametrize("size", [(100, 100), (300, 40), (5, 5), (1, 1)])
    @pytest.mark.parametrize("grey", [0, 130, 255])
    def test_blank(self, size, grey):
        with pytest.raises(DataError, match="no digit found"):
            find_digits(np.full(size, grey, np.uint8), SHAPE)

    @pytest.mark.parametrize("strength", [1, 3, 10, 40])
    def test_nothing_but_noise(self, strength):
        noise = np.random.default_rng(0).normal(128, strength, (200, 300))
        with pytest.raises(DataError, match="no digit found"):
            find_digits(noise.clip(0, 255).astype(np.uint8), SHAPE)

    def test_nothing_but_light(self):
        with pytest.raises(DataError, match="no digit found"):
            find_digits(np.linspace(60, 230, 200)[:, None].repeat(300, axis=1).astype(np.uint8), SHAPE)

    @settings(max_examples=50, deadline=None)
    @given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=48)), st.booleans())
    def test_any_picture_is_digits_or_an_error(self, picture, several):
        try:
            found = find_digits(picture, SHAPE, several=several)
        except DataError:
            return
        assert found
        for one in found:
            assert one.pixels.shape == SHAPE
            assert one.pixels.dtype == np.uint8
            if one.box is not None:
                left, top, right, bottom = one.box
                assert 0 <= left < right <= picture.shape[1]
                assert 0 <= top < bottom <= picture.shape[0]


def test_fitting_keeps_the_aspect():
    ink = np.zeros((60, 60), np.float32)
    ink[10:50, 20:40] = 1
    ink[15:45, 25:35] = 0
    rows, columns = np.nonzero(fitted(ink, SHAPE) > 100)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 10)


def test_one_clean_digit_needs_no_scipy():
    code = (
        "import sys, numpy as np; from bruit.reading.scans import find_digits;"
        "picture = np.full((100, 100), 240, np.uint8); picture[20:80, 40:52] = 30;"
        "find_digits(picture, (28, 28)); print([name for name in sys.modules if name.startswith('scipy')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def _touching(labels):
    """Digits side by side that a short stroke joins."""
    picture = row_of(labels, gap=2)
    first = find_digits(picture, SHAPE)[0].box
    middle = (first[1] + first[3]) // 2
    row = np.flatnonzero((picture[:, first[2] - 2] < 140) & (np.abs(np.arange(len(picture)) - middle) < 60))
    at = int(row[len(row) // 2])
    picture[at - 3 : at + 4, first[2] - 4 : first[2] + 16] = PEN
    return picture
