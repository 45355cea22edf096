"""Our corruptions against the published code of MNIST-C (tools/mnist_c_parity.py), on MNIST's first training images."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.data.builtin import mnist
from bruit.noise.affine import _operator
from bruit.noise.draws import Draws
from bruit.noise.pixels import cut
from bruit.noise.registry import CORRUPTIONS, corrupt

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from mnist_c_parity import SIGNED, spectrum

NUMBERS = np.load(Path(__file__).parent / "mnist_c.npz")
ALL = [
    (name, severity) for name, corruption in CORRUPTIONS.items() for severity in corruption.severities or (None,)
]  # fmt: skip
EXACT = ("brightness", "saturate", "inverse", "quantize", "stripe", "scale", "canny_edges", "contrast")
EXACT += ("gaussian_blur", "defocus_blur", "zoom_blur", "pixelate")


@cache
def ours(name: str, severity: int | None) -> np.ndarray:
    n = int(NUMBERS[f"{name}/{severity}/read"][1])
    return corrupt(mnist().train.images[:n], name, severity, seed=3)


def test_there_are_all_but_those_that_need_foreign_files() -> None:
    published = {key.split("/")[0] for key in NUMBERS}
    assert published == CORRUPTIONS.keys()
    severities = {(name, None if s == "None" else int(s)) for name, s, *_ in (key.split("/") for key in NUMBERS)}
    assert severities == set(ALL)


@pytest.mark.parametrize(("name", "severity"), [one for one in ALL if one[0] in EXACT])
def test_without_a_draw_every_pixel_is_that_of_the_published_code_within_a_grey_level(name, severity) -> None:
    expected = NUMBERS[f"{name}/{severity}/exact"]
    assert np.abs(ours(name, severity)[: len(expected)].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("sign", [-1, 1])
def test_for_a_given_sign_too(monkeypatch, name, severity, sign) -> None:
    expected = NUMBERS[f"{name}/{severity}/{sign}/exact"]
    last = 3 if name == "translate" else 1
    monkeypatch.setattr(Draws, "choice", lambda self, count: np.full(len(self), last if sign == 1 else 0))
    made = corrupt(mnist().train.images[: len(expected)], name, severity)
    assert np.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("name", "severity"), ALL)
def test_means_variances_and_grey_levels_are_those_of_the_published_code(name, severity) -> None:
    images, key = ours(name, severity), f"{name}/{severity}"
    n = len(images)
    mean, var = (NUMBERS[f"{key}/{what}"].astype(float) for what in ("mean", "var"))
    # Both are drawn from the same pictures, so that this is more than the difference can be by chance.
    z = (images.mean(axis=0) - mean) / np.sqrt((images.var(axis=0) + var) / n + 0.05)
    assert np.sqrt((z**2).mean()) < 1.5
    assert np.abs(z).max() < 5
    assert images.var(axis=0).mean() == pytest.approx(var.mean(), rel=0.08)
    hist = NUMBERS[f"{key}/hist"] / NUMBERS[f"{key}/hist"].sum()
    own = np.bincount(images.ravel(), minlength=256) / images.size
    # Eight grey levels together: one more or less is no difference. The pixels of one fog are nearly one draw.
    assert np.abs((own - hist).reshape(32, 8).sum(axis=1)).sum() / 2 < (0.1 if name == "fog" else 0.03)


@pytest.mark.parametrize(("name", "severity"), ALL)
def test_so_are_the_spectra(name, severity) -> None:
    ratio = spectrum(ours(name, severity)) / NUMBERS[f"{name}/{severity}/spectrum"]
    assert np.abs(np.log(ratio)).max() < 0.25


@pytest.mark.parametrize(("name", "severity"), ALL)
def test_a_network_reads_as_many_of_both(name, severity) -> None:
    read, n = (int(value) for value in NUMBERS[f"{name}/{severity}/read"])
    right = bruit.load_model("robust").probabilities(ours(name, severity)).argmax(axis=1) == mnist().train.labels[:n]
    share = (read + right.sum()) / (2 * n)
    assert abs(right.sum() - read) <= 3.9 * np.sqrt(2 * n * share * (1 - share)) + 1


def test_what_a_map_makes_of_a_pixel_sums_to_one_inside() -> None:
    operator = _operator((1, 0, 0.25, 0, 1, -0.5), 9, 12)
    weights = operator.sum(axis=1).reshape(9, 12)
    np.testing.assert_allclose(weights[2:-2, 2:-2], 1, atol=1e-6)


def test_cutting_leaves_whole_numbers_as_they_are() -> None:
    levels = np.arange(256, dtype=np.float32)
    for values in (levels.copy(), levels + np.float32(0.5), levels - np.float32(1e-5)):
        np.testing.assert_array_equal(cut(values), np.arange(256))
    np.testing.assert_array_equal(cut(np.array([-3, 255.4, 300], np.float32)), [0, 255, 255])
