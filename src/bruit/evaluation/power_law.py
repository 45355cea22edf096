"""Would more images help? The error of one model against the images that it was trained on, as a power law.

error(n) = a · n^(-b) + c, with a, c >= 0 and b > 0: c is what no number of images would remove. Fractions are 0…1.

Sources: C. Cortes et al., Learning Curves: Asymptotic Values and Rate of Convergence (1993), for the form, and for
foretelling from small n. J. Hestness et al., Deep Learning Scaling is Predictable, Empirically (2017), who find it in
four fields, between the few images with which a network can but guess and the error that none goes below. J. Rosenfeld
et al., A Constructive Prediction of the Generalization Error Across Scales (2020), for how well it extrapolates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from bruit.errors import DataError

Floats = NDArray[np.float64]

# Times the images that there are. Farther than this no curve is believed.
TIMES = (2, 4)
BOOTSTRAP = 1000
EXPONENTS = np.geomspace(0.01, 4.0, 400)
# Three parameters need four sizes to be doubted, and a range in which the curve can show its bend.
FEWEST_SIZES, SHORTEST_RANGE, FEWEST_ERRORS = 4, 8, 10
# How much of all errors, and of all images, a doubling has to mend to be worth speaking of.
NOTICEABLE_SHARE, NOTICEABLE = 0.1, 0.001


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = a · n^(-b) + c; a, b and c are numbers, or (R,) float64 of R fits."""

    a: Any
    b: Any
    c: Any

    def error(self, n: float) -> Any:
        """The error at n images: a number, or (R,) float64."""
        return self.a * np.power(float(n), -self.b) + self.c


def fit_power_law(sizes: Floats, errors: Floats, deviations: Floats) -> PowerLaw:
    """The weighted least squares fit of each row: sizes (S,), errors (R, S), deviations (S,) → a, b, c (R,) float64.

    For a given b the best a and c are those of a straight line, so b is searched on a grid, to 1.5 %, and no start
    value decides. Raises DataError for fewer than 4 sizes, or if they, or the deviations, are not above 0.
    """
    if len(sizes) < FEWEST_SIZES or min(sizes.min(), deviations.min()) <= 0:
        raise DataError(
            "expected {least} sizes or more, and deviations above 0, received {n_sizes}",
            least=FEWEST_SIZES,
            n_sizes=len(sizes),
        )
    w = 1 / deviations**2
    best = np.full((4, len(errors)), np.inf)
    for b in EXPONENTS:
        # Measured from the largest size, a stays a number of the size of an error, whatever b is.
        x = (sizes / sizes.max()) ** -b
        mean_x, mean_y = x @ w / w.sum(), errors @ w / w.sum()
        slope = (errors @ (w * (x - mean_x))) / (w * (x - mean_x) ** 2).sum()
        level = mean_y - slope * mean_x
        through_zero = np.maximum(errors @ (w * x), 0) / (w * x**2).sum()
        slope, level = np.where(level < 0, through_zero, slope), np.maximum(level, 0)
        slope, level = np.maximum(slope, 0), np.where(slope < 0, mean_y, level)
        loss = (w * (errors - slope[:, None] * x - level[:, None]) ** 2).sum(axis=1)
        better = loss < best[0]
        best[:, better] = np.array([loss, slope, np.full(len(errors), b), level])[:, better]
    return PowerLaw(best[1] * sizes.max() ** best[2], best[2], best[3])


def learning_curve(draws: Sequence[Mapping[int, NDArray[np.bool_]]], seed: int = 0) -> dict[str, Any]:
    """The curve through what was measured, how far to believe it, and what more images would bring.

    draws: one or more, each with held-out images of its own: the number of training images → (M,) bool, which of the M
    held-out images the model that was trained on so many read wrongly.

    Returns {"points": [{"n", "accuracies", "accuracy", "accuracy_ci95"}], "fit": {"a", "b", "b_ci95", "c", "c_ci95"} or
    None, "doubts": [...], "predictions": [{"times", "n", "accuracy", "accuracy_ci95", "gain", "gain_ci95"}] at 2 and 4
    times the largest size, "verdict"}. Intervals are of 95 %, from 1,000 bootstrap curves: the held-out images are
    drawn anew, the same for all sizes, and to each point is added what another draw of training images and another
    seed do, as they did where a size was drawn more than once; if the points lie farther from the curve than that, as
    much more. `gain` is predicted accuracy less that of the curve at the largest size.

    Doubts: "few_sizes" (there is no fit), "short_range", "few_errors" (fewer than 10 at the largest size), "flat" (an
    error that does not surely fall), "misfit". With any of them there are no predictions, and the verdict is
    "unknown". Else a doubling "helps", or "hardly" does, if the interval of its gain says so: a tenth of the errors, or
    more, against less than that or than a tenth of a point; "open" lies between.
    """
    sizes = np.array(sorted({n for draw in draws for n in draw}), np.float64)
    wrong = [[draw[n] for draw in draws if n in draw] for n in sizes.astype(int).tolist()]
    errors = [np.array([one.mean() for one in drawn]) for drawn in wrong]
    counts = np.array([sum(map(len, drawn)) for drawn in wrong])
    trained = np.array([len(drawn) for drawn in wrong])
    n_wrong = np.array([sum(int(one.sum()) for one in drawn) for drawn in wrong])
    mean = np.array([np.average(e, weights=list(map(len, drawn))) for e, drawn in zip(errors, wrong, strict=True)])
    shrunk = (n_wrong + 2) / (counts + 4)  # Agresti and Coull's, which no lucky zero makes certain
    images = np.sqrt(shrunk * (1 - shrunk) / counts)
    chance = _spread_of_draws(errors, wrong) * shrunk / np.sqrt(trained)
    deviations = np.sqrt(images**2 + chance**2)
    points = [
        {
            "n": int(n),
            "accuracies": [1 - float(one) for one in e],
            "accuracy": 1 - float(m),
            "accuracy_ci95": [max(0.0, 1 - float(m) - 1.96 * float(d)), min(1.0, 1 - float(m) + 1.96 * float(d))],
        }
        for n, e, m, d in zip(sizes, errors, mean, deviations, strict=True)
    ]
    curve: dict[str, Any] = {"points": points, "fit": None, "doubts": [], "predictions": [], "verdict": "unknown"}
    if len(sizes) < FEWEST_SIZES:
        return curve | {"doubts": ["few_sizes"]}

    law = fit_power_law(sizes, mean[None], deviations)
    residuals = (mean - np.array([law.error(n)[0] for n in sizes])) / deviations
    excess = float((residuals**2).sum()) / max(1, len(sizes) - 3)
    generator = np.random.default_rng(seed)
    resampled = _resampled(draws, sizes, generator)
    resampled += generator.normal(size=resampled.shape) * np.sqrt(chance**2 + max(0.0, excess - 1) * deviations**2)
    laws = fit_power_law(sizes, resampled.clip(0, 1), deviations)

    largest = float(sizes[-1])
    fall = laws.error(float(sizes[0])) - laws.error(largest)
    doubts = {
        "short_range": largest < SHORTEST_RANGE * sizes[0],
        "few_errors": n_wrong[-1] < FEWEST_ERRORS,
        "flat": _interval(fall)[0] <= 0.1 * float(mean[0]),
        "misfit": excess > float(chdtri(max(1, len(sizes) - 3), 1e-4)) / max(1, len(sizes) - 3),
    }
    curve["doubts"] = [doubt for doubt, raised in doubts.items() if raised]
    curve["fit"] = {
        **{key: float(getattr(law, key)[0]) for key in ("a", "b", "c")},
        "b_ci95": _interval(laws.b),
        "c_ci95": _interval(laws.c),
    }
    if curve["doubts"]:
        return curve
    now, now_drawn = float(law.error(largest)[0]), laws.error(largest)
    for times in TIMES:
        then, then_drawn = float(law.error(times * largest)[0]), laws.error(times * largest)
        curve["predictions"].append(
            {
                "times": times,
                "n": round(times * largest),
                "accuracy": 1 - then,
                "accuracy_ci95": _interval(1 - then_drawn),
                "gain": now - then,
                "gain_ci95": _interval(now_drawn - then_drawn),
            }
        )
    low, high = curve["predictions"][0]["gain_ci95"]
    helps, hardly = low >= NOTICEABLE_SHARE * now, high < max(NOTICEABLE_SHARE * now, NOTICEABLE)
    return curve | {"verdict": "hardly" if hardly else "helps" if helps else "open"}


def summary(curve: Mapping[str, Any]) -> dict[str, Any]:
    """What a learning curve says, in short: {"verdict", "doubts", "n", "accuracy", "prediction"}, of the largest size
    and of a doubling; "prediction" is None where there are doubts.
    """
    last = curve["points"][-1]
    prediction = next(iter(curve["predictions"]), None)
    short = {"verdict": curve["verdict"], "doubts": curve["doubts"], "n": last["n"], "accuracy": last["accuracy"]}
    return short | {"prediction": prediction}


def _spread_of_draws(errors: Sequence[Floats], wrong: Sequence[Sequence[NDArray[np.bool_]]]) -> float:
    """The standard deviation between draws at one size, as a share of the error, less what the held-out images do;
    0 where no size was drawn twice.
    """
    squares, freedom = 0.0, 0
    for drawn, held_out in zip(errors, wrong, strict=True):
        if len(drawn) > 1 and (p := float(drawn.mean())) > 0:
            by_images = p * (1 - p) / float(np.mean(list(map(len, held_out))))
            squares += (len(drawn) - 1) * (float(drawn.var(ddof=1)) - by_images) / p**2
            freedom += len(drawn) - 1
    return max(0.0, squares / freedom) ** 0.5 if freedom else 0.0


def _resampled(
    draws: Sequence[Mapping[int, NDArray[np.bool_]]], sizes: Floats, generator: np.random.Generator
) -> Floats:
    """(BOOTSTRAP, S): the mean error at each size, had other held-out images been drawn, the same for all sizes."""
    total, count = np.zeros((BOOTSTRAP, len(sizes))), np.zeros(len(sizes))
    for draw in draws:
        there = [index for index, n in enumerate(sizes.astype(int).tolist()) if n in draw]
        rows = np.array([draw[int(sizes[index])] for index in there], np.float64)
        m = rows.shape[1]
        for replicate in range(BOOTSTRAP):
            total[replicate, there] += rows @ np.bincount(generator.integers(0, m, m), minlength=m)
        count[there] += m
    return total / count


def _interval(values: Any) -> list[float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return [float(low), float(high)]
