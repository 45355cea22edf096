import dataclasses

import numpy as np
import pytest

from bruit.data.dataset import DataPair, Dataset
from bruit.errors import DataError

IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([0, 1, 1, 0])
GOOD = Dataset(IMAGES, LABELS, ("cat", "dog", "emu"), np.arange(4))


def changed(**changes):
    return dataclasses.replace(GOOD, **changes)


def test_its_size_shape_and_counts():
    assert len(GOOD) == 4
    assert GOOD.shape == (3, 2)
    assert GOOD.counts.tolist() == [2, 2, 0]


@pytest.mark.parametrize("index", [np.array([3, 0, 0]), slice(1, 3), np.array([False, True, True, False])])
def test_a_subset_keeps_images_labels_and_ids_together(index):
    part = GOOD.subset(index)
    assert np.array_equal(part.images, IMAGES[index])
    assert np.array_equal(part.labels, LABELS[index])
    assert np.array_equal(part.ids, np.arange(4)[index])
    assert part.classes == GOOD.classes


def test_the_fingerprint_says_whether_anything_differs():
    assert GOOD.fingerprint() == changed(images=IMAGES.copy()).fingerprint()
    others = [
        changed(images=IMAGES + 1),
        changed(images=IMAGES.reshape(4, 2, 3)),
        changed(labels=1 - LABELS),
        changed(ids=np.arange(4) + 1),
        changed(classes=("cat", "dog", "fox")),
        GOOD.subset(np.array([1, 0, 2, 3])),
    ]
    assert len({dataset.fingerprint() for dataset in [GOOD, *others]}) == 7


def test_the_fingerprint_does_not_see_how_arrays_lie_in_memory():
    assert changed(images=np.asfortranarray(IMAGES), ids=np.arange(8)[::2] // 2).fingerprint() == GOOD.fingerprint()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images": IMAGES / 255},
            "expected images as uint8 (N, H, W), received float64 (4, 3, 2); load files with bruit.load",
        ),
        (
            {"images": IMAGES[..., None]},
            "expected images as uint8 (N, H, W), received uint8 (4, 3, 2, 1); load files with bruit.load",
        ),
        ({"images": IMAGES[:0]}, "expected at least one image, received none"),
        ({"labels": LABELS[:3]}, "expected 4 labels, one for each image, received shape (3,)"),
        ({"ids": np.arange(4)[:, None]}, "expected 4 ids, one for each image, received shape (4, 1)"),
        ({"labels": LABELS - 1}, "expected labels in 0…2, received -1…0"),
        ({"labels": LABELS + 2}, "expected labels in 0…2, received 2…3"),
    ],
)
def test_what_does_not_fit_together_is_refused(refused, changes, message):
    with refused(DataError, message):
        changed(**changes)


def test_a_pair_has_one_list_of_classes_and_one_size(refused):
    with refused(DataError, "expected one list of classes, received cat, dog, emu and cat, dog, fox"):
        DataPair("pets", GOOD, changed(classes=("cat", "dog", "fox")))
    with refused(
        DataError, "expected training and test images of one size, received 3 × 2 and 2 × 3; resize one of them"
    ):
        DataPair("pets", GOOD, changed(images=IMAGES.reshape(4, 2, 3)))


def test_long_lists_of_classes_are_cut_in_messages():
    many = changed(classes=tuple(str(i) for i in range(100)))
    with pytest.raises(DataError, match=r"received 0, 1, .*, 11, … and cat, dog, emu$"):
        DataPair("pets", many, GOOD)


def test_the_fingerprint_of_a_pair_is_that_of_its_data():
    pair = DataPair("pets", GOOD, GOOD)
    assert pair.fingerprint() == DataPair("another name", GOOD, GOOD).fingerprint()
    other = changed(labels=1 - LABELS)
    assert len({DataPair("p", a, b).fingerprint() for a in (GOOD, other) for b in (GOOD, other)}) == 4
