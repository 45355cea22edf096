"""How models hold up under noise: many noisy sets of the same test images, made beside prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

import bruit
from bruit.data.dataset import DataPair, Dataset
from bruit.data.sources import load
from bruit.errors import ConfigError, DataError
from bruit.evaluation.published import of_suite
from bruit.evaluation.robustness import corruption_errors, lead, mean_over
from bruit.evaluation.summary import evaluate_split
from bruit.noise.draws import Draws
from bruit.noise.recipes import NAMES_OF_NMNIST, Recipe, find
from bruit.noise.registry import CORRUPTIONS, MNIST_C, applied
from bruit.outside.brought import is_file_of_a_model
from bruit.predictor import Called, Predictor
from bruit.studies.evaluate import AT_ONCE, find_model, labels_for, predicted
from bruit.whole import whole

SUITES = ("mnist-c", "severity", "nmnist", "course")
Progress = Callable[[int, int], None]
Model = str | Path | Predictor | Callable[[NDArray[np.uint8]], ArrayLike]


class Noisy(NamedTuple):
    """One set of a suite."""

    name: str
    severity: int | None
    recipe: Recipe

    @property
    def key(self) -> str:
        return self.name if self.severity is None else f"{self.name}/{self.severity}"


def suite_of(name: str) -> list[Noisy]:
    """The sets of a suite; raises ConfigError for a name that is none, and no FILE.toml."""
    if name == "mnist-c":
        return [Noisy(one, None, find(one)) for one in MNIST_C]
    if name == "severity":
        return [Noisy(one, at, find(one, at)) for one in MNIST_C for at in CORRUPTIONS[one].severities or (None,)]
    if name in ("nmnist", "course"):
        return [Noisy(one, None, find(one)) for one in (NAMES_OF_NMNIST if name == "nmnist" else (name,))]
    if isinstance(name, str) and name.endswith(".toml"):
        return [Noisy(Path(name).stem, None, find(name))]
    raise ConfigError(
        "expected a suite of {suites}, or FILE.toml, received {name!r}", suites=", ".join(SUITES), name=name
    )


def robustness(
    models: Model | Sequence[Model],
    suite: str = "mnist-c",
    data: str | Path | DataPair | Dataset = "mnist",
    *,
    baseline: int = 0,
    seed: int = 0,
    scale: str | None = None,
    classes: Sequence[str] | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Test models on clean images and on a suite of noisy ones made of them, which all models are shown alike.

    models    each as in `bruit.evaluate`; or a function of uint8 images (N, H, W) that gives probabilities (N, C), in
              the order of `classes`, by default those of the data
    suite     "mnist-c": its fifteen corruptions as published; "severity": the same at every severity; "nmnist";
              "course"; or FILE.toml, see docs/noise.md
    data      clean images, see `bruit.load`; of a pair the test images
    baseline  which of the models the errors of the others are measured by (mCE)
    seed      of the noise
    scale, classes
              of models in files of other programs, see `bruit.load_model`
    progress  called with how many sets are done, and how many there are

    Returns plain values: suite, data, n, sets, and of each model what it has seen in training (no names where that is
    unknown), clean, sets, mean, worst, hardest, mce and relative_mce; which model reads most, and how far it is ahead;
    and what has been published on the suite, with its setting. Raises ConfigError, DataError or ModelError.
    """
    sets = suite_of(suite)
    if isinstance(data, Dataset):
        called, dataset = "data", data
    else:
        pair = load(data)
        called, dataset = pair.name, pair.test
    found = _found(models, scale, classes, dataset)
    names = list(found)
    if not 0 <= whole("baseline", baseline) < len(names):
        raise ConfigError("the baseline has to be one of the models, of which there are {n}", n=len(names))
    seed = whole("seed", seed)
    labels = {name: _labels(name, model, dataset) for name, model in found.items()}
    clean = Noisy("clean", None, find("clean"))
    figures: dict[str, dict[str, Any]] = {name: {} for name in names}
    right: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in names}
    for done, one in enumerate([clean, *sets]):
        progress(done, len(sets) + 1)
        for name, (probabilities, uncalibrated) in _shown(found, one, dataset, seed):
            figures[name][one.key] = evaluate_split(
                probabilities, uncalibrated, labels[name], found[name].classes, dataset.ids, detail=False
            )
            right[name].append(probabilities.argmax(axis=1) == labels[name])
    progress(len(sets) + 1, len(sets) + 1)
    return {
        "schema": 1,
        "version": bruit.__version__,
        "suite": suite,
        "data": called,
        "n": len(dataset),
        "seed": seed,
        "sets": [{"key": one.key, "name": one.name, "severity": one.severity} for one in sets],
        "baseline": names[baseline],
        "lead": lead({name: np.array(right[name][1:]) for name in names}),
        "models": {
            name: {"seen": list(getattr(model, "seen", ())), "augmented": bool(getattr(model, "augmented", False))}
            | _summary(figures[name], figures[names[baseline]], sets, np.array(right[name][1:]))
            for name, model in found.items()
        },
        "published": of_suite(suite) if called == "mnist" else [],
    }


def _found(
    models: Model | Sequence[Model], scale: str | None, classes: Sequence[str] | None, dataset: Dataset
) -> dict[str, Predictor]:
    """The models by what they are called; those of one name get a number."""
    listed = list(models) if isinstance(models, Sequence) and not isinstance(models, str) else [models]
    if not listed:
        raise ConfigError("expected at least one model, received none")
    found: dict[str, Predictor] = {}
    for model in listed:
        if isinstance(model, Predictor):
            name, predictor = str(getattr(model, "name", type(model).__name__)), model
        elif callable(model):
            called = Called(model, tuple(classes or dataset.classes), dataset.shape)
            name, predictor = called.name, called
        elif isinstance(model, str | Path) and is_file_of_a_model(model):
            name, predictor = str(model), find_model(model, scale=scale, classes=classes)
        else:
            name, predictor = str(model), find_model(model)
        names = chain([name], (f"{name} ({n})" for n in count(2)))
        found[next(one for one in names if one not in found)] = predictor
    return found


def _labels(name: str, model: Predictor, dataset: Dataset) -> NDArray[np.int64]:
    """(N,) labels as the model numbers its classes. Raises ConfigError or DataError, which name a model that does not
    read these data.
    """
    if getattr(model, "assumed", False) and len(model.classes) != len(dataset.classes):
        raise ConfigError(
            "{name} has {n} outputs and does not say what they are, the data has {m} classes, {classes}; name the "
            "outputs with --classes, in their order",
            name=name,
            n=len(model.classes),
            m=len(dataset.classes),
            classes=", ".join(dataset.classes[:12]),
        )
    try:
        return labels_for(model, dataset)
    except DataError as error:
        raise DataError("{name} does not go with the data: {error}", name=name, error=error) from error


def _shown(
    found: dict[str, Predictor], noisy: Noisy, dataset: Dataset, seed: int
) -> Iterator[tuple[str, tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Each model with its probabilities, with and without its temperature, on one set, which is made in blocks."""
    draws = Draws(seed, noisy.recipe.stream, dataset.ids)
    parts: dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = {name: [] for name in found}
    for start in range(0, len(dataset), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        images = applied(noisy.recipe.make, dataset.images[part], draws.subset(part))
        images.setflags(write=False)  # every model is shown the same
        for name, model in found.items():
            parts[name].append(predicted(model, images))
    for name, made in parts.items():
        yield name, (np.concatenate([one for one, _ in made]), np.concatenate([one for _, one in made]))


def _summary(
    own: dict[str, Any], base: dict[str, Any], sets: Sequence[Noisy], right: NDArray[np.bool_]
) -> dict[str, Any]:
    """Of one model: clean, every set, and what they come to."""
    keys: dict[str, list[str]] = {}
    for one in sets:
        keys.setdefault(one.name, []).append(one.key)
    errors, theirs = (
        {name: [1 - figures[key]["accuracy"] for key in among] for name, among in keys.items()}
        for figures in (own, base)
    )
    members = {name: [at for at, one in enumerate(sets) if one.name == name] for name in keys}
    hardest = lead({name: ~right[at] for name, at in members.items()})
    worst = min((one.key for one in sets), key=lambda key: own[key]["accuracy"])
    return {
        "clean": own["clean"],
        "sets": {one.key: own[one.key] for one in sets},
        "mean": mean_over([own[one.key] for one in sets], right),
        "worst": {"set": worst, "accuracy": own[worst]["accuracy"]},
        "hardest": {**hardest, "accuracy": float(right[members[hardest["name"]]].mean())},
        **corruption_errors(errors, theirs, 1 - own["clean"]["accuracy"], 1 - base["clean"]["accuracy"]),
    }
