"""The three sets of n-MNIST, remade."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.noise.draws import Draws
from bruit.noise.nmnist import awgn, contrast_awgn, motion_blur, motion_kernel

DIGITS = mnist().train.images[:500]
DRAWS = Draws(0, "n", np.arange(500))


@pytest.mark.parametrize(("make", "sd", "contrast"), [(awgn, 0.335, 1.0), (contrast_awgn, 0.251, 0.5)])
def test_white_noise_of_the_published_strength(make, sd, contrast) -> None:
    made = make(DIGITS, DRAWS.named(make.__name__)) / 255
    middle = (DIGITS * contrast > 110) & (DIGITS * contrast < 145)  # where little is clipped
    black = DIGITS == 0
    # Of what is black half is clipped: what is left has a mean of sd / √(2π).
    assert made[black].mean() == pytest.approx(sd / np.sqrt(2 * np.pi), rel=0.02)
    assert np.median(made[middle]) == pytest.approx(np.median(DIGITS[middle] * contrast / 255), abs=0.02)


def test_the_kernel_is_a_line_of_its_length_and_direction() -> None:
    kernel = motion_kernel(5, 15)
    # fspecial('motion', 5, 15) in MATLAB, to four digits.
    expected = [
        [0, 0, 0.0067, 0.0572, 0.1002],
        [0.0934, 0.1448, 0.1954, 0.1448, 0.0934],
        [0.1002, 0.0572, 0.0067, 0, 0],
    ]
    np.testing.assert_allclose(kernel, expected, atol=6e-5)
    for length, degrees in ((5, 0), (9, 15), (9, 45)):
        kernel = motion_kernel(length, degrees).astype(float)
        assert kernel.sum() == pytest.approx(1)
        y, x = (place - (side - 1) / 2 for place, side in zip(np.indices(kernel.shape), kernel.shape, strict=True))
        covariance = (kernel * x * -y).sum() / (kernel * x * x).sum()
        assert covariance == pytest.approx(np.tan(np.radians(degrees)), abs=0.2 + 0.05 * degrees / 10)
    np.testing.assert_allclose(motion_kernel(5, 0), [[0.2] * 5], atol=1e-6)


def test_movement_keeps_the_light_but_for_what_leaves_the_image() -> None:
    inner = np.zeros((1, 28, 28), np.uint8)
    inner[0, 10:18, 10:18] = 200
    made = motion_blur(inner, DRAWS.subset(slice(0, 1)))
    assert made.sum() == pytest.approx(inner.sum(), rel=0.02)
    assert made[0].max() <= 200
