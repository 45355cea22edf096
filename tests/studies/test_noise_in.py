"""Which noise images carry, from the images alone; on dev images of MNIST, which the model has not seen."""

from __future__ import annotations

import json

import numpy as np
import pytest

import bruit
from bruit.data.builtin import mnist
from bruit.evaluation.shares import ALIKE
from bruit.noise.draws import Draws
from bruit.noise.kinds import KINDS
from bruit.noise.mixture import Mixture, Part, mix
from bruit.studies.noise_in import MOST_IMAGES, SPOKEN_OF, noise_in

DEV = mnist().train.images[-2000:]


@pytest.mark.parametrize(("name", "severity"), [("fog", 1), ("impulse_noise", 3), ("rotate", 5), ("zigzag", None)])
def test_one_corruption_and_its_severity(name, severity) -> None:
    found = noise_in(bruit.corrupt(DEV[:300], name, severity, seed=5))
    first = found.shares[0]
    assert first.name == name
    assert first.share > 0.95
    assert first.ci95[0] <= first.share <= first.ci95[1]
    assert first.severity is None if severity is None else abs(first.severity - severity) <= 1
    assert found.alike
    assert found.n == 300
    assert not found.resized


def test_a_mixture_of_them() -> None:
    mixture = Mixture((Part("clean", 5, (None,)), Part("stripe", 3, (None,)), Part("glass_blur", 2, (4,))))
    found = noise_in(mix(mixture, DEV, Draws(2, "mixed", np.arange(len(DEV)))))
    shares = {one.name: one.share for one in found.shares}
    assert shares["stripe"] == pytest.approx(0.3, abs=0.03)
    assert shares["glass_blur"] == pytest.approx(0.2, abs=0.03)
    # Few grey levels and a clean image are hardly told apart.
    assert shares["clean"] + shares.get("quantize", 0) == pytest.approx(0.5, abs=0.04)
    assert found.alike


def test_clean_images_are_called_so_and_what_it_augments_by_is_the_noise_alone() -> None:
    clean = noise_in(DEV)
    assert clean.shares[0].name == "clean"
    assert clean.mixture() is None
    foggy = noise_in(bruit.corrupt(DEV, "fog", 3))
    mixture = foggy.mixture()
    assert mixture is not None
    first, *others = mixture.parts
    assert first.name == "clean"
    assert first.odds == pytest.approx(sum(part.odds for part in others))
    assert {part.name for part in others} == {one.name for one in foggy.shares if one.ci95[0] >= SPOKEN_OF} == {"fog"}


def test_two_corruptions_on_one_image_are_not_passed_off_as_one() -> None:
    twice = bruit.corrupt(bruit.corrupt(DEV, "fog", 3), "impulse_noise", 2)
    found = noise_in(twice)
    assert found.overlap < ALIKE
    assert not found.alike


def test_images_of_other_sizes_are_made_to_fit_and_it_says_so() -> None:
    large = DEV[:200].repeat(2, axis=1).repeat(2, axis=2)
    found = noise_in(bruit.corrupt(large, "inverse"))
    assert found.resized
    assert found.shares[0].name == "inverse"


def test_of_many_images_some_are_looked_at_and_one_will_do() -> None:
    assert noise_in(np.tile(DEV[:300], (50, 1, 1))).n == 15_000 // 2 < MOST_IMAGES
    assert noise_in(bruit.corrupt(DEV[:1], "inverse")).shares[0].name == "inverse"


def test_as_plain_values() -> None:
    plain = json.loads(json.dumps(noise_in(bruit.corrupt(DEV[:300], "fog", 2)).as_dict()))
    (fog,) = (one for one in plain["shares"] if one["name"] == "fog")
    assert fog["severity"] == pytest.approx(sum(int(at) * part for at, part in fog["severities"].items()))
    assert fog["recognised"] > 0.9
    assert fog["taken_for"][0] in {kind.name for kind in KINDS} - {"fog"}
    assert 0 <= fog["taken_for"][1] < 0.1


def test_few_images_leave_wide_intervals_and_blank_ones_say_nothing() -> None:
    one = noise_in(DEV[:1]).shares[0]
    assert one.ci95[0] < 0.25
    assert one.ci95[0] <= one.share <= one.ci95[1] <= 1
    blank = np.zeros((20, 28, 28), np.uint8)
    assert noise_in(blank).as_dict() == {"n": 0, "resized": False, "overlap": 0.0, "shares": []}
    assert noise_in(blank).mixture() is None
    assert noise_in(np.concatenate([blank, bruit.corrupt(DEV[:100], "fog")])).n == 100
