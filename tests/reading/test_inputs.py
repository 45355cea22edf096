"""What arguments name: files, folders, patterns, arrays, standard input."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bruit.data.dataset import DataPair
from bruit.errors import DataError
from bruit.reading.inputs import Input, inputs, one_picture

NOTHING = io.BytesIO()


@pytest.fixture
def scans(tmp_path: Path, digits: DataPair) -> Path:
    """b.png, a.JPG, deeper/c.png; and what is passed over."""
    (tmp_path / "scans" / "deeper").mkdir(parents=True)
    for name, image in zip(("b.png", "a.JPG", "deeper/c.png"), digits.test.images, strict=False):
        Image.fromarray(image).save(tmp_path / "scans" / name)
    for name in ("notes.txt", ".hidden.png", "deeper/.DS_Store"):
        (tmp_path / "scans" / name).write_text("no")
    return tmp_path / "scans"


def named(*arguments: str | Path, stdin: io.BytesIO = NOTHING) -> list[Input]:
    return list(inputs([str(argument) for argument in arguments], stdin))


def test_folders_are_searched_through_and_sorted(scans: Path) -> None:
    found = named(scans)
    assert [one.name for one in found] == [str(scans / name) for name in ("a.JPG", "b.png", "deeper/c.png")]
    assert all(one.picture == Path(one.name) and len(one) == 1 for one in found)


def test_patterns_are_filled_in_where_no_shell_did(scans: Path) -> None:
    assert [one.name for one in named(scans / "*.png")] == [str(scans / "b.png")]
    assert len(named(scans / "**" / "*.png")) == 2
    (bracket,) = named(scans / "[x].png")
    assert str(bracket.problem) == f"no file is called {scans / '[x].png'}"
    (scans / "[x].png").write_bytes((scans / "b.png").read_bytes())
    assert named(scans / "[x].png")[0].problem is None  # a file that is there goes before the pattern


def test_an_empty_folder_says_so_and_the_rest_goes_on(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    first, second = named(tmp_path / "empty", scans / "b.png")
    assert str(first.problem).startswith(f"{tmp_path / 'empty'} holds no images; expected files called .png, .jpg")
    assert second.problem is None


@pytest.mark.parametrize("kind", ["npy", "npz", "float", "idx", "flat"])
def test_arrays_are_stacks(tmp_path: Path, digits: DataPair, kind: str) -> None:
    images, path = digits.test.images, tmp_path / "many.npy"
    match kind:
        case "npy":
            np.save(path, images)
        case "float":
            np.save(path, images / 255)
        case "flat":
            np.save(path, images.reshape(len(images), -1))
        case "npz":
            path = tmp_path / "many.npz"
            np.savez(path, x_test=images, x_train=digits.train.images)
        case "idx":
            path = tmp_path / "t10k-images-idx3-ubyte"
            path.write_bytes(b"\0\0\x08\x03" + np.array(images.shape, ">i4").tobytes() + images.tobytes())
    (found,) = named(path)
    assert found.problem is None, str(found.problem)
    assert found.stack is not None
    assert np.array_equal(found.stack, images)
    assert len(found) == len(images)


def test_an_array_of_eight_bits_is_mapped_and_not_copied(tmp_path: Path, digits: DataPair) -> None:
    np.save(tmp_path / "many.npy", digits.test.images)
    (found,) = named(tmp_path / "many.npy")
    root = found.stack
    while getattr(root, "base", None) is not None and not isinstance(root, np.memmap):
        root = root.base
    assert isinstance(root, np.memmap)


@pytest.mark.parametrize("shape", [(28, 28), (64, 64), (40, 30)])
def test_an_array_of_one_picture_is_one(tmp_path: Path, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "one.npy", np.zeros(shape, np.uint8))
    (found,) = named(tmp_path / "one.npy")
    assert isinstance(found.picture, np.ndarray)
    assert found.picture.shape == shape


def test_standard_input_is_a_picture_or_an_array(scans: Path, digits: DataPair) -> None:
    (found,) = named("-", stdin=io.BytesIO((scans / "b.png").read_bytes()))
    assert (found.name, found.picture) == ("stdin", (scans / "b.png").read_bytes())
    for images in (digits.test.images, np.asfortranarray(digits.test.images), digits.test.images / 255):
        file = io.BytesIO()
        np.save(file, images)
        (found,) = named("-", stdin=io.BytesIO(file.getvalue()))
        assert found.stack is not None
        assert np.array_equal(found.stack, digits.test.images)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "stdin is empty; expected an image or a .npy file"),
        (b"\x93NUMPY\x01", "stdin is not a whole .npy file (7 bytes); write it again with numpy.save"),
    ],
)
def test_standard_input_that_is_neither_says_so(content: bytes, message: str) -> None:
    (found,) = named("-", stdin=io.BytesIO(content))
    assert str(found.problem) == message


def test_a_truncated_array_and_one_of_objects_on_standard_input() -> None:
    file = io.BytesIO()
    np.save(file, np.zeros((5, 28, 28), np.uint8))
    (found,) = named("-", stdin=io.BytesIO(file.getvalue()[:-1]))
    assert str(found.problem).startswith("stdin is not a whole .npy file")
    file = io.BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    (found,) = named("-", stdin=io.BytesIO(file.getvalue()))
    assert isinstance(found.problem, DataError)


def test_files_that_are_no_arrays_are_pictures_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / "scan").write_bytes(b"x")
    (found,) = named(tmp_path / "scan")
    assert found.picture == tmp_path / "scan"
    (gone,) = named(tmp_path / "gone.npy")
    assert isinstance(gone.problem, DataError)


def test_one_picture(scans: Path, tmp_path: Path, digits: DataPair, refused) -> None:
    assert one_picture(str(scans / "b.png"), NOTHING) == scans / "b.png"
    with refused(DataError, f"{scans} holds several images; expected one"):
        one_picture(str(scans), NOTHING)
    np.save(tmp_path / "many.npy", digits.test.images)
    with refused(DataError, f"{tmp_path / 'many.npy'} holds several images; expected one"):
        one_picture(str(tmp_path / "many.npy"), NOTHING)
