"""Data that cannot be used as they are: each is refused with one line that says what was received and what to do."""

import os

import numpy as np
import pytest

from bruit.data.formats import pair_from_arrays
from bruit.data.sources import load
from bruit.errors import DataError

LISTED = "train_images.npy, train_labels.npy, test_images.npy, test_labels.npy"


def pair_of(train_images, train_labels, test_images=None, test_labels=None):
    return pair_from_arrays(
        train_images,
        train_labels,
        train_images if test_images is None else test_images,
        train_labels if test_labels is None else test_labels,
    )


def test_a_missing_file_names_all_that_are_expected_and_found(npy_folder, refused):
    folder = npy_folder(test_labels=None)
    with refused(
        DataError,
        f"{folder} lacks test_labels.npy; expected {LISTED}, found test_images.npy, train_images.npy, train_labels.npy",
    ):
        load(folder)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.symlink_to("nowhere"), "a link that leads to nothing"),
        (lambda path: path.symlink_to(path.name), "a link that leads to nothing"),
        (lambda path: path.mkdir(), "a folder"),
        (os.mkfifo, "a pipe or a device"),
    ],
    ids=["dangling", "loop", "folder", "pipe"],
)
def test_what_stands_in_a_files_place_is_said(npy_folder, refused, make, what):
    file = npy_folder(train_images=None) / "train_images.npy"
    make(file)
    with refused(DataError, f"{file} is {what}; put the .npy file itself there"):
        load(file.parent)


def test_an_empty_folder(tmp_path, refused):
    with pytest.raises(DataError, match=f"^{tmp_path} holds nothing that bruit reads; .*; found nothing$"):
        load(tmp_path)


def test_a_truncated_file(npy_folder, refused):
    folder = npy_folder()
    file = folder / "test_images.npy"
    os.truncate(file, 100_000)
    with refused(
        DataError, f"{file} is truncated: its header promises 156,928 bytes, the file holds 100,000; copy it again"
    ):
        load(folder)


def test_an_empty_file(npy_folder, refused):
    folder = npy_folder()
    os.truncate(folder / "train_labels.npy", 0)
    with refused(
        DataError, f"{folder / 'train_labels.npy'} is an empty file (0 bytes); write it again with numpy.save"
    ):
        load(folder)


def test_images_of_differing_sizes_saved_as_objects(digits, npy_folder, refused):
    ragged = np.empty(600, dtype=object)
    ragged[:] = list(digits.train.images)
    folder = npy_folder(train_images=ragged)
    with refused(
        DataError,
        f"{folder / 'train_images.npy'} holds Python objects (dtype object), which are never loaded because that "
        "could run code; save a plain array, as images.astype('uint8')",
    ):
        load(folder)


@pytest.mark.parametrize("shape", [(199,), (201,), (199, 1), (199, 10), (1, 200), (0,), ()])
def test_counts_of_images_and_labels_differ(npy_folder, refused, shape):
    folder = npy_folder(test_labels=np.zeros(shape, np.int64))
    with refused(DataError, f"expected one test label for each of the 200 images, received shape {shape}"):
        load(folder)


def test_labels_with_fractions(digits, refused):
    labels = digits.train.labels + np.where(np.arange(600) == 7, 0.5, 0)
    with refused(
        DataError, f"expected whole numbers as training labels, received fractions such as {digits.train.labels[7]}.5"
    ):
        pair_of(digits.train.images, labels)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_labels_that_are_not_finite(digits, refused, wrong):
    labels = digits.train.labels.astype(float)
    labels[3] = wrong
    with refused(
        DataError,
        "expected whole numbers as training labels, received NaN or infinity; label or remove those images",
    ):
        pair_of(digits.train.images, labels)


@pytest.mark.parametrize(("wrong", "shown"), [(np.int64(-1), "-1"), (np.float64(1e30), "1e+30")])
def test_labels_beyond_whole_numbers_of_64_bits(digits, refused, wrong, shown):
    labels = np.where(np.arange(600) == 3, wrong, digits.train.labels)
    with refused(
        DataError,
        f"expected training labels of 0 or more, in 64 bits, received {shown}; remove or relabel those images",
    ):
        pair_of(digits.train.images, labels)


def test_labels_unseen_in_training(digits, refused):
    with refused(
        DataError,
        "test labels 10, 11 never occur in training; remove those test images or add training images",
    ):
        pair_of(digits.train.images, digits.train.labels, digits.test.images, np.arange(200) % 12)


@pytest.mark.parametrize("text_in", ["train", "test"])
def test_text_in_one_split_and_numbers_in_the_other(digits, refused, text_in):
    labels = {"train": digits.train.labels, "test": digits.test.labels}
    labels[text_in] = labels[text_in].astype("U1")
    with refused(
        DataError,
        f"expected labels of one kind, received {labels['train'].dtype} in training and {labels['test'].dtype} in "
        "test; write both as whole numbers or both as text",
    ):
        pair_of(digits.train.images, labels["train"], digits.test.images, labels["test"])


@pytest.mark.parametrize("rows", [np.zeros((600, 10)), np.full((600, 10), 0.1), np.ones((600, 2), int)])
def test_two_columns_that_are_not_one_hot(digits, refused, rows):
    with refused(
        DataError,
        f"expected training labels as (N,), (N, 1) or one-hot (N, C), received {rows.shape} that is not one-hot",
    ):
        pair_of(digits.train.images, rows)


def test_labels_of_a_strange_type_or_shape(digits, refused):
    with refused(DataError, "expected whole numbers or text as training labels, received dtype complex128"):
        pair_of(digits.train.images, digits.train.labels.astype(complex))
    with refused(DataError, "expected training labels as (N,), (N, 1) or one-hot (N, C), received shape (600, 1, 1)"):
        pair_of(digits.train.images, digits.train.labels[:, None, None])


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 5000])
def test_images_that_are_not_finite(refused, wrong, at):
    images = np.zeros((5001, 4, 4), np.float32)
    images[:, 0, 0] = 1
    images[at, 2, 2] = wrong
    with refused(
        DataError,
        f"training images hold NaN or infinity, first in image {at}; repair or remove those images",
    ):
        pair_of(images, np.arange(5001) % 2)


@pytest.mark.parametrize("shape", [(0, 28, 28), (600, 0, 0), (600, 0)])
def test_no_images_or_no_pixels(digits, refused, shape):
    with refused(DataError, f"expected at least one training image of one pixel or more, received shape {shape}"):
        pair_of(np.zeros(shape, np.uint8), digits.train.labels[: shape[0]])


def test_zero_images_in_a_file(digits, npy_folder, refused):
    folder = npy_folder(test_images=digits.test.images[:0], test_labels=digits.test.labels[:0])
    with refused(DataError, "expected at least one test image of one pixel or more, received shape (0, 28, 28)"):
        load(folder)


def test_one_class_only(digits, refused):
    with refused(DataError, "expected at least two classes in the training labels, received only 3"):
        pair_of(digits.train.images, np.full(600, 3))


def test_training_and_test_images_of_differing_size(digits, npy_folder, refused):
    folder = npy_folder(test_images=np.pad(digits.test.images, ((0, 0), (2, 2), (2, 2))))
    with refused(
        DataError,
        "expected training and test images of one size, received 28 × 28 and 32 × 32; resize one of them",
    ):
        load(folder)


def test_colour_images(digits, refused):
    colour = np.repeat(digits.train.images[..., None], 3, axis=3)
    with refused(
        DataError,
        "expected training images as (N, H, W), (N, H, W, 1), (N, 1, H, W) or (N, H·W), received (600, 28, 28, 3); "
        "convert colour to grey first",
    ):
        pair_of(colour, digits.train.labels)


def test_rows_that_are_no_squares(digits, refused):
    with refused(
        DataError,
        "expected square training images in the rows of (N, H·W), received 783 pixels a row; reshape them to (N, H, W)",
    ):
        pair_of(digits.train.images.reshape(600, -1)[:, 1:], digits.train.labels)


@pytest.mark.parametrize(
    ("images", "extent"),
    [
        (lambda images: images.astype(float) * 3, "0 to 765"),
        (lambda images: images.astype(np.int16) - 128, "-128 to 127"),
        (lambda images: images / 255 * 6 - 3, "-3 to 3"),
    ],
)
def test_a_scale_that_nobody_can_guess(digits, refused, images, extent):
    with refused(DataError, f"training images range from {extent}; expected 0…1, −1…1 or 0…255: rescale them first"):
        pair_of(images(digits.train.images), digits.train.labels)


@pytest.mark.parametrize("dtype", ["complex128", "U3", "datetime64[s]"])
def test_images_that_are_no_numbers(digits, refused, dtype):
    images = np.zeros((600, 4, 4), dtype)
    with refused(DataError, f"expected numbers in the training images, received dtype {images.dtype}"):
        pair_of(images, digits.train.labels)


def test_labels_of_text_that_hold_no_characters(npy_folder, digits, refused):
    labels = digits.train.labels.astype("<U2")
    labels.view(np.uint32)[0] = 0x7FFFFFFF
    with refused(DataError, "the training labels are damaged: they hold what is no character; copy them again"):
        load(npy_folder(train_labels=labels))
