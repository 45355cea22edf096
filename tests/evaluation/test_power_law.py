"""Learning curves drawn from known power laws, which the fit has to find, and curves that are none."""

import numpy as np
import pytest

from bruit.errors import DataError
from bruit.evaluation.power_law import fit_power_law, learning_curve, summary

SIZES = (200, 508, 1293, 3288, 8361, 21263, 54000)


def drawn(error, sizes=SIZES, *, m=4000, draws=3, spread=0.0, seed=0):
    """What `learning_curve` takes: each draw has held-out images of its own, of which the same ones are hard at every
    size; only sizes up to 2,000 are drawn more than once."""
    rng = np.random.default_rng(seed)
    curves = []
    for draw in range(draws):
        hard = rng.random(m)
        there = [n for n in sizes if draw == 0 or n <= 2000]
        curves.append({n: hard < error(n) * np.exp(rng.normal(0, spread)) for n in there})
    return [curve for curve in curves if curve]


def power(a, b, c):
    return lambda n: a * n**-b + c


def fitted(a, b, c, sizes=SIZES):
    sizes = np.array(sizes, float)
    errors = power(a, b, c)(sizes)
    return fit_power_law(sizes, errors[None], 0.05 * errors)


@pytest.mark.parametrize(("a", "b", "c"), [(2.5, 0.5, 0.0), (2.5, 0.55, 0.006), (0.9, 0.2, 0.0), (30, 1.1, 0.01)])
def test_exact_points_give_their_power_law(a, b, c):
    law = fitted(a, b, c)
    assert law.b[0] == pytest.approx(b, rel=0.02)
    for n in (200, 54000, 4 * 54000):
        assert law.error(n)[0] == pytest.approx(power(a, b, c)(n), rel=0.02, abs=2e-4)


def test_no_limit_is_below_zero_and_no_curve_rises():
    sizes = np.array(SIZES, float)
    steep = 1e3 * sizes**-1.2 - 0.001
    rising = np.linspace(0.1, 0.3, len(sizes))
    law = fit_power_law(sizes, np.array([steep, rising]), np.full(len(sizes), 0.01))
    assert law.c.min() >= 0
    assert law.a[1] == 0
    assert law.c[1] == pytest.approx(0.2)


def test_points_that_are_surer_weigh_more():
    sizes = np.array(SIZES, float)
    errors = power(2.5, 0.5, 0.0)(sizes)
    errors[0] *= 3
    unsure = 0.02 * errors * np.array([100, *[1] * 6])
    assert fit_power_law(sizes, errors[None], unsure).b[0] == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(("sizes", "deviation"), [((1, 2, 3), 0.1), ((0, 1, 2, 3), 0.1), ((1, 2, 3, 4), 0.0)])
def test_what_cannot_be_fitted_is_refused(sizes, deviation):
    with pytest.raises(DataError, match="expected 4 sizes or more, and deviations above 0"):
        fit_power_law(np.array(sizes, float), np.ones((1, len(sizes))), np.full(len(sizes), deviation))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of 40 curves with an interval of 95 % fewer than 33 would be one in 1,000 cases if they held it in 95 %."""
    law = power(2.5, 0.55, 0.006)
    inside = []
    for seed in range(40):
        ahead = learning_curve(drawn(law, spread=0.08, seed=seed), seed)["predictions"]
        if ahead:
            low, high = ahead[0]["gain_ci95"]
            inside.append(low <= law(54000) - law(108000) <= high)
    assert len(inside) > 35
    assert sum(inside) >= 0.82 * len(inside)


def test_a_curve_that_falls_says_that_more_images_help():
    curve = learning_curve(drawn(power(2.5, 0.5, 0.0)))
    assert curve["doubts"] == []
    assert curve["verdict"] == "helps"
    assert curve["fit"]["b_ci95"][0] < 0.5 < curve["fit"]["b_ci95"][1]
    twice, four = curve["predictions"]
    assert (twice["times"], twice["n"], four["times"], four["n"]) == (2, 108_000, 4, 216_000)
    assert twice["accuracy"] == pytest.approx(1 - 2.5 * 108_000**-0.5, abs=0.002)
    assert 0 < twice["gain_ci95"][0] < twice["gain"] < four["gain"]
    assert summary(curve) == {
        "verdict": "helps", "doubts": [], "n": 54000, "accuracy": curve["points"][-1]["accuracy"], "prediction": twice,
    }  # fmt: skip


def test_a_curve_that_has_levelled_out_says_that_they_hardly_do():
    assert learning_curve(drawn(power(300, 1.2, 0.05)))["verdict"] == "hardly"


def test_the_points_are_the_means_of_their_trainings():
    draws = drawn(power(2.5, 0.5, 0.0), spread=0.2)
    first = learning_curve(draws)["points"][0]
    expected = [1 - draw[200].mean() for draw in draws]
    assert first["n"] == 200
    assert first["accuracies"] == pytest.approx(expected)
    assert first["accuracy"] == pytest.approx(np.mean(expected))
    assert first["accuracy_ci95"][0] < first["accuracy"] < first["accuracy_ci95"][1]


def test_the_same_seed_gives_the_same_curve():
    draws = drawn(power(2.5, 0.5, 0.0), spread=0.1)
    assert learning_curve(draws, 3) == learning_curve(draws, 3)
    assert learning_curve(draws, 3)["fit"]["b_ci95"] != learning_curve(draws, 4)["fit"]["b_ci95"]


def test_draws_that_differ_widen_the_intervals():
    def width(spread):
        low, high = learning_curve(drawn(power(2.5, 0.5, 0.0), spread=spread, seed=5))["points"][0]["accuracy_ci95"]
        return high - low

    assert width(0.3) > 1.5 * width(0.0)


@pytest.mark.parametrize(
    ("error", "sizes", "m", "doubt"),
    [
        (power(2.5, 0.5, 0.0), (500, 1000, 2000), 4000, "few_sizes"),
        (power(2.5, 0.5, 0.0), (500, 600, 800, 1000), 4000, "short_range"),
        (power(2.5, 0.5, 0.0), SIZES, 300, "few_errors"),
        (lambda n: 0.3, SIZES, 4000, "flat"),
        (lambda n: 0.1 + 0.001 * n**0.5, SIZES, 4000, "flat"),
        (lambda n: 0.9 if n < 4000 else 0.05, SIZES, 4000, "misfit"),
    ],
    ids=["few sizes", "short range", "few errors", "flat", "rising", "a step"],
)
def test_what_is_no_trustworthy_power_law_foretells_nothing(error, sizes, m, doubt):
    curve = learning_curve(drawn(error, sizes, m=m))
    assert doubt in curve["doubts"]
    assert curve["verdict"] == "unknown"
    assert curve["predictions"] == []
    assert len(curve["points"]) == len(sizes)
    assert summary(curve)["prediction"] is None


def test_not_one_error_is_no_certainty():
    curve = learning_curve([{n: np.zeros(100, bool) for n in SIZES}])
    assert curve["doubts"] == ["few_errors", "flat"]
    assert curve["points"][0]["accuracy_ci95"][0] < 0.98
