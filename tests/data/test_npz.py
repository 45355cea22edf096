"""Archives of numpy.savez."""

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from bruit.data import npz
from bruit.data.sources import load
from bruit.errors import DataError

KEYS = {
    "keras": "x_train y_train x_test y_test",
    "words": "train_images train_labels test_images test_labels",
    "capital": "X_train y_train X_test y_test",
    "turned round": "trainX trainY testX testY",
    "long": "training_data training_targets testing_data testing_targets",
}


def arrays_of(pair):
    return [pair.train.images, pair.train.labels, pair.test.images, pair.test.labels]


def npy(array=None, header=None) -> bytes:
    file = io.BytesIO()
    if header is None:
        np.save(file, array)
    else:
        np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def archive(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_names_that_people_use(small, the_same, tmp_path, save, keys):
    save(tmp_path / "set.npz", **dict(zip(keys.split(), arrays_of(small), strict=True)))
    read = load(tmp_path / "set.npz")
    the_same(read, small)
    assert read.name == "set.npz"
    assert {finding.code for finding in read.findings} == {"scale"}


@pytest.mark.parametrize("keys", ["images labels", "X y", "x y", "data target"])
def test_one_split(small, one_split, tmp_path, keys):
    names = dict(zip(keys.split(), (small.train.images / 255, small.train.labels), strict=True))
    np.savez(tmp_path / "set.npz", **names)
    one_split(load(tmp_path / "set.npz"))


def test_arrays_without_names(small, one_split, tmp_path, refused):
    np.savez(tmp_path / "two.npz", small.train.images, small.train.labels)
    one_split(load(tmp_path / "two.npz"))
    np.savez(tmp_path / "four.npz", *arrays_of(small))
    with refused(
        DataError,
        f"{tmp_path / 'four.npz'} holds no images by a known name; expected x_train, y_train, x_test, y_test, or "
        "train_images …, or images, labels, found arr_0, arr_1, arr_2, arr_3",
    ):
        load(tmp_path / "four.npz")


def test_a_file_for_each_split(small, the_same, tmp_path):
    np.savez(tmp_path / "my-train.npz", x=small.train.images, y=small.train.labels)
    np.savez(tmp_path / "my-test.npz", x=small.test.images, y=small.test.labels)
    the_same(load(tmp_path), small)
    np.savez(tmp_path / "my-test.npz", **dict(zip(KEYS["keras"].split(), arrays_of(small), strict=True)))
    with pytest.raises(DataError, match="holds both splits already; give that file itself"):
        load(tmp_path)


def test_what_is_not_used_is_said(small, tmp_path):
    np.savez(tmp_path / "set.npz", x=small.train.images, y=small.train.labels, val_images=small.test.images)
    (found,) = (finding for finding in load(tmp_path / "set.npz").findings if finding.code == "not-used")
    assert found.message == "Not used of what is there (1 in all): val_images."


def test_test_images_alone_are_one_split(small, one_split, tmp_path):
    np.savez(tmp_path / "set.npz", x_test=small.train.images, y_test=small.train.labels)
    one_split(load(tmp_path / "set.npz"))


def test_fortran_order_and_big_endian(small, the_same, tmp_path):
    train, labels, test, test_labels = arrays_of(small)
    np.savez(
        tmp_path / "set.npz",
        x_train=np.asfortranarray(train),
        y_train=labels.astype(">i4"),
        x_test=np.asfortranarray(test.astype(">u2") * 257),
        y_test=test_labels,
    )
    the_same(load(tmp_path / "set.npz"), small)


# Refused


def test_no_labels(small, tmp_path, refused):
    np.savez(tmp_path / "set.npz", x_train=small.train.images)
    with refused(
        DataError,
        f"{tmp_path / 'set.npz'} holds images without labels; add them under a name that goes with that of the images, "
        "such as y_train beside x_train",
    ):
        load(tmp_path / "set.npz")


def test_two_names_for_one_thing(small, tmp_path, refused):
    np.savez(tmp_path / "set.npz", X=small.train.images, images=small.train.images, y=small.train.labels)
    with refused(DataError, f"{tmp_path / 'set.npz'} holds both X and images, which mean the same; keep one of them"):
        load(tmp_path / "set.npz")


def test_differing_numbers_of_images_and_labels(small, tmp_path, refused):
    np.savez(tmp_path / "set.npz", x=small.train.images, y=small.train.labels[:59])
    with refused(DataError, "expected one training label for each of the 60 images, received shape (59,)"):
        load(tmp_path / "set.npz")


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no more", b"\x93NUMPY", b"<html>404</html>"])
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"set\.npz is damaged or not an \.npz archive"):
        load(tmp_path / "set.npz")


def test_an_empty_file(tmp_path, refused):
    (tmp_path / "set.npz").touch()
    with refused(DataError, f"{tmp_path / 'set.npz'} is an empty file (0 bytes); copy it again"):
        load(tmp_path / "set.npz")


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_a_truncated_archive(small, tmp_path, kept):
    np.savez(tmp_path / "set.npz", x=small.train.images, y=small.train.labels)
    os.truncate(tmp_path / "set.npz", int(kept * (tmp_path / "set.npz").stat().st_size))
    with pytest.raises(DataError, match=r"set\.npz is damaged"):
        load(tmp_path / "set.npz")


def test_a_flipped_bit_is_found(small, tmp_path):
    np.savez(tmp_path / "set.npz", x=small.train.images, y=small.train.labels)
    content = bytearray((tmp_path / "set.npz").read_bytes())
    content[20_000] ^= 1
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npy in .*set\.npz is damaged or not an \.npy file; copy it again"):
        load(tmp_path / "set.npz")


class Payload:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def test_objects_are_refused_and_nothing_in_them_is_run(tmp_path, refused):
    trace = str(tmp_path / "code-was-run")
    np.savez(tmp_path / "set.npz", x=np.array([Payload(trace)], dtype=object), y=np.arange(1))
    with refused(
        DataError,
        f"x.npy in {tmp_path / 'set.npz'} holds Python objects (dtype object), which are never loaded because that "
        "could run code; save a plain array, as images.astype('uint8')",
    ):
        load(tmp_path / "set.npz")
    assert not os.path.exists(trace)


def test_a_bomb(tmp_path, refused, monkeypatch):
    monkeypatch.setenv("BRUIT_MAX_BYTES", "1M")
    bomb = np.zeros((3000, 28, 28), np.uint8)
    np.savez_compressed(tmp_path / "set.npz", x=bomb, y=np.arange(3000) % 2)
    size = bomb.nbytes + 128 + 3000 * 8 + 128
    with refused(
        DataError,
        f"{tmp_path / 'set.npz'} holds {size:,} bytes or more when unpacked, the limit is 1,048,576; if you trust it, "
        "set BRUIT_MAX_BYTES higher",
    ):
        load(tmp_path / "set.npz")
    monkeypatch.setenv("BRUIT_MAX_BYTES", str(size))
    assert len(npz.read(tmp_path / "set.npz").train_images) == 3000


def test_a_header_that_promises_more_than_there_is(tmp_path, refused):
    header = {"descr": "|u1", "fortran_order": False, "shape": (4_000_000, 28, 28)}
    made = archive(tmp_path / "set.npz", {"x.npy": npy(header=header) + bytes(100), "y.npy": npy(np.arange(3))})
    with refused(
        DataError,
        f"x.npy in {made} is truncated: its header promises 3,136,000,000 bytes, it holds 228 at most; copy it again",
    ):
        load(made)


def test_a_directory_that_lies_about_sizes(tmp_path):
    made = archive(tmp_path / "set.npz", {"x.npy": npy(np.zeros((50, 4, 4))), "y.npy": npy(np.arange(50))})
    content = bytearray(made.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 10)
    made.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.npz is damaged"):
        npz.read(made)
    content[at : at + 4] = struct.pack("<I", 2**31)  # no more is read than there is
    made.write_bytes(content)
    assert npz.read(made).train_images.shape == (50, 4, 4)


def test_what_goes_on_after_the_array(tmp_path):
    made = archive(tmp_path / "set.npz", {"x.npy": npy(np.zeros((5, 4, 4))) + b"more"})
    with pytest.raises(DataError, match=r"goes on after the 640 bytes that its header promises"):
        load(made)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions(tmp_path, compression):
    made = archive(tmp_path / "set.npz", {"x.npy": npy(np.zeros((5, 4, 4)))}, compression)
    with pytest.raises(DataError, match=r"compressed in a way that numpy\.savez does not use"):
        load(made)


def test_too_many_members(tmp_path, refused):
    made = archive(tmp_path / "set.npz", {f"{i}.npy": b"" for i in range(1001)})
    with refused(DataError, f"{made} holds 1,001 files, the limit is 1,000; is it a data set?"):
        load(made)
