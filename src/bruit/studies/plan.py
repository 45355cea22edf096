"""What a study will do: the trainings, in order, and the settings that they follow from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import ConfigError
from bruit.models.zoo import ZOO, entry
from bruit.studies.run import Settings
from bruit.training.crossval import fold_tasks
from bruit.training.device import choose_precision
from bruit.training.pool import Schedule, Task
from bruit.training.recipe import derived_seed
from bruit.training.splits import stratified_sample, validation_split

CROSSVAL = ("cnn-plus", "dnn-plus")
FOLDS = 5
# Trainings of the first fold with other seeds: without them the spread of the folds says nothing of the sample.
REPEATS = 2
QUICK_TRAIN, QUICK_TEST, QUICK_FOLDS, QUICK_REPEATS, QUICK_EPOCHS = 6000, 2000, 3, 1, 0.4


@dataclass(frozen=True)
class Plan:
    """The trainings of a study: of each model, and of each model's folds and repeats."""

    settings: Settings
    schedule: Schedule
    models: tuple[Task, ...]
    crossval: dict[str, list[Task]]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All of them, in the order in which they run."""
        return (*self.models, *(task for group in self.crossval.values() for task in group))


def quick_sample(pair: DataPair, seed: int) -> DataPair:
    """The images of a quick study."""
    return replace(
        pair,
        train=stratified_sample(pair.train, QUICK_TRAIN, seed),
        test=stratified_sample(pair.test, QUICK_TEST, seed),
    )


def make_plan(
    pair: DataPair,
    *,
    data: str,
    run: Path,
    models: Sequence[str],
    crossval: Sequence[str],
    folds: int,
    repeats: int,
    epochs: int | None,
    seed: int,
    quick: bool,
    workers: int | None,
    begun: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan the study of `pair` in the folder `run`.

    What was found out when the study was `begun`, precision and threads, is kept: both enter the weights' last digits.

    Raises ConfigError for unknown models and numbers that make no sense, DataError for too few images of a class.
    """
    models, crossval = tuple(dict.fromkeys(models)), tuple(dict.fromkeys(crossval))
    if not models:
        raise ConfigError(f"expected one model or more, received none; choose among {', '.join(ZOO)}")
    if epochs is not None and epochs < 1:
        raise ConfigError(f"expected 1 epoch or more, received {epochs}")
    chosen = {name: entry(name) for name in [*models, *crossval]}

    def epochs_of(name: str) -> int | None:
        recipe = chosen[name].recipe
        if recipe is None:
            return None
        if epochs is not None:
            return epochs
        return max(1, round(recipe.epochs * QUICK_EPOCHS)) if quick else recipe.epochs

    kept, held_out = validation_split(pair.train, derived_seed(seed, "validation"))
    model_tasks = tuple(
        Task(name, kept, held_out, derived_seed(seed, name), run / "models" / name, epochs_of(name)) for name in models
    )
    crossval_tasks = {
        name: fold_tasks(
            name,
            pair.train,
            k=folds,
            repeats=repeats,
            seed=seed,
            epochs=epochs_of(name),
            folder=run / "crossval" / name,
        )
        for name in crossval
    }
    n_tasks = len(model_tasks) + sum(len(group) for group in crossval_tasks.values())
    schedule = Schedule.plan(n_tasks, choose_precision(), workers)
    if begun is not None:
        schedule = replace(schedule, **{key: begun[key] for key in ("precision", "threads") if key in begun})
    settings = Settings(
        data=data,
        fingerprint=pair.fingerprint(),
        models=models,
        crossval=crossval,
        folds=folds,
        repeats=repeats,
        seed=seed,
        epochs={name: n for name in chosen if (n := epochs_of(name)) is not None},
        quick=quick,
        precision=schedule.precision,
        threads=schedule.threads,
        version=bruit.__version__,
        torch=torch.__version__,
        recipes={name: _recipe(name) for name in chosen},
    )
    return Plan(settings, schedule, model_tasks, crossval_tasks)


def _recipe(name: str) -> dict[str, Any]:
    model = ZOO[name]
    return {"config": asdict(model.config), "recipe": asdict(model.recipe) if model.recipe else {}}
