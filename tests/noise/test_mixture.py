"""Mixtures of corruptions in TOML."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.errors import ConfigError
from bruit.noise.draws import Draws
from bruit.noise.mixture import Mixture, Part, mix, read
from bruit.noise.registry import CORRUPTIONS

DIGITS = mnist().train.images[:600]


def mixed(mixture: Mixture, index: np.ndarray | slice = slice(None)) -> np.ndarray:
    ids = np.arange(len(DIGITS))[index]
    return mix(mixture, DIGITS[index], Draws(0, mixture.stream, ids))


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "mixture.toml"
        path.write_text(text)
        return path

    return write


def test_a_file(toml) -> None:
    found = read(toml('[[corruption]]\nname = "fog"\nodds = 2\nseverity = [1, 3]\n[[corruption]]\nname = "clean"\n'))
    assert found == Mixture((Part("fog", 2.0, (1, 3)), Part("clean", 1.0, (None,))))
    assert found.description == "2 fog/1,3 | 1 clean"
    chain = read(toml('chain = true\n[[corruption]]\nname = "zigzag"\nodds = 0.5\n[[corruption]]\nname = "fog"\n'))
    assert chain == Mixture((Part("zigzag", 0.5, (None,)), Part("fog", 1.0, (5,))), chain=True)


def test_each_image_gets_one_of_them_by_their_odds() -> None:
    made = mixed(Mixture((Part("inverse", 2.0, (None,)), Part("stripe", 1.0, (None,)), Part("clean", 1.0, (None,)))))
    inverse = (made == 255 - DIGITS).all(axis=(1, 2))
    clean = (made == DIGITS).all(axis=(1, 2))
    stripe = (made[:, :, :7] == 255 - DIGITS[:, :, :7]).all(axis=(1, 2)) & ~inverse
    assert (inverse.astype(int) + clean + stripe == 1).all()
    for hit, share in ((inverse, 0.5), (stripe, 0.25), (clean, 0.25)):
        assert hit.mean() == pytest.approx(share, abs=0.08)


def test_in_a_chain_each_comes_with_its_probability() -> None:
    made = mixed(Mixture((Part("inverse", 0.5, (None,)), Part("stripe", 0.3, (None,))), chain=True))
    centre, edge = DIGITS[:, :, 7:21], DIGITS[:, :, :7]
    inverse = (made[:, :, 7:21] == 255 - centre).all(axis=(1, 2))
    twice = (made[:, :, :7] == np.where(inverse[:, None, None], edge, 255 - edge)).all(axis=(1, 2))
    assert inverse.mean() == pytest.approx(0.5, abs=0.08)
    assert twice.mean() == pytest.approx(0.3, abs=0.08)
    assert np.mean(inverse & twice) == pytest.approx(0.15, abs=0.06)


def test_one_of_several_severities_is_drawn() -> None:
    made = mixed(Mixture((Part("brightness", 1.0, (1, 5)),)))
    mild, strong = (CORRUPTIONS["brightness"].make(DIGITS, at, Draws(0, "", np.arange(600))) for at in (1, 5))
    is_mild = (made == mild).all(axis=(1, 2))
    assert (is_mild | (made == strong).all(axis=(1, 2))).all()
    assert is_mild.mean() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("chain", [False, True])
def test_an_image_gets_the_same_in_any_batch(chain) -> None:
    names = ("fog", "rotate", "shot_noise", "zigzag")
    mixture = Mixture(tuple(Part(name, 0.5, (CORRUPTIONS[name].default,)) for name in names), chain)
    index = np.random.default_rng(1).permutation(600)[:50]
    np.testing.assert_array_equal(mixed(mixture)[index], mixed(mixture, index))


def test_large_odds_are_odds() -> None:
    made = mixed(Mixture((Part("inverse", 1e308, (None,)), Part("clean", 1e308, (None,)))))
    assert (made == 255 - DIGITS).all(axis=(1, 2)).mean() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chain = 1", "expected true or false as chain, received 1"),
        ("", "names no corruption; expected [[corruption]] with a name"),
        ("corruption = []", "names no corruption; expected [[corruption]] with a name"),
        ("[[", "is no TOML; see docs/noise.md for a mixture"),
        ('odd = 1\n[[corruption]]\nname = "fog"', "there is no key 'odd'; expected chain, corruption"),
        ('[[corruption]]\nnames = "fog"', "corruption 1: there is no key 'names'; expected name, odds, severity"),
        ("[[corruption]]", "corruption 1: expected a name, received None"),
        ('[[corruption]]\nname = "fogg"', "corruption 1: no corruption is called 'fogg'; did you mean fog?"),
        (
            '[[corruption]]\nname = "fog"\nodds = 0',
            "expected a finite number above 0 as odds, received 0",
        ),
        (
            '[[corruption]]\nname = "fog"\nodds = nan',
            "expected a finite number above 0 as odds, received nan",
        ),
        (
            '[[corruption]]\nname = "fog"\nodds = "2"',
            "expected a finite number above 0 as odds, received '2'",
        ),
        (
            'chain = true\n[[corruption]]\nname = "fog"\nodds = 2',
            "corruption 1: expected a probability of 0 to 1 as odds, received 2",
        ),
        ('[[corruption]]\nname = "fog"\nseverity = 7', "corruption 1: expected a severity of 1 to 5, received 7"),
        ('[[corruption]]\nname = "fog"\nseverity = []', "corruption 1: expected severities of 1 to 5, received none"),
        ('[[corruption]]\nname = "zigzag"\nseverity = 1', "corruption 1: zigzag has no severities, received 1; "),
        ('[[corruption]]\nname = "clean"\nseverity = 1', "corruption 1: clean has no severities, received 1; "),
    ],
)
def test_what_is_wrong_is_named(toml, text, message) -> None:
    path = toml(text)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path, refused) -> None:
    path = tmp_path / "no.toml"
    with refused(ConfigError, f"cannot read {path}: No such file or directory"):
        read(path)
