"""Every kind of noise there is."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.noise.draws import Draws
from bruit.noise.kinds import KINDS, Kind, every_kind
from bruit.noise.recipes import RECIPES, find
from bruit.noise.registry import CORRUPTIONS
from bruit.noise.sets import SETS, find_any

DIGITS = mnist().train.images[: len(KINDS)]


def test_they_are_all_there_once() -> None:
    assert len(set(map(str, KINDS))) == len(KINDS)
    assert (
        {kind.name for kind in KINDS} == {*CORRUPTIONS, *SETS} == {*CORRUPTIONS, *(n for n in RECIPES if "/" not in n)}
    )
    assert sum(kind.name == "fog" for kind in KINDS) == 5
    assert [Kind.parse(str(kind)) for kind in KINDS] == list(KINDS)


def test_each_image_gets_its_own_kind_as_its_recipe_makes_it() -> None:
    ids = np.arange(len(KINDS))
    of = np.roll(ids, 3)
    made = every_kind(DIGITS, of, Draws(1, "any", ids))
    for image, kind in enumerate(of):
        recipe = find(*KINDS[kind])
        alone = recipe.make(DIGITS[image : image + 1], Draws(1, "any", ids).named(recipe.stream).subset([image]))
        assert np.array_equal(made[image], alone[0]), KINDS[kind]


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_a_recipe_of_the_same_name_without_severities(name) -> None:
    assert find_any(name).severities == ()
    draws = Draws(0, name, np.arange(5))
    one, other = (
        find_any(name).make(DIGITS[:5], None, draws),
        RECIPES[name].make(DIGITS[:5], Draws(0, name, np.arange(5))),
    )
    assert np.array_equal(one, other)
