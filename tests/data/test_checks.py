"""The data doctor: every planted defect is found, and nothing in clean data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bruit.data.builtin import mnist
from bruit.data.checks import diagnose
from bruit.data.dataset import DataPair, Dataset, Finding
from bruit.data.formats import pair_from_arrays, unlabelled
from bruit.noise.recipes import apply


@pytest.fixture(scope="module")
def clean() -> DataPair:
    """1,500 training and 500 test images of MNIST, drawn at random."""
    rng = np.random.default_rng(0)
    train, test = mnist().train, mnist().test
    return DataPair("m", train.subset(rng.permutation(60_000)[:1500]), test.subset(rng.permutation(10_000)[:500]))


def found_in(pair: DataPair) -> dict[tuple[str, str], Finding]:
    return {(finding.code, finding.split): finding for finding in diagnose(pair)}


def with_images(dataset: Dataset, index: np.ndarray | slice, images: np.ndarray | int) -> Dataset:
    copy = dataset.images.copy()
    copy[index] = images
    return replace(dataset, images=copy)


def test_nothing_is_wrong_with_clean_images(clean: DataPair) -> None:
    for pair in (clean, apply("course", clean)):
        assert {finding.severity for finding in diagnose(pair)} == {"info"}
        assert [finding.code for finding in diagnose(pair)] == ["range", "range", "alike"]


def test_ranges_are_said_once(digits: DataPair) -> None:
    found = found_in(digits)
    assert found["range", "train"].figure == {"images": 600, "height": 28, "width": 28, "low": 0, "high": 255}
    arrays = (digits.train.images / 255, digits.train.labels, digits.test.images, digits.test.labels)
    codes = [finding.code for finding in diagnose(pair_from_arrays(*arrays))]
    assert "range" not in codes
    assert codes.count("scale") == 2
    assert codes[0] == "scale-mismatch"


def test_what_reading_found_is_kept_and_what_repeats_is_found_once(digits: DataPair) -> None:
    test = np.concatenate([digits.test.images, digits.train.images[:3]])
    labels = np.concatenate([digits.test.labels, digits.train.labels[:3]])
    pair = pair_from_arrays(digits.train.images / 255, digits.train.labels, test, labels)
    assert "repeated" not in [finding.code for finding in pair.findings]
    found = diagnose(pair)
    (repeated,) = [finding for finding in found if finding.code == "repeated"]
    assert repeated.examples
    (mismatch,) = [finding for finding in found if finding.code == "scale-mismatch"]
    assert mismatch.remedy


@pytest.mark.parametrize("splits", [1, 2])
def test_images_without_labels(clean: DataPair, splits: int) -> None:
    train, test = clean.train.images.copy(), clean.test.images.copy()
    train[5], train[10], test[3] = 0, train[7], train[8]
    found = diagnose(unlabelled(train, test if splits == 2 else None))
    codes = [(finding.code, finding.split) for finding in found]
    expected = {("blank", "train"), ("duplicates", "train"), ("scale", "train"), ("unlabelled", "train")}
    if splits == 2:
        expected |= {("repeated", "both"), ("alike", "both"), ("scale", "test"), ("unlabelled", "both")}
        expected.remove(("unlabelled", "train"))
    assert len(codes) == len(expected)
    assert set(codes) == expected
    (copies,) = (finding for finding in found if finding.code == "duplicates")
    assert [(example.index, example.note) for example in copies.examples] == [(7, ""), (10, "")]


def test_one_split_in_0_to_1(clean: DataPair) -> None:
    dim = replace(clean.test, images=clean.test.images // 128)
    finding = found_in(replace(clean, test=dim))["range-mismatch", "both"]
    assert (finding.severity, finding.figure) == ("error", {"train": 255, "test": 1})


def test_blank_images(clean: DataPair) -> None:
    rng = np.random.default_rng(0)
    nearly = rng.integers(100, 108, (2, 28, 28))
    train = with_images(clean.train, slice(5, 8), 0)
    found = found_in(replace(clean, train=with_images(train, slice(20, 22), nearly)))
    finding = found["blank", "train"]
    assert (finding.severity, finding.figure) == ("warning", {"images": 5, "total": 1500, "share": 5 / 1500})
    assert [example.index for example in finding.examples] == [5, 6, 7, 20, 21]
    assert ("duplicates", "train") not in found
    assert (
        found_in(replace(clean, train=with_images(clean.train, slice(None), 9)))["blank", "train"].severity == "error"
    )


def test_missing_and_rare_classes(clean: DataPair) -> None:
    without = clean.test.subset(clean.test.labels != 4)
    rare = np.flatnonzero(clean.train.labels == 7)[:5]
    train = clean.train.subset(np.r_[np.flatnonzero(clean.train.labels != 7), rare])
    found = found_in(DataPair("m", train, without))
    missing, uneven = found["missing-class", "test"], found["imbalance", "train"]
    assert (missing.severity, missing.figure) == ("warning", {"classes": "4"})
    assert (uneven.severity, uneven.figure["smallest"], uneven.figure["n_smallest"]) == ("warning", "7", 5)
    assert [example.note for example in uneven.examples] == ["7"] * 5
    assert ("imbalance", "test") not in found  # of the classes that are there
    assert found_in(DataPair("m", without, clean.test))["missing-class", "train"].severity == "error"


def test_polarity(clean: DataPair) -> None:
    negative = DataPair("n", *(replace(part, images=255 - part.images) for part in (clean.train, clean.test)))
    found = found_in(negative)
    assert {found["polarity", split].severity for split in ("train", "test")} == {"info"}
    assert ("polarity-mismatch", "both") not in found

    mismatch = found_in(DataPair("x", clean.train, negative.test))["polarity-mismatch", "both"]
    assert (mismatch.severity, mismatch.figure) == ("error", {"train_share": 0, "test_share": 1})
    assert "0.00% of the training images are dark on light, and 100.00% of the test images" in mismatch.message

    mixed = with_images(clean.train, slice(0, 30), 255 - clean.train.images[:30])
    finding = found_in(replace(clean, train=mixed))["polarity-mixed", "train"]
    assert (finding.severity, finding.figure["images"]) == ("warning", 30)
    assert [example.index for example in finding.examples] == list(range(12))


def test_nothing_is_said_of_a_polarity_that_does_not_show() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2, 300, 20, 20)).astype(np.uint8)
    pair = DataPair("n", *(Dataset(part, np.arange(300) % 3, tuple("abc"), np.arange(300)) for part in noise))
    assert not {code for code, _ in found_in(pair) if code.startswith("polarity")}


def test_the_worst_comes_first(clean: DataPair) -> None:
    pair = replace(clean, test=replace(clean.test, images=255 - clean.test.images))
    severities = [finding.severity for finding in diagnose(with_images_pair(pair))]
    assert severities == sorted(severities, key=("error", "warning", "info").index)
    assert set(severities) == {"error", "warning", "info"}


def with_images_pair(pair: DataPair) -> DataPair:
    return replace(pair, train=with_images(pair.train, slice(3), 0))


def test_progress_goes_to_its_end(digits: DataPair) -> None:
    steps: list[tuple[int, int]] = []
    diagnose(digits, lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]


@settings(max_examples=30)
@given(
    st.data(),
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.integers(1, 6)),
)
def test_no_images_are_too_odd(data: st.DataObject, sizes: tuple[int, int, int, int]) -> None:
    """Of one pixel, of one image, of one value, of one class: there is always an answer, and the same for any order."""
    n_train, n_test, height, width = sizes
    parts = []
    for n in (n_train, n_test):
        images = data.draw(npst.arrays(np.uint8, (n, height, width), elements=st.sampled_from([0, 9, 200, 255])))
        labels = data.draw(npst.arrays(np.int64, n, elements=st.integers(0, 2)))
        ids = data.draw(npst.arrays(np.int64, n, elements=st.integers(0, 30)))
        parts.append(Dataset(images, labels, ("a", "b", "c"), ids))
    pair = DataPair("odd", *parts)
    found = diagnose(pair)
    for finding in found:
        for example in finding.examples:
            assert example.index < len(pair.train if example.split == "train" else pair.test)
    turned = DataPair("odd", *(part.subset(slice(None, None, -1)) for part in parts))
    assert comparable(found) == comparable(diagnose(turned))


def comparable(findings: tuple[Finding, ...]) -> set[tuple[str, str, str, str]]:
    """All that may not depend on the order of the images: the sentences round their figures."""
    return {(finding.code, finding.split, finding.severity, finding.message) for finding in findings}
