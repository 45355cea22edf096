"""MATLAB files; scipy.io writes them and says what should be read."""

import builtins
import os
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bruit.data import mat
from bruit.data.raw import to_grey
from bruit.data.sources import load
from bruit.errors import DataError

NUMBERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def n_mnist(pair):
    """As the n-MNIST files are laid out."""
    return {
        "train_x": pair.train.images.reshape(len(pair.train), -1),
        "train_y": np.eye(10, dtype=np.uint8)[pair.train.labels],
        "test_x": pair.test.images.reshape(len(pair.test), -1),
        "test_y": np.eye(10, dtype=np.uint8)[pair.test.labels],
    }


@pytest.mark.parametrize("compressed", [False, True])
def test_n_mnist(small, the_same, tmp_path, compressed):
    scipy.io.savemat(tmp_path / "mnist-with-awgn.mat", n_mnist(small), do_compression=compressed)
    read = load(tmp_path / "mnist-with-awgn.mat")
    the_same(read, small)
    assert read.name == "mnist-with-awgn.mat"


def test_images_along_the_last_axis(small, one_split, tmp_path):
    images = np.moveaxis(small.train.images, 0, -1)
    for labels in (small.train.labels, np.eye(10)[small.train.labels].T):
        scipy.io.savemat(tmp_path / "set.mat", {"X": images, "y": labels})
        one_split(load(tmp_path / "set.mat"))
    scipy.io.savemat(tmp_path / "set.mat", {"x": images.reshape(784, 60), "y": small.train.labels[:, None]})
    one_split(load(tmp_path / "set.mat"))


@pytest.mark.parametrize("n_test", [28, 40])
@pytest.mark.parametrize("axis", [0, 2])
def test_a_split_with_as_many_images_as_columns_lies_as_the_other_one(digits, the_same, tmp_path, axis, n_test):
    pair = replace(digits, test=digits.test.subset(np.arange(n_test)))
    named = {}
    for split in ("train", "test"):
        part = getattr(pair, split)
        named |= {f"x_{split}": np.moveaxis(part.images, 0, axis), f"y_{split}": part.labels}
    scipy.io.savemat(tmp_path / "set.mat", named)
    the_same(load(tmp_path / "set.mat"), pair)


def test_an_axis_that_cannot_be_told(digits, tmp_path, refused):
    few = digits.train.subset(np.arange(28))
    scipy.io.savemat(tmp_path / "set.mat", {"x": few.images, "y": few.labels})
    scipy.io.savemat(tmp_path / "images.mat", {"x": few.images})
    message = f"{tmp_path / 'set.mat'} does not show which axis counts the images; give it another number of them than "
    for data in (tmp_path / "set.mat", tmp_path / "images.mat"):
        with refused(DataError, message.replace("set.mat", data.name) + "they have columns"):
            load(data)


def test_a_colour_file_for_each_split_as_svhn_has_it(small, tmp_path):
    rng = np.random.default_rng(0)
    colour = {part: rng.integers(0, 256, (8, 8, 3, n), np.uint8) for part, n in (("train", 60), ("test", 20))}
    for part, labels in (("train", small.train.labels), ("test", small.test.labels)):
        # SVHN writes zero as ten.
        written = np.where(labels == 0, 10, labels)[:, None]
        scipy.io.savemat(tmp_path / f"{part}_32x32.mat", {"X": colour[part], "y": written}, do_compression=True)
    read = load(tmp_path)
    assert read.classes == (*(str(digit) for digit in range(1, 10)), "10")
    for part in ("train", "test"):
        expected = to_grey(np.moveaxis(colour[part], -1, 0))
        assert np.array_equal(getattr(read, part).images, expected)
        luma = np.moveaxis(colour[part], -1, 0) @ [0.299, 0.587, 0.114]
        assert np.abs(expected - luma).max() <= 0.51
    assert [finding.code for finding in read.findings].count("made-grey") == 2


def plain(shape):
    """Neither colour, (…, 3) of bytes, nor square images along the last axis."""
    return shape[3] != 3 if len(shape) == 4 else len(shape) == 2 or shape[0] != shape[1]


SHAPES = array_shapes(min_dims=2, max_dims=4, max_side=5).filter(plain)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(NUMBERS), st.booleans())
def test_every_numeric_variable_reads_as_scipy_reads_it(tmp_path, data, dtype, compressed):
    array = data.draw(arrays(np.dtype(dtype), SHAPES))
    content = {"before": {"nested": [1, 2]}, "x": array, "z": "text"}
    scipy.io.savemat(tmp_path / "set.mat", content, do_compression=compressed)
    expected = scipy.io.loadmat(tmp_path / "set.mat")["x"]
    read = mat.read(tmp_path / "set.mat").train_images
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(read, expected)


def test_black_and_white(tmp_path):
    ink = np.arange(24).reshape(2, 3, 4) % 2 == 0
    scipy.io.savemat(tmp_path / "set.mat", {"x": ink})
    assert mat.read(tmp_path / "set.mat").train_images.dtype == bool
    assert np.array_equal(mat.read(tmp_path / "set.mat").train_images, ink)


def test_big_endian(tmp_path):
    def element(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    values = np.arange(12, dtype=">i2")
    inside = element(6, struct.pack(">II", 10, 0)) + element(5, struct.pack(">3i", 2, 2, 3)) + element(1, b"images")
    inside += element(3, values.tobytes())
    (tmp_path / "set.mat").write_bytes(bytes(124) + b"\x01\x00MI" + element(14, inside))
    read = mat.read(tmp_path / "set.mat").train_images
    assert np.array_equal(read, np.moveaxis(np.arange(12).reshape(2, 2, 3, order="F"), -1, 0))


# Refused


def test_no_variable_of_a_known_name(tmp_path, refused):
    scipy.io.savemat(tmp_path / "set.mat", {"train0": np.zeros((3, 4)), "z": {"images": [1]}})
    with refused(
        DataError,
        f"{tmp_path / 'set.mat'} holds no images by a known name; expected x_train, y_train, x_test, y_test, or "
        "train_images …, or images, labels, found train0",
    ):
        load(tmp_path / "set.mat")


def cells(n):
    array = np.empty(n, object)
    array[:] = [f"c{i}" for i in range(n)]
    return array


OTHERS = {
    "text": ("y", np.array(["zero", "nine"] * 30)),
    "a cell array": ("y", cells(60)),
    "a sparse matrix": ("X", scipy.sparse.csc_matrix(np.eye(60, 784))),
    "a struct": ("X", {"images": [1]}),
    "an array of complex numbers": ("X", np.ones((60, 28, 28), complex)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_called_like_data_and_is_no_array_of_numbers(small, tmp_path, refused, kind):
    name, value = OTHERS[kind]
    scipy.io.savemat(tmp_path / "set.mat", {"X": small.train.images, "y": small.train.labels, name: value})
    message = f"{name} in {tmp_path / 'set.mat'} is {kind}; save it as a full array of numbers"
    with refused(DataError, message):
        load(tmp_path / "set.mat")


@pytest.mark.parametrize("classes", [cells(10), np.arange(10)])
def test_names_of_classes_beside_the_labels_do_no_harm(small, one_split, tmp_path, classes):
    named = {"X": small.train.images, "y": small.train.labels, "classes": classes}
    scipy.io.savemat(tmp_path / "set.mat", named)
    one_split(load(tmp_path / "set.mat"))


def test_no_labels(small, tmp_path):
    scipy.io.savemat(tmp_path / "set.mat", {"X": small.train.images})
    with pytest.raises(DataError, match=r"set\.mat holds images without labels; add them under a name"):
        load(tmp_path / "set.mat")


def test_differing_numbers(small, tmp_path, refused):
    scipy.io.savemat(tmp_path / "set.mat", n_mnist(small) | {"train_y": np.eye(10)[:7]})
    with refused(DataError, "expected one training label for each of the 60 images, received shape (7, 10)"):
        load(tmp_path / "set.mat")


@pytest.mark.parametrize("content", [b"short", bytes(500), b"MATLAB 4".ljust(300)])
def test_what_is_no_mat_file(tmp_path, refused, content):
    (tmp_path / "set.mat").write_bytes(content)
    with refused(
        DataError, f"{tmp_path / 'set.mat'} is no .mat file of version 5 or 7.3; save it again in MATLAB with -v7"
    ):
        load(tmp_path / "set.mat")


def test_an_empty_file(tmp_path, refused):
    (tmp_path / "set.mat").touch()
    with refused(DataError, f"{tmp_path / 'set.mat'} is an empty file (0 bytes); copy it again"):
        load(tmp_path / "set.mat")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file(small, tmp_path, compressed, kept):
    scipy.io.savemat(tmp_path / "set.mat", n_mnist(small), do_compression=compressed)
    os.truncate(tmp_path / "set.mat", int(kept * (tmp_path / "set.mat").stat().st_size))
    with pytest.raises(DataError, match=r"set\.mat is truncated or damaged at byte"):
        load(tmp_path / "set.mat")


def matrix(shape, size, data=b"", name=b"images"):
    """A matrix element of uint8 whose data are said to have `size` bytes."""

    def element(kind, content):
        return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)

    inside = element(6, struct.pack("<II", 9, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    inside += element(1, name) + struct.pack("<II", 2, size) + data
    return struct.pack("<II", 14, len(inside)) + inside


def mat_file(path, *elements):
    path.write_bytes(bytes(124) + b"\x00\x01IM" + b"".join(elements))
    return path


def test_a_header_that_promises_more_than_there_is(tmp_path):
    lying = mat_file(tmp_path / "set.mat", matrix((1000, 1000, 1000), 10**9, bytes(64)))
    with pytest.raises(DataError, match=r"images in .*set\.mat is truncated: .* promises 1,000,000,000 bytes"):
        load(lying)
    lying = mat_file(tmp_path / "set.mat", matrix((1000, 1000), 64, bytes(64)))
    with pytest.raises(DataError, match=r"its shape \(1000, 1000\) promises 1,000,000 bytes, it holds 64 at most"):
        load(lying)
    lying = mat_file(tmp_path / "set.mat", matrix((-4, -4), 16, bytes(16)))
    with pytest.raises(DataError, match=r"set\.mat is damaged or not a \.mat file"):
        load(lying)


def test_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setenv("BRUIT_MAX_BYTES", "1M")
    size = 3_000_000
    packed = zlib.compress(matrix((3000, 1000), size, bytes(size)))
    bomb = mat_file(tmp_path / "set.mat", struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(DataError, match="holds 3,000,000 bytes or more when unpacked, the limit is 1,048,576"):
        load(bomb)


def test_a_flipped_bit_in_the_checksum(tmp_path):
    content = matrix((3, 4, 4), 48, bytes(48))
    for flip in (0, 1):
        packed = bytearray(zlib.compress(content))
        packed[-1] ^= flip
        made = mat_file(tmp_path / "set.mat", struct.pack("<II", 15, len(packed)) + packed)
        if not flip:
            assert mat.read(made).train_images.shape == (3, 4, 4)
    with pytest.raises(DataError, match=r"set\.mat is damaged or not a \.mat file"):
        mat.read(made)


def test_an_object_of_matlabs_own_beside_the_images(tmp_path):
    opaque = struct.pack("<IIII", 6, 8, 17, 0) + struct.pack("<II", 1, 3) + b"tab" + bytes(5)
    made = mat_file(
        tmp_path / "set.mat", struct.pack("<II", 14, len(opaque)) + opaque, matrix((3, 2, 2), 12, bytes(16))
    )
    assert mat.read(made).train_images.shape == (3, 2, 2)


def test_too_many_variables(tmp_path):
    many = [matrix((1, 1), 1, bytes(8), name=b"x%d" % i) for i in range(1001)]
    with pytest.raises(DataError, match="holds more than 1,000 variables"):
        load(mat_file(tmp_path / "set.mat", *many))


# Version 7.3


def hdf5(path, **named):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in named.items():
            file[name] = array
    content = path.read_bytes()
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + content[128:])
    return path


def test_version_7_3(small, the_same, tmp_path):
    named = {name: array.T for name, array in n_mnist(small).items()}
    the_same(load(hdf5(tmp_path / "set.mat", **named)), small)


def test_text_in_version_7_3_is_no_numbers(small, tmp_path, refused):
    h5py = pytest.importorskip("h5py")
    made = hdf5(tmp_path / "set.mat", X=small.train.images, y=small.train.labels.astype(np.uint16))
    with h5py.File(made, "a") as file:
        file["y"].attrs["MATLAB_class"] = np.bytes_("char")
    with refused(DataError, f"y in {made} is text; save it as a full array of numbers"):
        load(made)


def test_version_7_3_reads_nothing_outside_itself(small, tmp_path):
    h5py = pytest.importorskip("h5py")
    other = hdf5(tmp_path / "other.mat", images=small.train.images)
    made = hdf5(tmp_path / "set.mat", x=h5py.ExternalLink(str(other), "images"))
    with pytest.raises(DataError, match="holds no images by a known name"):
        load(made)


def test_version_7_3_that_promises_more_than_there_is(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "set.mat", "w") as file:
        file.create_dataset("x", (40_000, 28, 28), "u1", chunks=(1, 28, 28))
    with pytest.raises(DataError, match=r"set\.mat is truncated: it promises 31,360,000 bytes and holds"):
        load(tmp_path / "set.mat")


def test_a_damaged_version_7_3(tmp_path):
    pytest.importorskip("h5py")
    (tmp_path / "set.mat").write_bytes(mat.HDF5 + bytes(2000))
    with pytest.raises(DataError, match=r"set\.mat is damaged or not a \.mat file"):
        load(tmp_path / "set.mat")


def test_version_7_3_without_h5py(tmp_path, monkeypatch, refused):
    real = builtins.__import__

    def without(name, *rest):
        if name == "h5py":
            raise ImportError("No module named 'h5py'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / "set.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + mat.HDF5 + bytes(2000))
    with refused(
        DataError,
        f"{tmp_path / 'set.mat'} is a .mat file of version 7.3, which needs h5py: pip install h5py, or save it in "
        "MATLAB with -v7",
    ):
        load(tmp_path / "set.mat")
