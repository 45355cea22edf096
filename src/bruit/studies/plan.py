"""What a study will do: the trainings, in order, and the settings that they follow from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

import bruit
from bruit.data.dataset import DataPair
from bruit.data.sources import DEFAULT
from bruit.errors import ConfigError
from bruit.models.zoo import ZOO, entry
from bruit.outside.brought import Brought
from bruit.studies import under_noise
from bruit.studies.augmentation import augmented_task, most_promising
from bruit.studies.augmentation import settle as settle_augmentation
from bruit.studies.ensemble import folder_of, member_tasks
from bruit.studies.noise import seen_in
from bruit.studies.outside import settings as outside_settings
from bruit.studies.run import Settings
from bruit.training.crossval import fold_tasks
from bruit.training.device import choose_precision
from bruit.training.learning import Point, curve_points
from bruit.training.pool import Schedule, Task
from bruit.training.recipe import Recipe, derived_seed
from bruit.training.sizes import MOST_DRAWS
from bruit.training.splits import stratified_sample, validation_split
from bruit.whole import whole

CROSSVAL = ("cnn-plus", "dnn-plus")
CURVE = "cnn-plus"
FOLDS = 5
# Trainings of the first fold with other seeds: without them the spread of the folds says nothing of the sample.
REPEATS = 2
QUICK_TRAIN, QUICK_TEST, QUICK_FOLDS, QUICK_REPEATS, QUICK_EPOCHS = 6000, 2000, 3, 1, 0.4
QUICK_DRAWS = 2  # of the small sizes of a learning curve


@dataclass(frozen=True)
class Choice:
    """What a person can say of a study; all the rest follows from it.

    epochs: for every network, or of each by its name; None for the recipes' own. learning_curve: of these models; True
    for the most promising one. augment: what is asked for, or what became of it, see `bruit.studies.augmentation`.
    robustness: show the networks noisy copies of the test images, too. best: by the recipes that take the time they
    need, and with an ensemble.
    """

    data: str | Path | DataPair = DEFAULT
    models: tuple[str, ...] = tuple(ZOO)
    crossval: tuple[str, ...] | None = None
    learning_curve: bool | tuple[str, ...] = False
    folds: int = FOLDS
    repeats: int = REPEATS
    epochs: int | dict[str, int] | None = None
    augment: str | Path | dict[str, Any] | None = None
    seed: int = 0
    quick: bool = False
    robustness: bool = False
    best: bool = False

    @classmethod
    def settle(cls, begun: Mapping[str, Any], **given: Any) -> Choice:
        """What is `given`; of what is None, that with which the study to resume was `begun`; then the defaults.

        Raises ConfigError for numbers that make no sense.
        """
        chosen = {field.name: begun[field.name] for field in fields(cls) if field.name in begun}
        chosen |= {name: value for name, value in given.items() if value is not None}
        for name in ("models", "crossval", "learning_curve"):
            if isinstance(chosen.get(name), str):
                chosen[name] = (chosen[name],)
            if not isinstance(chosen.get(name, False), bool):
                chosen[name] = tuple(dict.fromkeys(chosen[name]))
        for name in ("folds", "repeats", "epochs", "seed"):
            if name in chosen and not isinstance(chosen[name], dict):
                chosen[name] = whole(name, chosen[name])
        choice = cls(**chosen)
        if given.get("quick") and given.get("best"):
            raise ConfigError("a study is either quick or at its best; leave out one of them")
        return choice


@dataclass(frozen=True)
class Plan:
    """The trainings of a study: of each model, of the ensemble's other members, of each model's folds and repeats, and
    of each learning curve; and the models from outside.
    """

    settings: Settings
    schedule: Schedule
    models: tuple[Task, ...]
    crossval: dict[str, list[Task]]
    learning: dict[str, list[Point]]
    outside: tuple[Brought, ...] = ()
    augmented: Task | None = None
    ensemble: tuple[Task, ...] = ()

    @property
    def tested(self) -> tuple[Task, ...]:
        """Those that end with a model which is to read the test set by itself."""
        return (*self.models, *self.folds)

    @property
    def together(self) -> tuple[Path, ...]:
        """Where the ensemble is kept, if there is one."""
        return (folder_of(self.ensemble),) if self.ensemble else ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the models are called that the study trains."""
        return tuple(folder.name for folder in (*(task.folder for task in self.models), *self.together))

    @property
    def folds(self) -> tuple[Task, ...]:
        """Those of all cross-validations."""
        return tuple(task for group in self.crossval.values() for task in group)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All of them, in the order in which they run."""
        ours = {task.folder for task in self.models}
        curves = [point.task for points in self.learning.values() for point in points]
        return (*self.models, *self.ensemble, *self.folds, *(task for task in curves if task.folder not in ours))

    def group(self, task: Task) -> list[Task]:
        """The ensemble, the cross-validation, or the learning curve that a task is of."""
        curves = ([point.task for point in points] for points in self.learning.values())
        groups = (list(self.ensemble), *self.crossval.values(), *curves)
        return next(group for group in groups if task.folder in [one.folder for one in group])


def quick_sample(pair: DataPair, seed: int) -> DataPair:
    """The images of a quick study."""
    return replace(
        pair,
        train=stratified_sample(pair.train, QUICK_TRAIN, seed),
        test=stratified_sample(pair.test, QUICK_TEST, seed),
    )


def quick_epochs(recipe: Recipe, n: int) -> int:
    """The epochs of a training on n images in a quick study; fewer images than in its folds take as many steps."""
    short = replace(recipe, epochs=max(1, round(recipe.epochs * QUICK_EPOCHS)))
    in_fold = round(QUICK_TRAIN * (1 - 1 / QUICK_FOLDS) * 0.9)
    return replace(short, least_steps=min(recipe.least_steps, short.steps(in_fold))).for_images(n).epochs


def curve_models(models: tuple[str, ...], asked: bool | tuple[str, ...]) -> tuple[str, ...]:
    """The models of which a learning curve is made: those asked for, or the one that the zoo expects most of.

    Raises ConfigError for one that is not among `models`, whose training is the curve's end.
    """
    if isinstance(asked, bool):
        return (CURVE if CURVE in models else models[-1],) if asked and models else ()
    for name in asked:
        entry(name)
        if name not in models:
            raise ConfigError(
                "expected the learning curve of a model that is trained, received {name}; add it to the models, or "
                "choose among {models}",
                name=name,
                models=", ".join(models),
            )
    return asked


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
    asked = choice.augment
    augment = asked if isinstance(asked, dict) or asked is None else settle_augmentation(asked, pair.train)
    chosen = {name: entry(name) for name in [*models, *crossval]}
    if choice.robustness:
        under_noise.refuse(pair, models, outside)
    curves = curve_models(models, choice.learning_curve)

    def said(name: str) -> int | None:
        return choice.epochs.get(name) if isinstance(choice.epochs, dict) else choice.epochs

    def epochs_of(name: str, n: int) -> int | None:
        """Of a training on n images; None leaves them to the recipe."""
        recipe = chosen[name].recipe_for(choice.best)
        return said(name) or quick_epochs(recipe, n) if recipe and (said(name) or quick) else None

    kept, held_out = validation_split(pair.train, derived_seed(seed, "validation"))
    seen = seen_in(choice.data, pair)
    model_tasks = tuple(
        Task(
            name,
            kept,
            held_out,
            derived_seed(seed, name),
            run / "models" / name,
            epochs_of(name, len(kept)),
            seen=seen,
            best=choice.best,
        )
        for name in models
    )
    augmented = augmented_task(augment, model_tasks, CURVE)
    base = most_promising(model_tasks, CURVE) if choice.best else None
    ensemble = () if base is None else member_tasks(base)
    in_fold = len(kept) * (folds - 1) // folds
    crossval_tasks = {
        name: fold_tasks(
            name,
            pair.train,
            k=folds,
            repeats=repeats,
            seed=seed,
            epochs=epochs_of(name, in_fold),
            folder=run / "crossval" / name,
            seen=seen,
            best=choice.best,
        )
        for name in crossval
    }
    points = {
        name: curve_points(
            name,
            pair.train,
            seed=seed,
            epochs_of=partial(epochs_of, name),
            folder=run / "learning" / name,
            most_draws=QUICK_DRAWS if quick else MOST_DRAWS,
            whole=model_tasks[models.index(name)],
            best=choice.best,
        )
        for name in curves
    }
    model_tasks += () if augmented is None else (augmented,)
    n_tasks = sum(len(group) for group in (model_tasks, ensemble, *crossval_tasks.values(), *points.values()))
    schedule = Schedule.plan(n_tasks, choose_precision(), workers)
    schedule = replace(schedule, **{key: begun[key] for key in ("precision", "threads") if key in begun})
    settings = Settings(
        data=pair.name if isinstance(choice.data, DataPair) else str(choice.data),
        fingerprint=pair.fingerprint(),
        models=models,
        crossval=crossval,
        learning_curve=curves,
        folds=folds,
        repeats=repeats,
        seed=seed,
        epochs={name: n for name, one in chosen.items() if one.recipe and (n := said(name))},
        quick=quick,
        precision=schedule.precision,
        threads=schedule.threads,
        version=bruit.__version__,
        torch=torch.__version__,
        recipes={name: _recipe(name, choice.best) for name in chosen},
        outside=outside_settings(outside),
        augment=augment,
        robustness=choice.robustness or None,
        best=choice.best or None,
    )
    return Plan(settings, schedule, model_tasks, crossval_tasks, points, outside, augmented, ensemble)


def _recipe(name: str, best: bool) -> dict[str, Any]:
    recipe = ZOO[name].recipe_for(best)
    return {"config": asdict(ZOO[name].config), "recipe": asdict(recipe) if recipe else {}}
