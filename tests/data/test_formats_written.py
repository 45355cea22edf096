"""Writing the four files."""

import errno
import os

import numpy as np
import pytest

from bruit.data.dataset import DataPair, Dataset
from bruit.data.npy import NPY_NAMES
from bruit.data.sources import load
from bruit.data.written import write_npy_folder
from bruit.errors import RunError


def test_what_is_written_is_read_again(noisy, tmp_path):
    paths = write_npy_folder(noisy, tmp_path / "out")
    assert [path.name for path in paths] == list(NPY_NAMES)
    read = load(tmp_path / "out")
    assert np.array_equal(read.train.images, noisy.train.images)
    assert np.array_equal(read.test.labels, noisy.test.labels)
    assert read.name == "out"
    assert np.load(tmp_path / "out" / "train_labels.npy").dtype == np.int64


def test_files_are_not_overwritten_unless_forced(digits, noisy, npy_folder, refused):
    folder = npy_folder(test_labels=None)
    with refused(
        RunError,
        f"{folder} already holds train_images.npy, train_labels.npy, test_images.npy; "
        "choose another place, or add --force to replace them",
    ):
        write_npy_folder(noisy, folder)
    assert np.array_equal(np.load(folder / "train_images.npy"), digits.train.images)
    write_npy_folder(noisy, folder, force=True)
    assert np.array_equal(load(folder).train.images, noisy.train.images)


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [
        (("0", "7", "12"), "int64"),
        (("00", "01", "09"), "<U2"),
        (("01", "1"), "<U2"),
        (("-1", "1"), "<U2"),
        (("1", "\N{ARABIC-INDIC DIGIT TWO}"), "<U1"),
        (("1", "9" * 30), "<U30"),
    ],
)
def test_classes_keep_their_names_and_never_become_one(tmp_path, classes, dtype):
    n = len(classes)
    part = Dataset(np.arange(n * 4, dtype=np.uint8).reshape(n, 2, 2) * 5, np.arange(n), classes, np.arange(n))
    write_npy_folder(DataPair("named", part, part), tmp_path)
    assert np.load(tmp_path / "train_labels.npy").dtype == dtype
    assert load(tmp_path).classes == classes


def test_a_folder_may_be_named_by_a_string(noisy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [path.is_file() for path in write_npy_folder(noisy, "written")] == [True] * 4


@pytest.mark.parametrize("full_at", range(4))
def test_a_full_disk_leaves_nothing_new_and_the_old_set_whole(digits, noisy, tmp_path, monkeypatch, full_at):
    old, new = tmp_path / "old", tmp_path / "new"
    write_npy_folder(digits, old)
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    write_array = np.lib.format.write_array
    written = []

    def write_until_full(file, array, **options):
        write_array(file, array[: len(array) // 2] if len(written) == full_at else array, **options)
        written.append(array)
        if len(written) > full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np.lib.format, "write_array", write_until_full)
    for folder in (old, new):
        written.clear()
        with pytest.raises(RunError, match=f"cannot write {folder / NPY_NAMES[full_at]}: No space left on device"):
            write_npy_folder(noisy, folder, force=True)
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    assert list(new.iterdir()) == []
    monkeypatch.undo()
    assert write_npy_folder(noisy, new)


def test_a_file_is_no_folder_to_write_into(noisy, tmp_path, refused):
    file = tmp_path / "gen.py"
    file.write_text("mine")
    with refused(RunError, f"{file} is a file; name a folder instead"):
        write_npy_folder(noisy, file, force=True)
    assert file.read_text() == "mine"


def test_a_folder_in_a_files_place_is_refused_before_anything_is_replaced(digits, noisy, npy_folder, refused):
    folder = npy_folder(train_labels=None)
    (folder / "train_labels.npy").mkdir()
    message = f"{folder / 'train_labels.npy'} is a folder; choose another place, or move it away"
    with refused(RunError, message):
        write_npy_folder(noisy, folder, force=True)
    assert np.array_equal(np.load(folder / "test_images.npy"), digits.test.images)


def test_images_may_be_made_as_they_are_written(digits, noisy, tmp_path):
    def made(dataset):
        images = noisy.train.images if dataset is digits.train else noisy.test.images
        yield from np.array_split(images, 7)

    write_npy_folder(digits, tmp_path / "parts", made=made)
    write_npy_folder(noisy, tmp_path / "whole")
    for name in NPY_NAMES:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_fails_while_images_are_made_leaves_nothing(digits, tmp_path):
    def made(dataset):
        yield dataset.images[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_npy_folder(digits, tmp_path / "parts", made=made)
    assert list((tmp_path / "parts").iterdir()) == []
