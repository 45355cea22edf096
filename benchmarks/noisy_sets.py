"""A model on noisy copies of the same images: accuracy and calibration of each set and of all, as plain values.

    from noisy_sets import benchmark
    benchmark(bruit.load_model("RUN:cnn-plus"), bruit.load("mnist").train.subset(slice(-10_000, None)))

Intervals are 95 % bootstrap intervals: the source images are resampled, 1,000 times and always alike, and with an image
all its noisy copies, whichever model read them. So figures of several models may be put together before they are
averaged (`figures` takes the readings of any).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset
from bruit.errors import DataError
from bruit.evaluation.metrics import N_BINS, accuracy, ece, nll
from bruit.noise.draws import Draws
from bruit.noise.recipes import NAMES_OF_NMNIST, find
from bruit.noise.registry import MNIST_C, applied
from bruit.noise.sets import CLEAN
from bruit.predictor import Predictor
from bruit.studies.evaluate import labels_for, predicted

# All that a model is shown; severities as published.
BENCHMARK = (CLEAN, "course", *NAMES_OF_NMNIST, *MNIST_C)
# What is averaged, each set counting alike.
SUITES = {"mnist-c": MNIST_C, "n-mnist": NAMES_OF_NMNIST}
RESAMPLES, RESAMPLING_SEED = 1000, 0

Floats = NDArray[np.floating]
Readings = NDArray[np.float32]
Labels = NDArray[np.int64]


def benchmark(
    model: Predictor,
    dataset: Dataset,
    sets: Sequence[str] = BENCHMARK,
    seed: int = 0,
    progress: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """`figures` of a model on sets made of the images of `dataset`. Raises DataError if the two do not fit together."""
    return figures(sets, readings(model, dataset, sets, seed, progress), labels_for(model, dataset))


def readings(
    model: Predictor,
    dataset: Dataset,
    sets: Sequence[str],
    seed: int = 0,
    progress: Callable[[str], None] = lambda name: None,
) -> Readings:
    """(S, N, C) float32: what a model makes of N images in each of S sets, noised as `bruit.robustness` does it."""

    def of(name: str) -> Readings:
        progress(name)
        return reading(model, dataset, name, seed=seed)

    return np.stack([of(name) for name in sets])


def reading(model: Predictor, dataset: Dataset, name: str, severity: int | None = None, seed: int = 0) -> Readings:
    """(N, C) float32: the same of one set, a corruption at another severity than the published one if need be."""
    recipe = find(name, severity)
    return predicted(model, applied(recipe.make, dataset.images, Draws(seed, recipe.stream, dataset.ids)))[0]


def figures(sets: Sequence[str], probabilities: Readings, labels: Labels) -> dict[str, Any]:
    """{"n", "sets": {name: figures}, "suites": {suite: what its sets come to}}, plain values, fractions 0…1.

    sets: S names; probabilities: (S, N, C), of one model or several; labels: (N,). Of a suite (see SUITES) there are
    the sets that were read, the mean of their accuracies and of their ECE, and the worst of them.
    """
    if len(sets) != len(probabilities) or len(set(sets)) != len(sets):
        raise DataError("expected {n} different sets, received {sets}", n=len(probabilities), sets=", ".join(sets))
    both = {name: resampled(probs, labels) for name, probs in zip(sets, probabilities, strict=True)}
    rows = {name: _row(probs, labels, *both[name]) for name, probs in zip(sets, probabilities, strict=True)}
    members = {suite: [name for name in sets if name in names] for suite, names in SUITES.items()}
    return {
        "n": len(labels),
        "sets": rows,
        "suites": {suite: _over(names, rows, both) for suite, names in members.items() if names},
    }


def _row(probs: Readings, labels: Labels, accuracies: Floats, errors: Floats) -> dict[str, Any]:
    error = ece(probs, labels)
    return {
        "accuracy": accuracy(probs, labels),
        "accuracy_ci95": interval(accuracies),
        "nll": nll(probs, labels),
        "ece": error,
        "ece_ci95": interval_around(error, errors),
    }


def _over(names: Sequence[str], rows: dict[str, Any], both: dict[str, tuple[Floats, Floats]]) -> dict[str, Any]:
    accuracies, errors = (np.array([both[name][which] for name in names]) for which in (0, 1))
    error = float(np.mean([rows[name]["ece"] for name in names]))
    worst = min(names, key=lambda name: rows[name]["accuracy"])
    return {
        "over": list(names),
        "accuracy": float(np.mean([rows[name]["accuracy"] for name in names])),
        "accuracy_ci95": interval(accuracies.mean(axis=0)),
        "worst": {
            "set": worst,
            "accuracy": rows[worst]["accuracy"],
            # Of whichever is the worst in a resample: it was found by looking.
            "accuracy_ci95": interval(accuracies.min(axis=0)),
        },
        "ece": error,
        "ece_ci95": interval_around(error, errors.mean(axis=0)),
    }


@cache
def resamples(n: int) -> NDArray[np.float32]:
    """(R, N): how often each of N images is in each of R resamples, which are the same for all models and sets."""
    random = np.random.default_rng(RESAMPLING_SEED)
    counts = np.empty((RESAMPLES, n), np.float32)
    for row in counts:
        row[:] = np.bincount(random.integers(n, size=n), minlength=n)
    return counts


def resampled(probs: Readings, labels: Labels) -> tuple[Floats, Floats]:
    """(R,) accuracies and (R,) ECE of one set, on the resamples of its images."""
    n, confidence = len(labels), probs.max(axis=1)
    right = probs.argmax(axis=1) == labels
    # The bins of `bruit.evaluation.metrics.reliability`; a bin's share of ECE is its sum of these gaps over n.
    bins = np.searchsorted(np.linspace(0, 1, N_BINS + 1), confidence.astype(np.float64)) - 1
    gaps = np.zeros((n, N_BINS), np.float32)
    gaps[np.arange(n), np.clip(bins, 0, N_BINS - 1)] = right - confidence
    counts = resamples(n)
    return counts @ right.astype(np.float32) / n, np.abs(counts @ gaps).sum(axis=1) / n


def interval(values: Floats) -> list[float]:
    """[low, high]: the middle 95 % of a figure's values on the resamples."""
    return [float(end) for end in np.percentile(values, [2.5, 97.5])]


def interval_around(figure: float, values: Floats) -> list[float]:
    """The same, moved by how much the values are above the figure on average, within 0…1.

    Resampling adds noise to every bin, whose absolute value ECE takes: as it is, the interval of a small ECE would lie
    above it.
    """
    bias = float(values.mean()) - figure
    return [min(max(end - bias, 0.0), 1.0) for end in interval(values)]


def overall(columns: dict[str, dict[str, Any]]) -> str:
    """Markdown: what the sets come to, a row for each of {name: figures}."""
    lines = ["| | MNIST-C, mean | worst of them | ECE, mean | n-MNIST, mean | ECE, mean |", "|---|---|---|---|---|---|"]
    for name, told in columns.items():
        ours, theirs = (told["suites"].get(suite) for suite in SUITES)
        cells = [_mean(ours, "mnist-c"), f"{ours['worst']['set']} {_cell(ours['worst'])}" if ours else "–",
                 _cell(ours, "ece"), _mean(theirs, "n-mnist"), _cell(theirs, "ece")]  # fmt: skip
        lines.append(_line(name, cells))
    return "\n".join(lines)


def each(told: dict[str, Any]) -> str:
    """Markdown: a row for each set of one model's figures."""
    lines = ["| set | accuracy | ECE |", "|---|---|---|"]
    return "\n".join(lines + [_line(name, [_cell(one), _cell(one, "ece")]) for name, one in told["sets"].items()])


def side_by_side(columns: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row for each set that any of {name: figures} read, a column for each of these."""
    lines = [_line("accuracy on", list(columns)), "|---|" + "---|" * len(columns)]
    for one in BENCHMARK:
        if any(one in told["sets"] for told in columns.values()):
            lines.append(_line(one, [_cell(told["sets"].get(one)) for told in columns.values()]))
    return "\n".join(lines)


def _mean(told: dict[str, Any] | None, suite: str) -> str:
    """With how many of the suite's sets it is of."""
    return "–" if told is None else f"{_cell(told)}, {len(told['over'])} of {len(SUITES[suite])}"


def _cell(told: dict[str, Any] | None, figure: str = "accuracy") -> str:
    if told is None:
        return "–"
    low, high = told[f"{figure}_ci95"]
    return f"{100 * told[figure]:.2f} % ({100 * low:.2f}–{100 * high:.2f})"


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([name, *cells])} |"
