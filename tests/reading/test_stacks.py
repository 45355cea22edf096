"""Stacks of images: block by block, those as they are and those that are prepared side by side."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.data.dataset import DataPair
from bruit.reading import stacks
from bruit.reading.reader import Reader
from bruit.reading.stacks import read_stack


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(threads=1)


def test_every_image_is_read_once_and_in_its_place(reader: Reader, digits: DataPair, monkeypatch) -> None:
    monkeypatch.setattr(stacks, "AT_ONCE", 64)
    images = digits.test.images.copy()
    images[10] = 255 - images[10]
    images[70] = 255  # nothing but paper
    images[199] = 255 - images[199]
    blocks = list(read_stack(reader, images))
    assert [block.start for block in blocks] == [0, 64, 128, 192]
    assert [len(block.probabilities) for block in blocks] == [64, 64, 64, 8]
    assert {block.start + at: str(why) for block in blocks for at, why in block.problems.items()} == {
        70: "no digit found"
    }
    read = np.concatenate([block.probabilities for block in blocks]).argmax(1)
    untouched = np.delete(np.arange(200), [10, 70, 199])
    assert np.array_equal(read[untouched], reader.probabilities(digits.test.images[untouched]).argmax(1))
    assert read[[10, 199]].tolist() == digits.test.labels[[10, 199]].tolist()


def test_images_of_another_size_are_prepared(reader: Reader, digits: DataPair) -> None:
    large = digits.test.images[:40].repeat(3, axis=1).repeat(3, axis=2)
    (block,) = read_stack(reader, large)
    assert (block.probabilities.argmax(1) == digits.test.labels[:40]).mean() > 0.9
    assert block.problems == {}


def test_no_image_no_block(reader: Reader, digits: DataPair) -> None:
    assert list(read_stack(reader, digits.test.images[:0])) == []
