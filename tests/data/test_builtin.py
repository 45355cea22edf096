import hashlib
import struct
import time

import numpy as np
import pytest

from bruit.data import builtin
from bruit.data.builtin import ink_around, mnist
from bruit.errors import DataError

PUBLISHED_MD5 = {
    "train-images": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels": "a25bea736e30d166cdddb491f175f624",
    "test-images": "2646ac647ad5339dbf082846283269ea",
    "test-labels": "27ae3e4e09519cfbb04c329615203637",
}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def test_mnist_is_the_published_one_byte_for_byte():
    pair = mnist()
    for split, dataset in (("train", pair.train), ("test", pair.test)):
        for part, array in (("images", dataset.images), ("labels", dataset.labels)):
            assert hashlib.md5(idx(array)).hexdigest() == PUBLISHED_MD5[f"{split}-{part}"]


def test_mnist_is_a_pair_with_ids_that_run_on():
    pair = mnist()
    assert pair.name == "mnist"
    assert pair.findings == ()
    assert pair.classes == tuple("0123456789")
    assert np.array_equal(pair.train.ids, np.arange(60_000))
    assert np.array_equal(pair.test.ids, np.arange(60_000, 70_000))
    assert pair.train.shape == pair.test.shape == (28, 28)


def test_mnist_is_decoded_once_and_cannot_be_written_to():
    assert mnist() is mnist()
    with pytest.raises(ValueError, match="read-only"):
        mnist().train.images[0, 0, 0] = 1


def test_a_damaged_file_is_refused_in_one_line(tmp_path, monkeypatch):
    content = bytearray(builtin.MNIST_FILE.read_bytes())
    content[4_000_000] ^= 1
    damaged = tmp_path / "mnist.zip"
    damaged.write_bytes(content)
    monkeypatch.setattr(builtin, "MNIST_FILE", damaged)
    with pytest.raises(DataError, match=r"damaged .*reinstall") as caught:
        mnist.__wrapped__()
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(builtin, "MNIST_FILE", tmp_path / "nothing.zip")
    with pytest.raises(DataError, match=r"Cannot read .*nothing\.zip.*reinstall"):
        mnist.__wrapped__()


def test_the_embedded_file_is_clearly_smaller_than_the_originals_and_quick_to_read():
    assert builtin.MNIST_FILE.stat().st_size < 8_000_000
    start = time.perf_counter()
    mnist.__wrapped__()
    assert time.perf_counter() - start < 10  # about a second; this only catches a blunder


def test_ink_around_counts_the_nearest_neighbours_twice():
    ink = np.array([[[1, 1, 0], [1, 1, 0], [0, 0, 1]]], dtype=bool)
    assert ink_around(ink).tolist() == [5, 5, 5, 6, 1]
    assert ink_around(np.ones((1, 3, 3), bool)).tolist() == [5, 8, 5, 8, 12, 8, 5, 8, 5]
