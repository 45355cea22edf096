"""A test set for data that come without one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bruit.data.formats import pair_from_arrays
from bruit.data.holdout import set_aside
from bruit.errors import DataError


def test_a_tenth_of_each_class_the_same_every_time_and_said(digits):
    pair = pair_from_arrays(digits.train.images / 255, digits.train.labels)
    assert pair.test.counts.tolist() == [6] * 10
    assert pair.train.counts.tolist() == [54] * 10
    assert [finding.code for finding in pair.findings] == ["scale", "set-aside"]
    found = pair.findings[1]
    assert (found.severity, found.split, found.figure) == ("info", "both", {"images": 60, "total": 600, "seed": 0})
    assert found.message == (
        "There are no test images: 60 of the 600 training images, a tenth of each class, were set aside as the test "
        "set, drawn with seed 0. They are not trained on."
    )
    again = pair_from_arrays(digits.train.images, digits.train.labels, test_images=digits.test.images)
    assert again.fingerprint() == pair.fingerprint()
    assert again.findings[1].message.startswith("The test images have no labels and were not used: 60 of")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=3, max_size=80), st.integers(1, 40))
def test_every_class_stays_in_training_and_copies_stay_together(labels, n_different):
    labels = np.array(labels)
    images = (np.arange(len(labels)) % n_different + labels * 41).astype(np.uint8)[:, None, None]
    try:
        aside = set_aside(images, labels)
    except DataError:
        assert all(len(np.unique(images[labels == label])) < 3 for label in labels)
        return
    assert 0 < aside.sum() < len(labels)
    assert set(labels[~aside]) == set(labels)
    assert not set(images[aside].ravel()) & set(images[~aside].ravel())
    for label in set(labels):
        different = len(np.unique(images[labels == label]))
        expected = max(1, round(different / 10)) if different >= 3 else 0
        assert len(np.unique(images[aside & (labels == label)])) == expected


def test_the_scale_is_that_of_all_images(digits):
    images = np.zeros((40, 4, 4), np.uint8)
    images[:, 0, 0] = np.arange(40) % 2  # black and nearly black, but for one image
    images[0] = 255
    images[:, 1, 1:] = np.arange(40)[:, None] % 20
    pair = pair_from_arrays(images, np.arange(40) % 2)
    assert pair.test.images.max() < 40


def test_too_few_images(refused):
    with refused(
        DataError,
        "there are no test images, and too few to set a tenth of each class aside (4 images, fewer than 3 different "
        "ones of every class); add images or give test images",
    ):
        pair_from_arrays(np.arange(16, dtype=np.uint8).reshape(4, 2, 2) * 10, np.arange(4) % 2)


def test_one_class(digits):
    with pytest.raises(DataError, match="expected at least two classes"):
        pair_from_arrays(digits.train.images, np.zeros(600))
