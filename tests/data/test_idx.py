"""IDX files, under all the names that they go by."""

import gzip
import os
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bruit.data import idx
from bruit.data.sources import load, load_images
from bruit.errors import DataError

CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx_bytes(array, dtype="u1"):
    head = struct.pack(f">HBB{array.ndim}I", 0, CODES[dtype], array.ndim, *array.shape)
    return head + array.astype(dtype).tobytes()


@pytest.fixture
def write(small, tmp_path):
    """Writes the four files, under other names if they are given; says where."""

    def write_files(names=NAMES, zipped=False):
        arrays = (small.train.images, small.train.labels, small.test.images, small.test.labels)
        for name, array in zip(names, arrays, strict=True):
            if name:
                content = idx_bytes(array)
                (tmp_path / name).write_bytes(gzip.compress(content) if zipped else content)
        return tmp_path

    return write_files


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name,
        lambda name: name.replace("-idx", ".idx"),
        lambda name: f"emnist-letters-{name.replace('t10k', 'test')}",
        lambda name: name + ".gz",
    ],
    ids=["-", ".", "emnist", "gz"],
)
def test_the_names_of_mnist_and_its_like_zipped_or_not_whatever_they_say(write, small, the_same, rename, zipped):
    folder = write([rename(name) for name in NAMES], zipped)
    the_same(load(folder), small)
    the_same(load(folder / rename(NAMES[0])), small)
    assert np.array_equal(load_images(folder), small.test.images)


def test_one_split(write, one_split):
    one_split(load(write([*NAMES[:2], None, None])))


def test_the_plain_file_is_taken_where_both_are_there(write, small, the_same):
    folder = write()
    (folder / f"{NAMES[0]}.gz").write_bytes(b"half a downl")
    the_same(load(folder), small)


def test_several_sets_in_one_folder(write, small, the_same, refused):
    write([f"emnist-digits-{name}" for name in NAMES])
    folder = write([f"emnist-mnist-{name}" for name in NAMES])
    with refused(
        DataError,
        f"{folder} holds several IDX sets (emnist-digits-, emnist-mnist-); give one file of the set that you mean",
    ):
        load(folder)
    the_same(load(folder / f"emnist-mnist-{NAMES[2]}"), small)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(sorted(CODES)), st.booleans())
def test_every_type_and_shape_comes_through(tmp_path, data, dtype, zipped):
    array = data.draw(arrays(np.dtype(dtype), array_shapes(min_dims=1, max_dims=4, max_side=4)))
    content = idx_bytes(array, dtype)
    (tmp_path / "images-idx3").write_bytes(gzip.compress(content) if zipped else content)
    read = idx.read_file(tmp_path / "images-idx3")
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


# Refused


def test_labels_are_missing(write, refused):
    folder = write([NAMES[0], None, None, None])
    with refused(
        DataError,
        f"{folder} holds images without labels; put the images into folders by class (7/one.png), or a file of labels "
        "beside those of the images",
    ):
        load(folder)
    with refused(DataError, f"{folder / NAMES[0]} holds images without labels; put train-labels-idx1-ubyte beside it"):
        load(folder / NAMES[0])


def test_images_are_missing(write, refused):
    folder = write([None, NAMES[1], None, None])
    with refused(DataError, f"{folder / NAMES[1]} has no images beside it; put train-images-idx1-ubyte there"):
        load(folder)


@pytest.mark.parametrize(
    "content", [b"\x00", b"\x89PNG\r\n\x1a\n" + bytes(50), b"\0\0\x08\x09" + bytes(50), b"\0\0\x07\x03" + bytes(50)]
)
def test_what_is_no_idx_file(write, refused, content):
    file = write() / NAMES[2]
    file.write_bytes(content)
    with refused(DataError, f"{file} is no IDX file: expected it to begin with 00 00 08 03 or the like; copy it again"):
        load(file.parent)


@pytest.mark.parametrize("kept", [6, 1000])
def test_a_truncated_file(write, kept):
    file = write() / NAMES[0]
    os.truncate(file, kept)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte is truncated: its header promises"):
        load(file.parent)


def test_a_truncated_gzip_file(write):
    file = write(zipped=True) / NAMES[0]
    os.truncate(file, 3000)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte is (damaged|truncated)"):
        load(file.parent)


def test_a_flipped_bit_in_a_gzip_file(write):
    file = write(zipped=True) / NAMES[0]
    content = bytearray(file.read_bytes())
    content[-8] ^= 1  # of the checksum
    file.write_bytes(content)
    with pytest.raises(DataError, match="is damaged or not"):
        load(file.parent)


def test_an_empty_file(write, refused):
    file = write() / NAMES[3]
    os.truncate(file, 0)
    with refused(DataError, f"{file} is an empty file (0 bytes); copy it again"):
        load(file.parent)


def test_more_than_the_header_promises(write):
    file = write() / NAMES[1]
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(DataError, match="goes on after the 68 bytes that its header promises"):
        load(file.parent)


def test_a_header_that_promises_more_than_there_is(write, refused):
    file = write() / NAMES[0]
    file.write_bytes(struct.pack(">HBB3I", 0, 8, 3, 1_000_000, 28, 28))
    with refused(
        DataError,
        f"{file} is truncated: its header promises 784,000,016 bytes, the file holds 16; copy it again",
    ):
        load(file.parent)
    file.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3))
    with pytest.raises(DataError, match=r"is truncated: its header promises 79,\d{3},"):
        load(file.parent)


def test_a_bomb(write, monkeypatch):
    monkeypatch.setenv("BRUIT_MAX_BYTES", "1M")
    file = write() / NAMES[0]
    file.write_bytes(gzip.compress(idx_bytes(np.zeros((2000, 28, 28)))))
    with pytest.raises(DataError, match="holds 1,568,016 bytes or more when unpacked, the limit is 1,048,576"):
        load(file.parent)


def test_differing_numbers(write, small, refused):
    folder = write()
    (folder / NAMES[1]).write_bytes(idx_bytes(small.train.labels[:59]))
    with refused(DataError, "expected one training label for each of the 60 images, received shape (59,)"):
        load(folder)
