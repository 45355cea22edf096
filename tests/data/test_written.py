"""Writing a data set in the format that the name of the place asks for."""

import numpy as np
import pytest

from bruit.data.dataset import DataPair, Dataset
from bruit.data.npy import NPY_NAMES
from bruit.data.sources import load
from bruit.data.written import FILES, write_data
from bruit.errors import ConfigError, DataError, RunError

LOST = "a CSV table would not keep the name of class {!r}; rename it, or write .npy files instead"


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


def test_a_folder_never_holds_two_formats(small, tmp_path, refused):
    write_data(small, tmp_path / "out", to="csv")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for form in ("npy", "idx"):
        message = f"{tmp_path / 'out'} holds data in another format already (train.csv, test.csv); choose another place"
        with refused(RunError, message):
            write_data(small, tmp_path / "out", force=True, to=form)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_folder_in_an_archives_place(small, tmp_path, refused):
    (tmp_path / "out.npz").mkdir()
    with refused(RunError, f"{tmp_path / 'out.npz'} is a folder; choose another name, or move it away"):
        write_data(small, tmp_path / "out.npz", force=True)


@pytest.mark.parametrize("name", ["out.csv", "out.mat", "OUT.NPY", "train-images-idx3-ubyte", "out.npz.gz"])
def test_formats_that_are_not_written(small, tmp_path, refused, name):
    with refused(
        ConfigError,
        "expected a folder (for four .npy files, or --to csv or idx) or a file called .npz to write to, received "
        f"{tmp_path / name}",
    ):
        write_data(small, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_a_dot_in_its_name(small, tmp_path):
    assert write_data(small, tmp_path / "digits.v2")[0] == tmp_path / "digits.v2" / NPY_NAMES[0]


@pytest.mark.parametrize("form", ["csv", "idx", "npy"])
def test_a_folder_in_another_format_comes_back_as_it_was(small, the_same, tmp_path, form):
    files = write_data(small, tmp_path / "out", to=form)
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    assert tuple(path.name for path in files) == FILES[form]
    the_same(load(tmp_path / "out"), small)


def test_a_table_is_as_kaggle_has_it(small, tmp_path):
    first, second, *_ = write_data(small, tmp_path / "out", to="csv")[0].read_text().splitlines()
    assert first.startswith("label,pixel0,pixel1,")
    assert first.endswith(",pixel783")
    assert second == ",".join(map(str, [small.train.labels[0], *small.train.images[0].ravel()]))


def test_idx_files_are_as_mnist_has_them(small, tmp_path):
    images, labels, *_ = write_data(small, tmp_path / "out", to="idx")
    assert images.read_bytes() == bytes.fromhex("00000803 0000003c 0000001c 0000001c") + small.train.images.tobytes()
    assert labels.read_bytes() == bytes.fromhex("00000801 0000003c") + small.train.labels.astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("form", "classes", "message"),
    [
        ("idx", ("a", "b"), "expected classes called 0 to 255 for IDX, received a, b; write .npy files instead"),
        ("idx", ("1", "256"), "expected classes called 0 to 255 for IDX, received 1, 256; write .npy files instead"),
        *(("csv", ("a", name), LOST.format(name)) for name in ("b,c", 'q"', " 1", "", "3.0")),
    ],
)
def test_classes_that_a_format_cannot_hold(tmp_path, refused, form, classes, message):
    part = Dataset(np.arange(8, dtype=np.uint8).reshape(2, 2, 2) * 30, np.arange(2), classes, np.arange(2))
    with refused(DataError, message):
        write_data(DataPair("named", part, part), tmp_path / "out", to=form)
    assert list(tmp_path.iterdir()) == []


def test_a_table_does_not_say_the_shape_of_its_images(tmp_path):
    part = Dataset(np.zeros((2, 2, 3), np.uint8), np.arange(2), ("0", "1"), np.arange(2))
    with pytest.raises(DataError, match=r"expected square images for CSV.*received 2 × 3; write .npy files instead"):
        write_data(DataPair("flat", part, part), tmp_path / "out", to="csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "form"), [("out", "npz"), ("out.npz", "csv"), ("out.csv", "csv"), ("out", "xlsx")])
def test_names_and_formats_that_do_not_go_together(small, tmp_path, name, form):
    with pytest.raises(ConfigError, match=r"^expected .* received "):
        write_data(small, tmp_path / name, to=form)


def test_a_folder_is_not_overwritten_in_any_format(small, tmp_path):
    write_data(small, tmp_path / "out", to="csv")
    with pytest.raises(RunError, match=r"out already holds train\.csv, test\.csv; choose another place"):
        write_data(small, tmp_path / "out", to="csv")
    write_data(small, tmp_path / "out", to="csv", force=True)
