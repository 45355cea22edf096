"""Drift is found where there is some, and not where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.data.dataset import DataPair, Dataset, Finding
from bruit.data.drift import drift, matched_sample
from bruit.data.measures import measure
from bruit.data.row import Row
from bruit.noise.recipes import apply


@pytest.fixture(scope="module")
def clean() -> DataPair:
    """1,500 training and 500 test images of MNIST, at random: the images of one writer stand together."""
    rng = np.random.default_rng(0)
    train, test = mnist().train, mnist().test
    return DataPair("m", train.subset(rng.permutation(60_000)[:1500]), test.subset(rng.permutation(10_000)[:500]))


def found_in(pair: DataPair) -> dict[str, Finding]:
    return {finding.code: finding for finding in drift(Row.of(pair.splits))}


def changed(pair: DataPair, images: np.ndarray) -> DataPair:
    """The pair with other test images."""
    return replace(pair, test=replace(pair.test, images=np.clip(images, 0, 255).astype(np.uint8)))


def test_splits_of_one_source_are_alike(clean: DataPair) -> None:
    for pair in (clean, apply("course", clean)):
        (finding,) = found_in(pair).values()
        assert (finding.code, finding.severity, finding.split) == ("alike", "info", "both")
        assert 0.4 < finding.figure["accuracy"] < 0.6


def test_other_noise_in_one_split(clean: DataPair) -> None:
    found = found_in(replace(clean, test=apply("course", clean).test))
    assert {"drift", "pixels"} <= found.keys()
    assert found["drift"].severity == "warning"
    assert found["drift"].figure["accuracy"] > 0.9
    splits = [example.split for example in found["drift"].examples]
    assert splits == ["train"] * 6 + ["test"] * 6


def test_brightness(clean: DataPair) -> None:
    found = found_in(changed(clean, clean.test.images.astype(np.int64) + 40))
    finding = found["brightness"]
    assert (finding.severity, finding.split) == ("warning", "both")
    assert finding.figure["effect"] > 1
    assert finding.figure["test"] - finding.figure["train"] == pytest.approx(40, abs=8)
    assert found["drift"].severity == "warning"


def test_contrast(clean: DataPair) -> None:
    found = found_in(changed(clean, clean.test.images * 0.6 + 13))
    assert found["contrast"].figure["effect"] < -1
    assert found["contrast"].severity == "warning"
    assert "brightness" not in found


def test_a_shift_shows_in_the_mean_images(clean: DataPair) -> None:
    found = found_in(changed(clean, np.roll(clean.test.images, 3, axis=2)))
    assert found["pixels"].figure["largest"] > 20
    assert not {"brightness", "contrast"} & found.keys()


def test_other_shares_of_the_classes_are_no_drift_of_the_images(clean: DataPair) -> None:
    few = clean.test.labels < 5
    index = np.r_[np.flatnonzero(few), np.flatnonzero(~few)[::8]]
    found = found_in(replace(clean, test=clean.test.subset(index)))
    shift = found.pop("class-shift")
    assert shift.severity == "warning"
    assert shift.figure["share"] == pytest.approx(0.39, abs=0.06)
    assert found.keys() == {"alike"}


def test_a_class_that_a_split_lacks_is_not_compared(clean: DataPair) -> None:
    pair = replace(clean, test=clean.test.subset(clean.test.labels != 3))
    train, test = matched_sample(pair, measure(pair.train), measure(pair.test))
    labels = pair.train.labels[train], pair.test.labels[test]
    assert np.array_equal(*(np.bincount(side, minlength=10) for side in labels))
    assert 3 not in labels[0]
    assert len(np.unique(train)) == len(train)


def test_no_class_in_common_is_no_error(digits: DataPair) -> None:
    low, high = digits.train.labels < 5, digits.test.labels >= 5
    found = found_in(DataPair("d", digits.train.subset(low), digits.test.subset(high)))
    assert found.keys() == {"class-shift"}
    assert found["class-shift"].figure["share"] == 1


def test_large_sets_are_sampled(monkeypatch: pytest.MonkeyPatch, clean: DataPair) -> None:
    monkeypatch.setattr("bruit.data.drift._SAMPLE", 200)
    train, test = matched_sample(clean, measure(clean.train), measure(clean.test))
    assert 180 < len(train) == len(test) <= 200


@pytest.mark.parametrize("value", [0, 7, 255])
def test_images_of_one_value_are_no_error(value: int) -> None:
    images = np.full((200, 5, 4), value, np.uint8)
    labels = np.arange(200) % 2
    same = Dataset(images, labels, ("a", "b"), np.arange(200))
    assert found_in(DataPair("n", same, same)).keys() == {"alike"}
    other = replace(same, images=images // 2 + 60)
    assert "brightness" in found_in(DataPair("n", same, other))


def test_the_order_of_images_does_not_matter(clean: DataPair) -> None:
    rng = np.random.default_rng(3)
    pair = changed(clean, np.roll(clean.test.images, 2, axis=1).astype(np.int64) + 20)
    turned = DataPair("t", pair.train.subset(rng.permutation(1500)), pair.test.subset(rng.permutation(500)))
    said = {code: finding.figure for code, finding in found_in(pair).items()}
    again = {code: finding.figure for code, finding in found_in(turned).items()}
    assert said.keys() == again.keys()
    for code, figure in said.items():
        assert again[code] == pytest.approx(figure, rel=1e-4), code


def test_one_bright_pixel_in_a_split_is_no_drift(clean: DataPair) -> None:
    dim = DataPair("d", *(replace(part, images=np.minimum(part.images, 200)) for part in (clean.train, clean.test)))
    images = dim.test.images.copy()
    images[0, 10:20, 10:20] = 255
    assert found_in(changed(dim, images)).keys() == {"alike"}
