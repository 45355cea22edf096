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


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=30), st.integers(), st.data())
def test_many_numbers_of_an_image_do_not_depend_on_its_batch_either(ids, seed, data):
    ids = np.array(ids)
    order = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=40))
    whole, some = Draws(seed, "noise", ids), Draws(seed, "noise", ids[order])
    for draw in (lambda d: d.field(3, 5), lambda d: d.normal(7), lambda d: d.shorts(9), lambda d: d.choice(6)):
        assert np.array_equal(draw(whole)[order], draw(some))


def test_fields_are_uniform_and_normals_normal():
    draws = Draws(5, "many", np.arange(3000))
    field, normal = draws.field(20, 10, low=-1, high=3), draws.normal(20, 10, mean=2, sd=0.5)
    shorts = draws.shorts(200)
    for numbers in (field, normal, shorts):
        numbers = numbers.reshape(3000, -1).astype(float)
        centred = numbers - numbers.mean()
        # Neither neighbours, nor pixels of neighbouring images, know of each other.
        for one, other in ((centred[:, :-1], centred[:, 1:]), (centred[:-1], centred[1:])):
            assert abs((one * other).mean() / numbers.var()) < 0.006
    assert -1 <= field.min() < -0.9999
    assert 2.9999 < field.max() < 3
    assert np.abs(np.histogram(field, 64, (-1, 3))[0] / field.size * 64 - 1).max() < 0.06
    standard = (normal.astype(float) - 2) / 0.5
    assert abs(standard.mean()) < 0.006
    for power, moment in ((2, 1), (3, 0), (4, 3), (6, 15)):
        assert (standard**power).mean() == pytest.approx(moment, abs=0.03 * max(1, moment))
    assert np.abs(np.bincount(shorts.ravel() >> 10, minlength=64) / shorts.size * 64 - 1).max() < 0.06
    assert np.abs(np.bincount(draws.choice(7), minlength=7) / 3000 - 1 / 7).max() < 0.03


def test_streams_of_another_name_are_independent_of_where_these_stand():
    draws = Draws(5, "many", np.arange(4))
    before = draws.named("fog").uniform(3)
    draws.field(9)
    assert np.array_equal(draws.named("fog").uniform(3), before)
    assert not np.isin(draws.named("snow").uniform(3), before).any()
    assert np.array_equal(draws.named("fog").subset([2]).uniform(3)[0], before[2])
