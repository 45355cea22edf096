import numpy as np
import pytest

import bruit
from bruit.data.builtin import mnist
from bruit.data.sources import load
from bruit.errors import ConfigError, DataError
from bruit.noise import recipes

EXPECTED = "train_images.npy, train_labels.npy, test_images.npy, test_labels.npy"


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
        f"no folder and no data set is called nmist; expected a folder with {EXPECTED}, or mnist, mnist+course",
    ):
        load("nmist")


def test_an_unknown_recipe(small_mnist):
    with pytest.raises(ConfigError, match=r"unknown recipe 'curse'.*course"):
        load("mnist+curse")


def test_a_plus_without_a_recipe(small_mnist, refused):
    with refused(ConfigError, "unknown recipe ''; choose one of: course"):
        load("mnist+")


def test_one_file_instead_of_the_folder(npy_folder, refused):
    file = npy_folder() / "train_images.npy"
    with refused(DataError, f"expected a folder or a name, received the file {file}; put {EXPECTED} into one folder"):
        load(file)
