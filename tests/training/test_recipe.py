import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bruit.training.recipe import Focus, Recipe, derived_seed

ONE_CYCLE = Recipe(epochs=1, batch_size=1, optimizer="adamw", learning_rate=0.01, schedule="one-cycle", warmup=0.25)


def rates(recipe: Recipe, steps: int) -> list[float]:
    return [recipe.learning_rate_at(step, steps) for step in range(steps)]


def test_a_constant_rate_is_constant():
    recipe = Recipe(epochs=1, batch_size=1, optimizer="adam", learning_rate=0.003)
    assert rates(recipe, 50) == [0.003] * 50


def test_one_cycle_rises_for_a_quarter_and_falls_to_nearly_nothing():
    found = rates(ONE_CYCLE, 100)
    assert found[0] == pytest.approx(0.01 / 25)
    assert found[24] == pytest.approx(0.01) == pytest.approx(max(found))
    assert found[62] == pytest.approx(0.005)
    assert found[-1] == pytest.approx(0.01 * (1 - math.cos(math.pi / 76)) / 2)


@given(st.integers(1, 3000), st.floats(0, 1))
def test_one_cycle_is_positive_with_one_peak_whatever_its_length(steps, warmup):
    recipe = Recipe(1, 1, "adamw", 0.01, schedule="one-cycle", warmup=warmup)
    found = rates(recipe, steps)
    assert min(found) > 0
    assert max(found) <= 0.01 * (1 + 1e-12)
    peak = found.index(max(found))
    assert found[: peak + 1] == sorted(found[: peak + 1])
    assert found[peak:] == sorted(found[peak:], reverse=True)


@given(st.integers(2, 3000))
def test_longer_cycles_come_closer_to_the_full_rate(steps):
    assert max(rates(ONE_CYCLE, steps)) >= 0.01 * (1 - 2 / steps)


ONE_EPOCH = replace(ONE_CYCLE, batch_size=128)


def test_few_images_are_gone_through_more_often():
    recipe = replace(ONE_EPOCH, epochs=12, least_steps=1200)
    assert recipe.for_images(180).epochs == 600
    assert recipe.for_images(1000).epochs == 150
    assert recipe.for_images(12_800) == recipe
    assert recipe.for_images(54_000) == recipe
    assert recipe.for_images(180).for_images(180) == recipe.for_images(180)


def test_what_a_focus_leaves_out_makes_no_steps():
    recipe = replace(ONE_EPOCH, epochs=17, focus=Focus(hard=0.2, easy=0.25), least_steps=300)
    longer = recipe.for_images(1000)
    assert longer.batches_per_epoch(1000)[:3] == [8, 4, 4]
    assert longer.epochs == 1 + 73


@given(st.integers(1, 10**6), st.integers(0, 5000), st.integers(1, 40), st.booleans())
def test_there_are_at_least_so_many_steps_and_no_epoch_too_many(n, least, epochs, focused):
    focus = Focus(hard=0.2, easy=0.25) if focused else None
    recipe = replace(ONE_EPOCH, epochs=epochs, focus=focus, least_steps=least)
    longer = recipe.for_images(n)
    assert longer.steps(n) >= least
    assert longer.epochs == epochs or replace(longer, epochs=longer.epochs - 1).steps(n) < least


def test_a_recipe_for_fine_tuning_is_gentler_and_shorter():
    recipe = replace(ONE_CYCLE, epochs=17, muon_learning_rate=0.02, least_steps=1201)
    tuning = recipe.fine_tuning()
    assert (tuning.epochs, tuning.least_steps) == (9, 601)
    assert tuning.learning_rate == pytest.approx(0.003)
    assert tuning.muon_learning_rate == pytest.approx(0.006)
    assert replace(recipe, muon_learning_rate=None).fine_tuning().muon_learning_rate is None


def test_derived_seeds_are_those_of_yesterday():
    """Stored studies are repeated by them."""
    assert derived_seed(0, "weights") == 952185393159434065


@settings(max_examples=50)
@given(st.integers(0, 2**64), st.text(max_size=5), st.integers(0, 100))
def test_derived_seeds_fit_pytorch(seed, name, number):
    assert 0 <= derived_seed(seed, name, number) < 2**63
    assert derived_seed(seed, name, number) == derived_seed(seed, name, number)


def test_no_two_purposes_share_a_seed():
    names = [("weights",), ("epoch", 0), ("epoch", 1), ("epoch", 11), ("epoch", "1"), ("epoch1",), ("ep", "och1"), ()]
    seeds = [derived_seed(seed, *name) for seed in range(500) for name in names]
    assert len(set(seeds)) == len(seeds)


def test_derived_seeds_are_spread_evenly():
    seeds = [derived_seed(seed, "epoch", 0) for seed in range(4000)]
    for bit in range(63):
        ones = sum(seed >> bit & 1 for seed in seeds)
        assert abs(ones - 2000) < 5 * 31.7, bit  # five deviations
