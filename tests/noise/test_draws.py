import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bruit.noise.draws import Draws, philox

ALL = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ALL, ALL, ALL, ALL), (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, expected):
    words = philox(np.array(counter, np.uint64)[:, None], key)
    assert tuple(int(word[0]) for word in words) == expected


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=30), st.integers(), st.data())
def test_the_numbers_of_an_image_do_not_depend_on_its_batch(ids, seed, data):
    ids = np.array(ids)
    order = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=40))
    whole, some = Draws(seed, "noise", ids), Draws(seed, "noise", ids[order])
    for shape in ((), (3,), (2, 5)):
        assert np.array_equal(whole.uniform(*shape)[order], some.uniform(*shape))


def test_subset_goes_on_where_the_stream_stands():
    draws = Draws(3, "noise", np.arange(10))
    draws.uniform(4)
    part = draws.subset(slice(2, 5))
    assert len(part) == 3
    expected = draws.uniform(6)[2:5]
    assert np.array_equal(part.uniform(6), expected)


def test_seed_name_id_and_call_each_change_the_numbers():
    first = Draws(0, "fog", np.array([7]))
    streams = [
        first.uniform(8),
        first.uniform(8),
        Draws(1, "fog", np.array([7])).uniform(8),
        Draws(-1, "fog", np.array([7])).uniform(8),
        Draws(0, "stripe", np.array([7])).uniform(8),
        Draws(0, "fog", np.array([8])).uniform(8),
        Draws(0, "fog", np.array([7 + 2**32])).uniform(8),
    ]
    numbers = np.concatenate(streams, axis=None)
    assert len(np.unique(numbers)) == len(numbers)


def test_uniform_keeps_to_its_interval_shape_and_type():
    numbers = Draws(0, "noise", np.arange(1000)).uniform(3, 5, low=-2, high=6)
    assert numbers.shape == (1000, 3, 5)
    assert numbers.dtype == np.float64
    assert -2 < numbers.min() < -1.99
    assert 5.99 < numbers.max() < 6


def test_uniform_numbers_look_uniform_and_independent():
    numbers = Draws(0, "noise", np.arange(2000)).uniform(50)
    counts = np.histogram(numbers, bins=100, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 99 + 5 * np.sqrt(2 * 99)  # chi-squared, 5 standard deviations
    centred = numbers - 0.5
    for neighbour in (np.roll(centred, 1, axis=0), np.roll(centred, 1, axis=1)):
        correlation = 12 * (centred * neighbour).mean()
        assert abs(correlation) < 5 / np.sqrt(numbers.size)


def test_the_numbers_are_the_same_in_every_release():
    numbers = Draws(0, "course", np.array([0, 60_000])).uniform(2)
    expected = [[0.2740119119407609, 0.0193934760754928], [0.12451674288604409, 0.7505203584441915]]
    assert np.array_equal(numbers, expected)
