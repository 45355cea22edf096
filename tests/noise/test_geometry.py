import numpy as np
import pytest
from scipy import ndimage

from bruit.noise.geometry import rotate, shift_then_zoom

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (9, 30), (31, 8)])
def test_rotate_is_bilinear_about_the_centre_with_mirrored_edges(shape):
    images = RNG.integers(0, 256, (6, *shape), dtype=np.uint8)
    radians = RNG.uniform(-np.pi, np.pi, 6)
    centre = (np.array(shape) - 1) / 2
    for image, angle, result in zip(images, radians, rotate(images, radians), strict=True):
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, sin], [-sin, cos]])
        expected = ndimage.affine_transform(
            image.astype(float), matrix, centre - matrix @ centre, order=1, mode="reflect"
        )
        assert np.abs(result - expected).max() < 0.02


def test_a_quarter_turn_is_counter_clockwise():
    image = RNG.integers(0, 256, (1, 9, 9), dtype=np.uint8)
    assert np.allclose(rotate(image, np.array([np.pi / 2]))[0], np.rot90(image[0]), atol=1e-3)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (9, 30)])
@pytest.mark.parametrize("zoom", [1.2, 0.8])
def test_shift_then_zoom_is_one_bilinear_resampling_after_the_other(shape, zoom):
    images = RNG.uniform(0, 255, (6, *shape)).astype(np.float32)
    down, right = (RNG.uniform(-0.2 * side, 0.2 * side, 6) for side in shape)
    centre = (np.array(shape) - 1) / 2
    result = shift_then_zoom(images, down, right, zoom, limit=0.2)
    for i, image in enumerate(images):
        shifted = ndimage.shift(image.astype(float), (down[i], right[i]), order=1, mode="reflect")
        expected = ndimage.affine_transform(shifted, (zoom, zoom), (1 - zoom) * centre, order=1, mode="reflect")
        assert np.abs(result[i] - expected).max() < 1e-6


def test_a_whole_shift_without_zoom_moves_pixels_and_nothing_else():
    images = RNG.uniform(0, 255, (1, 10, 10)).astype(np.float32)
    moved = shift_then_zoom(images, np.array([2.0]), np.array([-1.0]), zoom=1.0, limit=0.2)
    assert np.array_equal(moved[0, 2:, :-1], images[0, :-2, 1:])
