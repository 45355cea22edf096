"""Writing a data set in the format that the name of the place asks for."""

import numpy as np
import pytest

from bruit.data.dataset import DataPair, Dataset
from bruit.data.npy import NPY_NAMES
from bruit.data.sources import load
from bruit.data.written import write_data
from bruit.errors import ConfigError, RunError


def test_a_folder(small, the_same, tmp_path):
    assert [path.name for path in write_data(small, tmp_path / "out")] == list(NPY_NAMES)
    the_same(load(tmp_path / "out"), small)


def test_an_archive_with_the_names_of_keras(small, the_same, tmp_path):
    out = tmp_path / "deep" / "out.npz"
    assert write_data(small, out) == [out]
    the_same(load(out), small)
    with np.load(out) as archive:
        assert sorted(archive) == ["x_test", "x_train", "y_test", "y_train"]
        assert archive["x_train"].dtype == np.uint8
        assert archive["y_train"].dtype == np.int64


def test_classes_keep_their_names(tmp_path):
    part = Dataset(np.arange(8, dtype=np.uint8).reshape(2, 2, 2) * 30, np.arange(2), ("07", "7"), np.arange(2))
    write_data(DataPair("named", part, part), tmp_path / "out.npz")
    assert load(tmp_path / "out.npz").classes == ("07", "7")


def test_files_are_not_overwritten_unless_forced(small, tmp_path, refused):
    out = tmp_path / "out.npz"
    out.write_text("mine")
    with refused(RunError, f"{out} is there already; choose another name, or add --force to replace it"):
        write_data(small, out)
    assert out.read_text() == "mine"
    write_data(small, out, force=True)
    assert len(load(out).train) == 60


def test_a_folder_in_an_archives_place(small, tmp_path, refused):
    (tmp_path / "out.npz").mkdir()
    with refused(RunError, f"{tmp_path / 'out.npz'} is a folder; choose another name, or move it away"):
        write_data(small, tmp_path / "out.npz", force=True)


@pytest.mark.parametrize("name", ["out.csv", "out.mat", "OUT.NPY", "train-images-idx3-ubyte", "out.npz.gz"])
def test_formats_that_are_not_written(small, tmp_path, refused, name):
    with refused(
        ConfigError,
        f"expected a folder (four .npy files) or a file called .npz to write to, received {tmp_path / name}",
    ):
        write_data(small, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_a_dot_in_its_name(small, tmp_path):
    assert write_data(small, tmp_path / "digits.v2")[0] == tmp_path / "digits.v2" / NPY_NAMES[0]
