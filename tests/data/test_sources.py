import os

import numpy as np
import pytest
from PIL import Image

import bruit
from bruit.data.builtin import mnist
from bruit.data.dataset import Unlabelled
from bruit.data.sources import NAMES, load, load_to_check
from bruit.data.written import write_data
from bruit.errors import ConfigError, DataError
from bruit.noise import recipes

NPY = "train_images.npy, train_labels.npy, test_images.npy, test_labels.npy"
EXPECTED = (
    f"a folder with {NPY}, an .npz, .mat or .csv file, IDX files (train-images-idx3-ubyte …), or folders of images "
    "(train/7/one.png …)"
)


@pytest.fixture
def small_mnist(digits, monkeypatch):
    """The embedded set, cut to some hundred images."""
    monkeypatch.setattr("bruit.data.builtin.mnist", lambda: digits)
    return digits


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_folder(digits, npy_folder, kind):
    pair = load(kind(npy_folder(folder="my data")))
    assert pair.name == "my data"
    assert np.array_equal(pair.train.images, digits.train.images)


def test_a_folder_goes_by_its_own_name_wherever_one_stands(npy_folder, monkeypatch):
    monkeypatch.chdir(npy_folder())
    assert load(".").name == "data"


def test_the_embedded_data():
    assert load("mnist") is mnist()


def test_a_recipe_on_the_embedded_data(small_mnist):
    assert load("mnist+course").fingerprint() == recipes.apply("course", small_mnist, 0).fingerprint()
    assert load("mnist+course", seed=3).fingerprint() == recipes.apply("course", small_mnist, 3).fingerprint()
    assert load("mnist+course").fingerprint() != load("mnist+course", seed=3).fingerprint()


def test_the_noisy_data_are_what_is_studied_unless_said_otherwise(small_mnist):
    assert load().fingerprint() == load("mnist+course").fingerprint()


def test_a_pair_is_passed_on(digits):
    assert load(digits) is digits


def test_it_is_there_at_the_top_of_the_package(digits):
    assert bruit.load(digits) is digits


def test_a_name_comes_before_a_folder_which_can_still_be_said(digits, npy_folder, monkeypatch):
    folder = npy_folder(folder="mnist")
    monkeypatch.chdir(folder.parent)
    assert load("mnist") is mnist()
    for said in ("./mnist", folder.relative_to(folder.parent), str(folder)):
        assert len(load(said).train) == len(digits.train)


def test_an_unknown_name(refused):
    with refused(
        DataError,
        f"no file, folder or data set is called nmist; expected {', '.join(NAMES)}, or {EXPECTED}",
    ):
        load("nmist")


def test_an_unknown_recipe(small_mnist):
    with pytest.raises(ConfigError, match=r"unknown recipe 'curse'.*course"):
        load("mnist+curse")


def test_a_plus_without_a_recipe(small_mnist, refused):
    names = "course, nmnist-awgn, nmnist-motion-blur, nmnist-contrast-awgn, clean"
    choose = f"choose one of {names}, a corruption (see bruit corruptions) or FILE.toml"
    with refused(ConfigError, f"unknown recipe ''; {choose}"):
        load("mnist+")


def test_one_file_instead_of_the_folder(npy_folder, refused):
    file = npy_folder() / "train_images.npy"
    with refused(DataError, f"{file} holds images without labels; put {NPY} into one folder, and give the folder"):
        load(file)


def test_the_training_files_alone_are_one_split(digits, npy_folder, tmp_path):
    pair = load(npy_folder(test_images=None, test_labels=None))
    assert pair.test.counts.tolist() == [6] * 10
    folder = tmp_path / "plain"
    folder.mkdir()
    np.save(folder / "images.npy", digits.train.images)
    np.save(folder / "labels.npy", digits.train.labels)
    assert load(folder).fingerprint() == pair.fingerprint()


def test_a_format_that_nobody_knows(tmp_path, refused):
    file = tmp_path / "digits.pkl"
    file.write_bytes(b"\x80\x04N.")
    with refused(DataError, f"{file} is in no format that bruit reads; expected {EXPECTED}"):
        load(file)


@pytest.mark.parametrize("there", [(), ("notes.txt", "digits.pkl")])
def test_a_folder_with_nothing_to_read(tmp_path, refused, there):
    for name in there:
        (tmp_path / name).write_text("")
    found = ", ".join(sorted(there)) or "nothing"
    with refused(DataError, f"{tmp_path} holds nothing that bruit reads; expected {EXPECTED}; found {found}"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["set.npz", "set.mat", "set.csv", "train-images-idx3-ubyte"])
def test_what_stands_in_a_files_place_is_said(tmp_path, refused, name):
    file = tmp_path / name
    file.symlink_to("nowhere")
    with refused(DataError, f"{file} is a link that leads to nothing; give the data itself"):
        load(file)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DataError, match=f"{name} is a pipe or a device; put the .* file itself there"):
        load(file)


# Images without labels, which a check makes do with


def npy_file(small, place):
    np.save(place / "images.npy", small.train.images)
    return place / "images.npy"


def npz_of_two_splits(small, place):
    np.savez(place / "set.npz", x_train=small.train.images, x_test=small.test.images)
    return place / "set.npz"


def one_idx_file(small, place):
    write_data(small, place / "out", to="idx")
    for labels in (place / "out").glob("*labels*"):
        labels.unlink()
    (place / "out" / "t10k-images-idx3-ubyte").unlink()
    return place / "out" / "train-images-idx3-ubyte"


def pictures(small, place):
    for index, image in enumerate(small.train.images):
        Image.fromarray(image).save(place / f"{index:02}.png")
    return place


def table(small, place):
    rows = "\n".join(",".join(map(str, image.ravel())) for image in small.train.images)
    (place / "pixels.csv").write_text(rows)
    return place / "pixels.csv"


@pytest.mark.parametrize("write", [npy_file, npz_of_two_splits, one_idx_file, pictures, table])
def test_images_without_labels_are_read_to_be_checked(small, tmp_path, write):
    (tmp_path / "set").mkdir()
    path = write(small, tmp_path / "set")
    read = load_to_check(path)
    assert isinstance(read, Unlabelled)
    assert read.name == path.name
    expected = {"train": small.train.images}
    if write is npz_of_two_splits:
        expected["test"] = small.test.images
    assert read.splits.keys() == expected.keys()
    for split, images in expected.items():
        assert np.array_equal(read.splits[split].images, images)
        assert read.splits[split].classes == ("",)
    assert "unlabelled" in [finding.code for finding in read.findings]
    with pytest.raises(DataError, match="holds images without labels; "):
        load(path)


def test_training_images_without_labels_and_test_images_of_another_size(small, tmp_path, refused):
    np.savez(tmp_path / "set.npz", x_train=small.train.images, x_test=small.test.images[:, 2:, :])
    with refused(
        DataError,
        "expected training and test images of one size, received 28 × 28 and 26 × 28; resize one of them",
    ):
        load_to_check(tmp_path / "set.npz")
