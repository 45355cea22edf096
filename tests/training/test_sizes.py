from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bruit.data.dataset import Dataset
from bruit.training.sizes import curve_sizes, draws_of, nested_order


def dataset(counts, copies=1):
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.zeros((len(labels), 2, 2), np.uint8)
    return Dataset(images, labels, tuple(map(str, range(len(counts)))), np.arange(len(labels)) // copies)


@given(st.integers(1, 10**7), st.integers(1, 40))
def test_sizes_rise_to_all_images(n, n_classes):
    sizes = curve_sizes(n, n_classes)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == n
    assert len(sizes) <= 7
    assert len(sizes) == 1 or sizes[0] >= 3 * n_classes


def test_sizes_of_large_and_of_small_data():
    assert curve_sizes(54_000, 10) == [200, 508, 1293, 3286, 8355, 21240, 54_000] or curve_sizes(54_000, 10)[0] == 200
    assert curve_sizes(270, 10)[0] == 30
    assert curve_sizes(40, 20) == [40]


def test_small_sizes_are_drawn_more_often():
    assert [draws_of(n) for n in (30, 1000, 2500, 5000, 54_000)] == [3, 3, 2, 1, 1]
    assert draws_of(30, most=2) == 2


@given(st.lists(st.integers(3, 60), min_size=2, max_size=5), st.integers(0, 3))
def test_the_first_n_are_a_stratified_sample_for_each_n(counts, seed):
    data = dataset(counts)
    order = nested_order(data, np.arange(len(data)), seed)
    assert sorted(order) == list(range(len(data)))
    for n in range(3 * len(counts), len(data) + 1):
        there = np.bincount(data.labels[order[:n]], minlength=len(counts))
        assert there.min() >= 3
        # What the three that come first take from the others is all that parts them from their proportion.
        expected = n * np.array(counts) / len(data)
        assert np.abs(there - expected).max() <= 3 * len(counts)


def test_large_samples_are_in_proportion():
    data = dataset([6000, 3000, 1000])
    order = nested_order(data, np.arange(10_000), 0)
    for n in (100, 1000, 5000):
        there = np.bincount(data.labels[order[:n]])
        assert there == pytest.approx(n * np.array([0.6, 0.3, 0.1]), abs=3)


def test_only_members_are_drawn_and_another_seed_draws_others():
    data = dataset([50, 50])
    members = np.arange(20, 90)
    first, again, other = (nested_order(data, members, seed) for seed in (0, 0, 1))
    assert sorted(first) == sorted(members)
    assert np.array_equal(first, again)
    assert set(first[:20]) != set(other[:20])


def test_the_first_of_a_class_are_of_different_sources():
    """So that some of them can choose an epoch for those that are trained on."""
    data = replace(dataset([12, 12]), ids=np.repeat(np.arange(6), 4))
    order = nested_order(data, np.arange(24), 0)
    for label in (0, 1):
        first = [index for index in order[:6] if data.labels[index] == label]
        assert len(set(data.ids[first])) == 3
