"""An epoch on the images that still have something to teach, and on a draw of the others."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bruit.training.focus import draw
from bruit.training.recipe import Focus, Recipe

shares = st.floats(0, 1)


def test_without_a_focus_every_image_comes_once_and_counts_once():
    order, weights = draw(torch.rand(50), None)
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))
    assert weights.tolist() == [1] * 50


@given(st.integers(1, 300), shares, shares)
def test_as_many_images_as_the_recipe_promises_and_none_twice(n, hard, easy):
    focus = Focus(hard, easy)
    order, weights = draw(torch.rand(n), focus)
    recipe = Recipe(epochs=3, batch_size=1, optimizer="adam", learning_rate=1e-3, focus=focus)
    assert recipe.images_per_epoch(n) == [n, len(order), len(order)]
    assert len(set(order.tolist())) == len(order)
    assert (weights > 0).nonzero().flatten().tolist() == sorted(order.tolist())


@given(st.integers(10, 300), st.floats(0.1, 0.9), st.floats(0.1, 1))
def test_the_images_drawn_stand_for_all(n, hard, easy):
    _, weights = draw(torch.rand(n), Focus(hard, easy))
    assert float(weights.sum()) == pytest.approx(n, rel=1e-5)


def test_those_with_the_largest_loss_are_always_there_and_count_once():
    losses = torch.arange(100).float()
    for seed in range(5):
        torch.manual_seed(seed)
        order, weights = draw(losses, Focus(hard=0.2, easy=0.25))
        assert set(range(80, 100)) <= set(order.tolist())
        assert weights[80:].tolist() == [1] * 20
        assert len(order) == 20 + 20
        assert set(weights[:80].tolist()) == {0, 4}


def test_the_loss_is_in_the_mean_that_of_all_images():
    torch.manual_seed(0)
    losses = torch.rand(200) ** 4
    found = torch.stack([(draw(losses, Focus(hard=0.1, easy=0.2))[1] * losses).sum() for _ in range(2000)])
    assert float(found.mean()) == pytest.approx(float(losses.sum()), abs=4 * float(found.std()) / math.sqrt(2000))


def test_each_epoch_draws_anew_and_repeats_with_its_seed():
    losses = torch.rand(100)
    draws = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        draws.append(draw(losses, Focus(hard=0.2, easy=0.25))[0].tolist())
    assert draws[0] == draws[2] != draws[1]
