"""Large arrays go into files that nobody has to delete, and nothing else changes."""

import gzip
import logging
import mmap
import os
import struct
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

import bruit
from bruit.data import room
from bruit.data.sources import load
from bruit.data.written import write_data
from bruit.errors import DataError


@pytest.fixture
def little_memory(monkeypatch, tmp_path):
    """All that is larger than 64 KB goes into files; says where."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("BRUIT_MAX_MEMORY", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def is_mapped(array):
    """Whether an array lies in a file."""
    while isinstance(array, np.ndarray | memoryview):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return isinstance(array, mmap.mmap)


def idx_gz(pair, folder):
    for name, array in (
        ("train-images-idx3-ubyte.gz", pair.train.images),
        ("train-labels-idx1-ubyte.gz", pair.train.labels),
        ("t10k-images-idx3-ubyte.gz", pair.test.images),
        ("t10k-labels-idx1-ubyte.gz", pair.test.labels),
    ):
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folder / name).write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))
    return folder


def npy_of(dtype, scale=1.0, shape=lambda images: images):
    def write(pair, folder):
        for split in ("train", "test"):
            part = getattr(pair, split)
            np.save(folder / f"{split}_images.npy", shape((part.images * scale).astype(dtype)))
            np.save(folder / f"{split}_labels.npy", part.labels)
        return folder

    return write


def one_split(pair, folder):
    np.save(folder / "images.npy", pair.train.images)
    np.save(folder / "labels.npy", pair.train.labels)
    return folder


def arrays_of(pair, split):
    return getattr(pair, split).images, getattr(pair, split).labels


def pictures(pair, folder):
    for split in ("train", "test"):
        for index, (image, label) in enumerate(zip(*arrays_of(pair, split), strict=True)):
            place = folder / split / str(label)
            place.mkdir(parents=True, exist_ok=True)
            bits = image if index else image.astype(np.uint16) * 257  # the first makes room for 16 bits of all
            Image.fromarray(bits).save(place / f"{index}.png")
    return folder


def matlab(pair, folder):
    named = {"train_x": pair.train.images, "train_y": pair.train.labels[:, None]}
    named |= {"test_x": pair.test.images, "test_y": pair.test.labels[:, None]}
    scipy.io.savemat(folder / "set.mat", named, do_compression=True)
    return folder / "set.mat"


def matlab_73(pair, folder):
    import h5py

    with h5py.File(folder / "set.mat", "w", userblock_size=512) as file:
        for split in ("train", "test"):
            part = getattr(pair, split)
            file[f"{split}_x"], file[f"{split}_y"] = part.images.T, part.labels[None]
    return folder / "set.mat"


def packed(pair, folder):
    return write_data(pair, folder / "set.npz")[0]


def table(pair, folder):
    write_data(pair, folder / "out", to="csv")
    return folder / "out"


SOURCES = {
    "float npy": npy_of(np.float32, 1 / 255),
    "npy in Fortran order": npy_of(np.uint8, shape=np.asfortranarray),
    "rows npy": npy_of(np.int16, shape=lambda images: images.reshape(len(images), -1)),
    "one split": one_split,
    "packed npz": packed,
    "gzipped idx": idx_gz,
    "mat": matlab,
    "mat 7.3": matlab_73,
    "csv": table,
    "pictures": pictures,
}
MAPPED_ANYWAY = {
    "npy": npy_of(np.uint8),
    "npz": lambda pair, folder: save_plain(pair, folder),
    "idx": lambda pair, folder: write_data(pair, folder / "out", to="idx")[0].parent,
}


def save_plain(pair, folder):
    np.savez(
        folder / "set.npz",
        x_train=pair.train.images,
        y_train=pair.train.labels,
        x_test=pair.test.images,
        y_test=pair.test.labels,
    )
    return folder / "set.npz"


@pytest.mark.parametrize("source", SOURCES)
def test_what_goes_into_files_is_the_same_and_leaves_nothing_behind(
    digits, tmp_path, little_memory, monkeypatch, caplog, source
):
    (tmp_path / "data").mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("BRUIT_MAX_MEMORY", "1G")
        data = SOURCES[source](digits, tmp_path / "data")
        in_memory = load(data)
        assert not is_mapped(in_memory.train.images)
        assert not caplog.records
        expected = [one for one in bruit.check(in_memory).findings]
    read = load(data)
    assert is_mapped(read.train.images)
    assert read.fingerprint() == in_memory.fingerprint()
    assert list(bruit.check(read).findings) == expected
    assert caplog.records
    for record in caplog.records:
        assert record.levelno == logging.WARNING
        assert record.getMessage().endswith(f"a temporary file in {little_memory}: more than BRUIT_MAX_MEMORY")
    assert list(little_memory.iterdir()) == []  # it never had a name


@pytest.mark.parametrize("source", MAPPED_ANYWAY)
def test_what_is_stored_as_it_is_needed_is_mapped_where_it_stands(digits, tmp_path, little_memory, caplog, source):
    (tmp_path / "data").mkdir()
    read = load(MAPPED_ANYWAY[source](digits, tmp_path / "data"))
    assert read.train.images.tobytes() == digits.train.images.tobytes()
    assert is_mapped(read.train.images)
    assert is_mapped(read.test.images)
    assert not read.train.images.flags.writeable
    assert not caplog.records  # no file but their own


def test_an_evaluation_is_the_same(finished, digits, little_memory, monkeypatch):
    spilled = bruit.evaluate(finished.run, digits)
    monkeypatch.setattr("bruit.studies.evaluate.AT_ONCE", 64)
    assert bruit.evaluate(finished.run, digits) == spilled
    monkeypatch.delenv("BRUIT_MAX_MEMORY")
    assert bruit.evaluate(finished.run, digits) == spilled


def test_trainings_side_by_side_see_what_lies_in_files(small, tmp_path, little_memory, monkeypatch):
    np.save(tmp_path / "images.npy", np.tile(small.train.images, (4, 1, 1)).astype(np.int16))
    np.save(tmp_path / "labels.npy", np.tile(small.train.labels, 4))
    found = []
    for memory in ("1", "1G"):
        monkeypatch.setenv("BRUIT_MAX_MEMORY", memory)
        train = load(tmp_path).train
        assert is_mapped(train.images) == (memory == "1")
        found.append(bruit.cross_validate("logistic", train, k=2, workers=2).oof_probabilities)
    assert np.array_equal(*found)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_nothing_is_left_behind_by_what_goes_wrong(little_memory, monkeypatch, error):
    def parts():
        yield np.ones((100, 1000), np.uint8)
        assert open_files(little_memory)
        raise error

    with pytest.raises(error):
        room.stacked(parts())
    assert open_files(little_memory) == []
    array = room.empty((1000, 100), np.uint8)
    assert is_mapped(array)
    assert list(little_memory.iterdir()) == []
    assert len(open_files(little_memory)) == 1
    del array
    assert open_files(little_memory) == []


def open_files(place: Path) -> list[str]:
    """Files in a folder, with a name or without, that this process has open."""
    opened = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            opened.append(os.readlink(link))
        except OSError:
            continue  # the one with which the folder is read
    return [name for name in opened if name.startswith(str(place))]


def test_a_disk_that_is_full_is_said_in_one_line(little_memory, monkeypatch, refused):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 999})())
    with refused(
        DataError,
        "no room for a temporary file of 784,000 bytes (No space left on device); set TMPDIR to a folder with more of "
        "it, or BRUIT_MAX_MEMORY higher",
    ):
        room.empty((1000, 28, 28), np.uint8)


def test_a_folder_for_temporary_files_that_is_gone(little_memory, refused):
    little_memory.rmdir()
    with refused(
        DataError,
        "no room for a temporary file of 784,000 bytes (No such file or directory); set TMPDIR to a folder with more "
        "of it, or BRUIT_MAX_MEMORY higher",
    ):
        room.empty((1000, 28, 28), np.uint8)


def test_all_arrays_share_the_limit_until_they_are_gone(monkeypatch):
    monkeypatch.setattr(room, "_taken", 0)
    monkeypatch.setenv("BRUIT_MAX_MEMORY", "250K")
    first, second = room.empty((100, 1000), np.uint8), room.empty((100, 1000), np.uint8)
    view, third = first[50:], room.empty((100, 1000), np.uint8)
    assert [is_mapped(array) for array in (first, second, third)] == [False, False, True]
    del first
    assert is_mapped(room.empty((100, 1000), np.uint8))  # a part of it is still looked at
    del view
    assert not is_mapped(room.empty((100, 1000), np.uint8))


@pytest.mark.parametrize("memory", ["1", "1G"])
def test_parts_are_stacked_as_numpy_does(monkeypatch, memory):
    monkeypatch.setenv("BRUIT_MAX_MEMORY", memory)
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 200, (n, 3, 5)).astype(dtype) for n, dtype in ((4, "u1"), (7, "u2"), (1, "f4"))]
    stacked = room.stacked(iter(parts))
    assert stacked.dtype == np.float32
    assert np.array_equal(stacked, np.concatenate(parts))


def test_memory_stays_flat_while_a_large_file_is_checked(digits, tmp_path, monkeypatch):
    """188 MB of images, for which less than half of that is needed."""
    one, other = np.divmod(np.arange(2400), 600)  # one over the other: no two are alike
    images = np.maximum(digits.train.images[one], digits.train.images[other] // 2)
    images = np.kron(images, np.ones((10, 10), np.uint8))
    np.save(tmp_path / "images.npy", images)
    size = images.nbytes
    del images
    before, peak, over = anonymous(), 0, threading.Event()

    def watch():
        nonlocal peak
        while not over.wait(0.005):
            peak = max(peak, anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        found = {finding.code for finding in bruit.check(tmp_path / "images.npy").findings}
    finally:
        over.set()
        watcher.join()
    assert {"unlabelled", "scale"} <= found
    assert size > 188e6
    assert peak - before < size / 2


def anonymous():
    """Bytes of memory that belong to this process alone."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("RssAnon:")[2].split()[0])
