"""What a study will do: the trainings, in order, and the settings that they follow from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

import bruit
from bruit.data.dataset import DataPair
from bruit.data.sources import DEFAULT
from bruit.errors import ConfigError
from bruit.models.zoo import ZOO, entry
from bruit.outside.brought import Brought
from bruit.studies.outside import settings as outside_settings
from bruit.studies.run import Settings
from bruit.training.crossval import fold_tasks
from bruit.training.device import choose_precision
from bruit.training.pool import Schedule, Task
from bruit.training.recipe import derived_seed
from bruit.training.splits import stratified_sample, validation_split
from bruit.training.whole import whole

CROSSVAL = ("cnn-plus", "dnn-plus")
FOLDS = 5
# Trainings of the first fold with other seeds: without them the spread of the folds says nothing of the sample.
REPEATS = 2
QUICK_TRAIN, QUICK_TEST, QUICK_FOLDS, QUICK_REPEATS, QUICK_EPOCHS = 6000, 2000, 3, 1, 0.4


@dataclass(frozen=True)
class Choice:
    """What a person can say of a study; all the rest follows from it.

    epochs: for every network, or of each by its name; None for the recipes' own.
    """

    data: str | Path | DataPair = DEFAULT
    models: tuple[str, ...] = tuple(ZOO)
    crossval: tuple[str, ...] | None = None
    folds: int = FOLDS
    repeats: int = REPEATS
    epochs: int | dict[str, int] | None = None
    seed: int = 0
    quick: bool = False

    @classmethod
    def settle(cls, begun: Mapping[str, Any], **given: Any) -> Choice:
        """What is `given`; of what is None, that with which the study to resume was `begun`; then the defaults.

        Raises ConfigError for numbers that make no sense.
        """
        chosen = {field.name: begun[field.name] for field in fields(cls) if field.name in begun}
        chosen |= {name: value for name, value in given.items() if value is not None}
        for name in ("models", "crossval"):
            if name in chosen:
                chosen[name] = tuple(dict.fromkeys(chosen[name]))
        for name in ("folds", "repeats", "epochs", "seed"):
            if name in chosen and not isinstance(chosen[name], dict):
                chosen[name] = whole(name, chosen[name])
        return cls(**chosen)


@dataclass(frozen=True)
class Plan:
    """The trainings of a study, of each model, and of each model's folds and repeats; and the models from outside."""

    settings: Settings
    schedule: Schedule
    models: tuple[Task, ...]
    crossval: dict[str, list[Task]]
    outside: tuple[Brought, ...] = ()

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
    choice: Choice,
    *,
    run: Path,
    workers: int | None,
    begun: Mapping[str, Any],
    outside: tuple[Brought, ...] = (),
) -> Plan:
    """Plan the study of `pair` in the folder `run`.

    What was found out when the study was `begun`, precision and threads, is kept: both enter the weights' last digits.

    Raises ConfigError for unknown models, DataError for too few images of a class.
    """
    models, seed, quick = choice.models, choice.seed, choice.quick
    crossval = tuple(name for name in CROSSVAL if name in models) if choice.crossval is None else choice.crossval
    folds = min(choice.folds, QUICK_FOLDS) if quick else choice.folds
    repeats = min(choice.repeats, QUICK_REPEATS) if quick else choice.repeats
    if not models:
        raise ConfigError("expected one model or more, received none; choose among {zoo}", zoo=", ".join(ZOO))
    chosen = {name: entry(name) for name in [*models, *crossval]}

    def epochs_of(name: str) -> int | None:
        recipe = chosen[name].recipe
        if recipe is None:
            return None
        own = max(1, round(recipe.epochs * QUICK_EPOCHS)) if quick else recipe.epochs
        return choice.epochs.get(name, own) if isinstance(choice.epochs, dict) else choice.epochs or own

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
    schedule = replace(schedule, **{key: begun[key] for key in ("precision", "threads") if key in begun})
    settings = Settings(
        data=pair.name if isinstance(choice.data, DataPair) else str(choice.data),
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
        outside=outside_settings(outside),
    )
    return Plan(settings, schedule, model_tasks, crossval_tasks, outside)


def _recipe(name: str) -> dict[str, Any]:
    model = ZOO[name]
    return {"config": asdict(model.config), "recipe": asdict(model.recipe) if model.recipe else {}}
