import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bruit.data.builtin import mnist
from bruit.data.formats import pair_from_arrays
from bruit.data.scale import to_uint8
from bruit.data.sources import load
from bruit.errors import DataError

SHAPES = {
    "N H W": lambda images: images,
    "N H W 1": lambda images: images[..., None],
    "N 1 H W": lambda images: images[:, None],
    "N H·W": lambda images: images.reshape(len(images), -1),
}
SCALES = {
    "uint8": lambda images: images,
    "int64": lambda images: images.astype(np.int64),
    "big-endian int16": lambda images: images.astype(">i2"),
    "uint16 0…65535": lambda images: images.astype(np.uint16) * 257,
    "float64 0…1": lambda images: images / 255,
    "float32 0…1": lambda images: (images / 255).astype(np.float32),
    "float32 −1…1": lambda images: (images / 127.5 - 1).astype(np.float32),
    "float32 0…255": lambda images: images.astype(np.float32),
    "float16 0…255": lambda images: images.astype(np.float16),
    "not contiguous": lambda images: np.asfortranarray(images),
}
LABELS = {
    "N": lambda labels: labels,
    "N 1": lambda labels: labels[:, None],
    "float": lambda labels: labels.astype(np.float32),
    "uint8": lambda labels: labels.astype(np.uint8),
    "one-hot": lambda labels: np.eye(10, dtype=int)[labels],
    "one-hot bool": lambda labels: np.eye(10, dtype=bool)[labels],
    "one-hot float": lambda labels: np.eye(10)[labels],
}


def codes(pair):
    return [finding.code for finding in pair.findings]


def finding(pair, code):
    (found,) = [finding for finding in pair.findings if finding.code == code]
    return found


def pair_of(train_images, train_labels, test_images=None, test_labels=None):
    return pair_from_arrays(
        train_images,
        train_labels,
        train_images if test_images is None else test_images,
        train_labels if test_labels is None else test_labels,
    )


# What is accepted


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_and_scale_gives_the_same_images(digits, npy_folder, shape, scale):
    folder = npy_folder(
        train_images=SCALES[scale](SHAPES[shape](digits.train.images)),
        test_images=SCALES[scale](SHAPES[shape](digits.test.images)),
    )
    read = load(folder)
    for split in ("train", "test"):
        assert np.array_equal(getattr(read, split).images, getattr(digits, split).images)
        assert getattr(read, split).images.dtype == np.uint8
        assert np.array_equal(getattr(read, split).labels, getattr(digits, split).labels)
    assert read.name == "data"
    assert codes(read) == ["scale", "scale"]


def test_labels_of_bytes_are_text(digits, refused):
    texts = np.char.encode(np.char.add("é", digits.train.labels.astype(str)), "utf-8")
    read = pair_of(digits.train.images, texts)
    assert read.classes == tuple(f"é{i}" for i in range(10))
    assert np.array_equal(read.train.labels, digits.train.labels)
    with refused(DataError, "the training labels are bytes that are no UTF-8; save them as text"):
        pair_of(digits.train.images, np.char.encode(np.char.add("é", digits.train.labels.astype(str)), "latin-1"))


@pytest.mark.parametrize("labels", LABELS)
def test_every_way_to_write_labels(digits, npy_folder, labels):
    folder = npy_folder(
        train_labels=LABELS[labels](digits.train.labels), test_labels=LABELS[labels](digits.test.labels)
    )
    read = load(folder)
    assert np.array_equal(read.train.labels, digits.train.labels)
    assert np.array_equal(read.test.labels, digits.test.labels)
    assert read.train.labels.dtype == np.int64
    assert read.classes == tuple("0123456789")


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
def test_two_levels_are_black_and_white(digits, dtype):
    ink = (digits.train.images > 127).astype(dtype)
    read = pair_of(ink, digits.train.labels)
    assert np.array_equal(read.train.images, (digits.train.images > 127) * 255)


@settings(max_examples=60, deadline=None)
@given(
    images=arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(2, 6), st.integers(2, 6))),
    shape=st.sampled_from(["N H W", "N H W 1", "N 1 H W"]),
    scale=st.sampled_from(sorted(SCALES)),
)
def test_any_images_come_through_exactly(images, shape, scale):
    images.flat[0], images.flat[-1] = 0, 255  # both ends of the scale occur, as in any real set
    read, _, _ = to_uint8(SCALES[scale](SHAPES[shape](images)), "train")
    assert np.array_equal(read, images)


@pytest.mark.parametrize("side", [16, 32])
def test_other_sizes_than_mnists(digits, side):
    pad = max(0, (side - 28) // 2)
    images = np.pad(digits.train.images, ((0, 0), (pad, pad), (pad, pad)))[:, :side, :side]
    read = pair_of(images.reshape(len(images), -1), digits.train.labels)
    assert read.train.shape == (side, side)
    assert np.array_equal(read.train.images, images)


def test_26_letters_named_by_their_numbers(digits):
    labels = np.arange(1, 601) % 26 + 1  # as EMNIST counts, from 1
    read = pair_of(digits.train.images, labels)
    assert read.classes == tuple(str(number) for number in range(1, 27))
    assert np.array_equal(read.train.labels, labels - 1)


def test_26_letters_named_by_strings(digits):
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    labels = letters[np.arange(600) % 26]
    read = pair_of(digits.train.images, labels[:, None], digits.train.images[:100], labels[:100])
    assert read.classes == tuple(letters)
    assert np.array_equal(letters[read.train.labels], labels)
    assert np.array_equal(letters[read.test.labels], labels[:100])


def test_numbers_are_sorted_as_numbers_and_need_not_run_on(digits):
    labels = np.array([2, 10, 300])[np.arange(600) % 3]
    read = pair_of(digits.train.images, labels)
    assert read.classes == ("2", "10", "300")
    assert read.train.counts.tolist() == [200, 200, 200]


def test_a_class_may_be_missing_from_the_test_set(digits):
    few = digits.test.labels < 3
    read = pair_of(digits.train.images, digits.train.labels, digits.test.images[few], digits.test.labels[few])
    assert read.classes == tuple("0123456789")
    assert read.test.counts.tolist() == [20, 20, 20, 0, 0, 0, 0, 0, 0, 0]


def test_ids_tell_every_image_apart(digits):
    read = pair_of(digits.train.images, digits.train.labels, digits.test.images, digits.test.labels)
    assert np.array_equal(np.concatenate([read.train.ids, read.test.ids]), np.arange(800))


def test_more_images_than_a_chunk():
    whole = mnist().train.subset(slice(0, 9000))
    read = pair_of(whole.images / 255, whole.labels)
    assert np.array_equal(read.train.images, whole.images)


# The scale trap and what is said


def test_the_scale_trap_is_found_put_right_and_said(noisy, npy_folder):
    read = load(npy_folder(noisy, train_images=(noisy.train.images / 255).astype(np.float32)))
    assert np.array_equal(read.train.images, noisy.train.images)
    assert np.array_equal(read.test.images, noisy.test.images)
    assert codes(read) == ["scale-mismatch", "scale", "scale"]
    mismatch = read.findings[0]
    assert (mismatch.severity, mismatch.split) == ("warning", "both")
    assert mismatch.figure == {"train": "0…1", "test": "0…255", "train_dtype": "float32", "test_dtype": "uint8"}
    assert "training images are float32 on 0…1, test images are uint8 on 0…255" in mismatch.message


@pytest.mark.parametrize(
    ("train", "test", "figure"),
    [
        ("uint8", "float32 −1…1", {"train": "0…255", "test": "−1…1"}),
        ("float32 0…255", "float64 0…1", {"train": "0…255", "test": "0…1"}),
        ("uint16 0…65535", "uint8", {"train": "0…65535", "test": "0…255"}),
    ],
)
def test_each_split_has_a_scale_of_its_own(digits, train, test, figure):
    read = pair_of(
        SCALES[train](digits.train.images), digits.train.labels, SCALES[test](digits.test.images), digits.test.labels
    )
    assert np.array_equal(read.train.images, digits.train.images)
    assert np.array_equal(read.test.images, digits.test.images)
    found = finding(read, "scale-mismatch").figure
    assert {split: found[split] for split in ("train", "test")} == figure


def test_two_types_on_one_scale_are_no_mismatch(digits):
    read = pair_of(digits.train.images.astype(float), digits.train.labels, digits.test.images, digits.test.labels)
    assert codes(read) == ["scale", "scale"]


def test_what_was_found_is_said(digits):
    read = pair_of(digits.train.images / 255, digits.train.labels)
    first = read.findings[0]
    assert (first.code, first.severity, first.split) == ("scale", "info", "train")
    assert first.message == "600 images of 28 × 28 pixels, float64 on a scale of 0…1."
    assert first.figure == {
        **{"images": 600, "height": 28, "width": 28},
        **{"dtype": "float64", "low": 0.0, "high": 1.0, "scale": "0…1"},
    }


def test_rounding_is_said_with_how_far_it_moved_a_pixel(digits):
    halves = digits.train.images.astype(np.float64)
    halves[3, 14, 14] = 100.25
    read = pair_of(halves, digits.train.labels, digits.test.images, digits.test.labels)
    rounded = finding(read, "rounded")
    assert (rounded.severity, rounded.split) == ("info", "train")
    assert rounded.figure["share"] == pytest.approx(0.25 / 255)
    assert "no pixel moved by more than 0.10% of full scale" in rounded.message
    assert read.train.images[3, 14, 14] == 100


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (3, 4, 4), elements=st.floats(0, 1)))
def test_rounding_is_never_more_than_half_a_step(images):
    images[0, 0, 0] = 1
    read, _, findings = to_uint8(images, "train")
    moved = np.abs(read - images * 255).max()
    assert moved <= 0.5 + 1e-9
    said = [found.figure["share"] for found in findings if found.code == "rounded"]
    assert said == ([pytest.approx(moved / 255)] if moved > 1e-3 else [])


def test_a_hair_beyond_the_range_is_clipped(digits):
    images = digits.train.images / 255
    images[0, 0, 0], images[0, 0, 1] = -5e-4, 1 + 5e-4
    read = pair_of(images, digits.train.labels)
    assert read.train.images[0, 0, :2].tolist() == [0, 255]


def test_scans_of_12_bits_are_told_from_dim_ones(digits):
    scans = digits.train.images.astype(np.uint16) * 16
    read = pair_of(scans, digits.train.labels, digits.test.images, digits.test.labels)
    few = finding(read, "few-bits")
    assert few.figure == {"brightest": 4080, "levels": 17, "factor": 16}
    assert few.severity == "warning"
    assert "dim" not in {one.code for one in read.findings}
    stretched = pair_of(scans * few.figure["factor"], digits.train.labels)
    assert np.abs(stretched.train.images.astype(int) - digits.train.images).max() <= 1


def test_labels_may_be_true_and_false(digits):
    read = pair_of(digits.train.images, digits.train.labels > 4, digits.test.images, digits.test.labels > 4)
    assert read.classes == ("0", "1")
    assert np.array_equal(read.train.labels, digits.train.labels > 4)


def test_dim_images_are_said(digits):
    read = pair_of(digits.train.images // 4, digits.train.labels, digits.test.images, digits.test.labels)
    dim = finding(read, "dim")
    assert (dim.severity, dim.split, dim.figure) == ("warning", "train", {"brightest": 63})
