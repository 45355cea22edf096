"""The course recipe against Keras: pixel by pixel with Keras' own parameters, and as a distribution."""

from pathlib import Path

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.noise import course as course_module
from bruit.noise.course import course, distort
from bruit.noise.draws import Draws

DATA = Path(__file__).parents[1] / "data"
N = 10_000
SIGMAS = 4.5


@pytest.fixture(scope="module")
def keras():
    """Statistics of the four Keras layers on the first 10,000 training images, one draw each."""
    with np.load(DATA / "course_stats.npz") as stats:
        return {name: stats[name].astype(np.float64) for name in stats.files}


@pytest.fixture(scope="module")
def ours():
    """(10,000, 28, 28) float64 in 0...1: the same images under our recipe."""
    draws = Draws(0, "course", np.arange(N))
    return course(mnist().train.images[:N], draws) / 255


def margin(per_image, axis=0):
    """How far the means of two samples of N images may be apart, where `per_image` is one of them."""
    return SIGMAS * np.sqrt(2 * per_image.var(axis=axis) / N)


@pytest.mark.parametrize("case", ["square", "oblong"])
def test_with_the_same_parameters_every_pixel_is_that_of_keras(case):
    digits = mnist().train.images
    images = {"square": digits[:8], "oblong": digits[8:12, 4:16, 5:22]}[case]
    with np.load(DATA / "course_parity.npz") as parity:  # made by tools/course_parity.py
        expected = 255 * parity[f"{case}/output"].astype(np.float64)
        names = ("radians", "down", "right", "brightness")
        parameters = {name: parity[f"{case}/{name}"].astype(np.float64) for name in names}
    assert np.abs(distort(images, **parameters) - expected).max() < 0.5 + 0.002  # float32 against float64


def test_parameters_fill_their_ranges_and_are_independent(monkeypatch):
    drawn = {}
    monkeypatch.setattr(course_module, "distort", lambda images, *parameters: drawn.update(enumerate(parameters)))
    course(np.zeros((N, 10, 20), np.uint8), Draws(0, "course", np.arange(N)))
    limits = np.array([np.radians(72), 2, 4, 0.2])[:, None]
    parts = np.array([drawn[i] for i in range(4)]) / limits
    assert (np.abs(parts) < 1).all()
    assert (parts.min(axis=1) < -0.995).all()
    assert (parts.max(axis=1) > 0.995).all()
    assert np.abs(np.corrcoef(parts) - np.eye(4)).max() < SIGMAS / np.sqrt(N)


def test_brightness_as_a_whole(keras, ours):
    image_means = ours.mean(axis=(1, 2))
    image_squares = (ours**2).mean(axis=(1, 2))
    assert abs(image_means.mean() - keras["mean"].mean()) < margin(image_means)
    assert abs(image_squares.mean() - (keras["var"] + keras["mean"] ** 2).mean()) < margin(image_squares)


def test_mean_of_every_pixel(keras, ours):
    difference = ours.mean(axis=0) - keras["mean"]
    assert (np.abs(difference) < margin(ours)).all()
    # Less the brightness that all pixels of an image share, the pattern itself is far sharper.
    flat = ours - ours.mean(axis=(1, 2), keepdims=True)
    z = (difference - difference.mean()) / np.sqrt(2 * flat.var(axis=0) / N)
    assert (z**2).mean() < 1.3


def test_variance_of_every_pixel(keras, ours):
    squares = (ours - ours.mean(axis=0)) ** 2
    assert (np.abs(ours.var(axis=0) - keras["var"]) < margin(squares)).all()


def test_grey_levels(keras, ours):
    # Keras' floats were counted in 256 bins of 0...1, ours are rounded to 1/255: compare the cumulative shares at
    # the limits between our levels. Inside the first and last bin the share is carried on from the neighbour, for
    # most of their content lies at exactly 0 and 1.
    share = keras["hist"] / keras["hist"].sum()
    limits = (np.arange(255) + 0.5) / 255
    edges = np.arange(1, 256) / 256
    cumulative = np.cumsum(share)[:-1]
    expected = np.interp(limits, edges, cumulative)
    expected[0] = cumulative[0] - (edges[0] - limits[0]) * 256 * share[1]
    expected[-1] = cumulative[-1] + (limits[-1] - edges[-1]) * 256 * share[-2]
    for limit, wanted in zip(limits, expected, strict=True):
        below = (ours < limit).mean(axis=(1, 2))
        assert abs(below.mean() - wanted) < margin(below)


def test_quantiles_of_the_means_of_images(keras, ours):
    wanted = np.linspace(0, 1, 21)
    below = (ours.mean(axis=(1, 2))[:, None] < keras["image_mean_quantiles"]).mean(axis=0)
    allowed = SIGMAS * np.sqrt(2 * (wanted * (1 - wanted) + 1 / N) / N)
    assert (np.abs(below - wanted) < allowed).all()


def test_ghosts_at_the_border(keras, ours):
    border = ours[:, [0, -1]].mean(axis=(1, 2))
    assert abs(border.mean() - keras["border_mean"]) < margin(border)
