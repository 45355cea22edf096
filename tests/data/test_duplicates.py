"""Copies are found: exact ones all, near ones nearly all, and digits that are merely alike are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.data.dataset import DataPair, Dataset, Finding
from bruit.data.duplicates import duplicates
from bruit.data.near_copies import NEAR
from bruit.data.row import Row


def found_in(pair: DataPair) -> dict[tuple[str, str], Finding]:
    findings = duplicates(Row.of(pair.splits))
    return {(finding.code, finding.split): finding for finding in findings}


def added(dataset: Dataset, images: np.ndarray, labels: np.ndarray) -> Dataset:
    """The data set with more images, of new sources."""
    ids = np.arange(len(images)) + 10**6
    return Dataset(
        np.concatenate([dataset.images, images]),
        np.concatenate([dataset.labels, labels]),
        dataset.classes,
        np.concatenate([dataset.ids, ids]),
    )


def with_test(pair: DataPair, images: np.ndarray, labels: np.ndarray) -> DataPair:
    return replace(pair, test=added(pair.test, images, labels))


@pytest.fixture(scope="module")
def thousands() -> DataPair:
    """3,000 training and 500 test images of MNIST."""
    rng = np.random.default_rng(0)
    train, test = mnist().train, mnist().test
    return DataPair("m", train.subset(rng.permutation(60_000)[:3000]), test.subset(rng.permutation(10_000)[:500]))


def test_digits_have_no_copies(digits: DataPair, noisy: DataPair, thousands: DataPair) -> None:
    for pair in (digits, noisy, thousands):
        assert found_in(pair) == {}


def test_exact_copies_across_the_splits(digits: DataPair) -> None:
    train = digits.train
    pair = with_test(digits, train.images[[7, 9]], train.labels[[7, 9]])
    (finding,) = found_in(pair).values()
    assert (finding.code, finding.severity, finding.split) == ("repeated", "warning", "both")
    assert finding.figure == {"images": 2, "total": 202, "share": 2 / 202}
    assert [(example.split, example.index) for example in finding.examples] == [
        *(("train", 7), ("test", 200)),
        *(("train", 9), ("test", 201)),
    ]
    assert finding.examples[0].note == train.classes[train.labels[7]]
    many = found_in(with_test(digits, train.images[:50], train.labels[:50]))["repeated", "both"]
    assert (many.severity, many.figure["images"], len(many.examples)) == ("error", 50, 12)


def test_exact_copies_within_a_split(digits: DataPair) -> None:
    train = digits.train.subset(np.r_[np.arange(600), [3, 3, 5]])
    train = replace(train, ids=np.arange(603))
    test = replace(digits.test, ids=digits.test.ids + 10**6)
    (finding,) = found_in(DataPair("d", train, test)).values()
    assert (finding.code, finding.severity, finding.split) == ("duplicates", "info", "train")
    assert finding.figure["images"] == 3
    assert [example.index for example in finding.examples] == [3, 600, 3, 601, 5, 602]


def test_images_of_one_source_in_both_splits(noisy: DataPair) -> None:
    test = replace(noisy.test, ids=np.r_[noisy.train.ids[:3], noisy.test.ids[3:]])
    (finding,) = found_in(replace(noisy, test=test)).values()
    assert (finding.code, finding.severity, finding.figure["images"]) == ("shared-source", "error", 3)


def test_blank_images_are_no_copies(digits: DataPair) -> None:
    blank = np.zeros((5, 28, 28), np.uint8)
    labels = np.arange(5)
    pair = DataPair("b", added(digits.train, blank, labels), added(digits.test, blank, labels))
    shared = found_in(pair).pop(("shared-source", "both"))  # `added` numbers both splits alike
    assert shared.figure["images"] == 5
    nothing = np.zeros((4, 28, 28), np.uint8)
    only = Dataset(nothing, np.arange(4) % 2, ("a", "b"), np.arange(4))
    assert found_in(DataPair("n", only, replace(only, ids=np.arange(4) + 4))) == {}


def test_equal_images_with_different_labels(digits: DataPair) -> None:
    train = digits.train
    pair = with_test(digits, train.images[[7]], (train.labels[[7]] + 1) % 10)
    finding = found_in(pair)["conflict", "both"]
    assert (finding.severity, finding.figure) == ("warning", {"images": 2})
    assert [(example.split, example.index) for example in finding.examples] == [("train", 7), ("test", 200)]
    assert len({example.note for example in finding.examples}) == 2


@pytest.mark.parametrize("change", ["one pixel", "brightness", "noise"])
def test_near_copies_are_found(thousands: DataPair, change: str) -> None:
    rng = np.random.default_rng(1)
    chosen = rng.permutation(3000)[:200]
    images = thousands.train.images[chosen].astype(np.int64)
    if change == "one pixel":
        row, column = rng.integers(0, 28, (2, 200))
        images[np.arange(200), row, column] += rng.integers(1, 9, 200) * np.where(
            images[np.arange(200), row, column] > 127, -1, 1
        )
    elif change == "brightness":
        images = images * 7 // 10 + 30
    else:
        images = np.clip(images + rng.normal(0, 3, images.shape), 0, 255)
    found = found_in(with_test(thousands, images.astype(np.uint8), thousands.train.labels[chosen]))
    finding = found.pop(("near-repeated", "both"))
    assert finding.figure["images"] >= 0.95 * 200
    assert finding.severity == "warning"
    assert set(found) <= {("near-duplicates", "test")}
    pairs = list(zip(finding.examples[::2], finding.examples[1::2], strict=True))
    assert len(pairs) == 6
    for one, other in pairs:
        assert (one.split, other.split) == ("train", "test")
        assert chosen[other.index - 500] == one.index


def test_near_copies_within_a_split_and_with_another_label(thousands: DataPair) -> None:
    images = thousands.train.images[:2].copy()
    images[:, 0, 0] = 20
    labels = thousands.train.labels[:2] + np.array([0, 1])
    found = found_in(replace(thousands, train=added(thousands.train, images, labels % 10)))
    assert found.keys() == {("near-duplicates", "train"), ("near-conflict", "train")}
    near = found["near-duplicates", "train"]
    assert near.figure == {"images": 4, "total": 3002, "share": 4 / 3002, "least": NEAR}
    assert near.severity == "info"
    assert found["near-conflict", "train"].figure == {"pairs": 1}
    assert {example.index for example in found["near-conflict", "train"].examples} == {1, 3001}


def test_a_copy_is_near_only_while_it_is(thousands: DataPair) -> None:
    """Half of the pixels darkened, or shifted by two: no copies any more."""
    images = thousands.train.images[:100].copy()
    images[:, :14] //= 3
    images[50:] = np.roll(thousands.train.images[50:100], 2, axis=2)
    assert found_in(with_test(thousands, images, thousands.train.labels[:100])) == {}


def test_many_copies_of_one_image_cost_no_more(digits: DataPair) -> None:
    """A film that stands still: thousands of near copies, a table of pairs of which would have millions of rows."""
    rng = np.random.default_rng(0)
    still = np.clip(digits.train.images[3] + rng.normal(0, 2, (4000, 28, 28)), 0, 255).astype(np.uint8)
    labels = np.arange(4000) % 10
    film = Dataset(still, labels, digits.classes, np.arange(4000))
    finding = found_in(DataPair("film", film, digits.test))["near-duplicates", "train"]
    assert finding.figure["images"] > 3900


def test_the_order_of_images_does_not_matter(thousands: DataPair) -> None:
    rng = np.random.default_rng(2)
    images = np.clip(thousands.train.images[:60] + rng.normal(0, 3, (60, 28, 28)), 0, 255).astype(np.uint8)
    images[:3] = thousands.train.images[:3]
    pair = with_test(thousands, images, thousands.train.labels[:60])
    order, other = rng.permutation(len(pair.train)), rng.permutation(len(pair.test))
    turned = replace(pair, train=pair.train.subset(order), test=pair.test.subset(other))
    said = {key: finding.figure for key, finding in found_in(pair).items()}
    assert said == {key: finding.figure for key, finding in found_in(turned).items()}
    assert ("near-repeated", "both") in said


def test_a_part_at_a_time_finds_the_same(thousands: DataPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there are tens of millions of images."""
    rng = np.random.default_rng(4)
    train = thousands.train
    near = np.clip(train.images[:40] + rng.normal(0, 3, (40, 28, 28)), 0, 255).astype(np.uint8)
    images = np.concatenate([near, train.images[100:130], train.images[200:210]])
    labels = np.concatenate([train.labels[:40], train.labels[100:130], (train.labels[200:210] + 1) % 10])
    again = train.subset(np.r_[np.arange(3000), 500:520])
    pair = with_test(replace(thousands, train=again), images, labels)
    whole = found_in(pair)
    assert {code for code, _ in whole} >= {"repeated", "duplicates", "conflict", "near-repeated"}
    monkeypatch.setattr("bruit.data.row.PART", 300)
    monkeypatch.setattr("bruit.data.near_copies.PART", 300)
    monkeypatch.setattr("bruit.data.near_copies._AT_ONCE", 50)
    monkeypatch.setattr("bruit.data.near_copies._COLLECTED", 20)
    assert found_in(pair) == whole
    monkeypatch.setattr("bruit.data.near_copies._MEDIANS", 1000)  # other buckets: what is just near may be lost
    sampled = found_in(pair)
    assert sampled.keys() == whole.keys()
    assert sampled["near-repeated", "both"].figure["images"] >= 38


def test_a_search_that_stops_says_so(digits: DataPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bruit.data.near_copies.MOST_PAIRS", 50)
    monkeypatch.setattr("bruit.data.near_copies._COLLECTED", 100)
    rng = np.random.default_rng(0)
    still = np.clip(digits.train.images[3] + rng.normal(0, 2, (500, 28, 28)), 0, 255).astype(np.uint8)
    film = Dataset(still, np.arange(500) % 10, digits.classes, np.arange(500))
    found = found_in(DataPair("film", film, digits.test))
    assert found["near-stopped", "train"].figure == {"pairs": 50}
    assert found["near-conflict", "train"].figure["pairs"] <= 50
    assert 10 <= found["near-duplicates", "train"].figure["images"] <= 100
