"""Training one model, from images to a calibrated Predictor."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, refuse_no_dataset
from bruit.errors import ConfigError
from bruit.evaluation.calibration import apply_temperature, fit_temperature
from bruit.files import write_npy
from bruit.models.networks import VIEWS
from bruit.models.store import save_model
from bruit.models.trained import Baseline, Network, Together, new_model
from bruit.models.zoo import AUGMENTED, entry
from bruit.predictor import Predictor
from bruit.seals import seal
from bruit.training.device import Precision, choose_precision
from bruit.training.loop import Loop
from bruit.training.member import CHECKPOINT, Member, Progress, Row, write_history
from bruit.training.recipe import Recipe, derived_seed
from bruit.training.splits import validation_split
from bruit.training.start import describe, fitting, seen_so_far, take_over
from bruit.training.stored import FILES
from bruit.whole import whole


@dataclass(frozen=True)
class Fit:
    """A trained model and how it went: one row of `history` for each epoch, training time without evaluation; and what
    it `started_from`, if it was fine-tuned: {"source", "model", "digest" of the weights, "n" images, "new_classes"}.
    """

    model: Network | Baseline
    recipe: Recipe | None
    history: list[Row]
    n: int
    seconds: float
    validation_probabilities: NDArray[np.float32]
    started_from: dict[str, Any] | None = None

    @property
    def images_per_second(self) -> float:
        seen = self.n if self.recipe is None else sum(self.recipe.images_per_epoch(self.n))
        return seen / max(self.seconds, 1e-9)


def fit(
    name: str,
    train: Dataset,
    validation: Dataset | None = None,
    *,
    recipe: Recipe | None = None,
    epochs: int | None = None,
    start: Predictor | None = None,
    seed: int = 0,
    seen: str | None = None,
    folder: Path | str | None = None,
    resume: bool = False,
    precision: Precision | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_epoch: Callable[[Network, Row], None] | None = None,
    before_stored: Callable[[Network | Baseline], None] | None = None,
) -> Fit:
    """Train the zoo's model `name`, then fit its calibration temperature on the validation images.

    train, validation  images and labels; without `validation` a stratified tenth of `train` is set apart for it
    recipe, epochs     instead of the zoo's own. Without `epochs`, few images are gone through more often, as the
                       recipe's `least_steps` has it
    start              fine-tune this network, by its recipe for that: one of the same name, for images of the same
                       size. Classes are known by their names; the weights of new ones, in the last layer, are new
    seed               the same seed on the same machine and number of threads gives the same weights: on a CPU bit for
                       bit, on a GPU nearly
    seen               what `train` is called, as "mnist+course": config.json keeps what a model has learned from
    on_progress        called every ten steps
    on_epoch           called after each epoch, outside its clock
    before_stored      called with the finished model before the files that mark `folder` as finished are written
    folder             where history.jsonl, a checkpoint an epoch (but 50 in all, at the most), and at the end
                       config.json, weights.safetensors, val_labels.npy, val_probs.npy and SHA256SUMS go; with
                       `resume` training goes on from the last checkpoint there

    Raises ConfigError for an unknown name, another model to start from or an impossible number of views, DataError
    for too few images or images of another size than those of `start`, ModelError if training diverges.
    """
    job = prepare(
        name,
        train,
        validation,
        recipe=recipe,
        epochs=epochs,
        start=start,
        seed=seed,
        seen=seen,
        folder=folder,
        precision=precision,
    )
    watched = dataclasses.replace(job, on_progress=on_progress, on_epoch=on_epoch, before_stored=before_stored)
    return fit_all([watched], resume)[0]


@dataclass(frozen=True)
class Job:
    """A training that is ready to begin: its untrained model, and what `fit` was told; it starts from `before`."""

    model: Network | Baseline
    recipe: Recipe | None
    train: Dataset
    validation: Dataset
    seed: int
    folder: Path | None
    before: Network | None
    on_progress: Callable[[Progress], None] | None = None
    on_epoch: Callable[[Network, Row], None] | None = None
    before_stored: Callable[[Network | Baseline], None] | None = None


def prepare(
    name: str,
    train: Dataset,
    validation: Dataset | None = None,
    *,
    recipe: Recipe | None = None,
    epochs: int | None = None,
    start: Predictor | None = None,
    seed: int = 0,
    seen: str | None = None,
    folder: Path | str | None = None,
    precision: Precision | None = None,
) -> Job:
    """What `fit` does before it trains."""
    zoo, seed, epochs = entry(name), whole("seed", seed), whole("epochs", epochs)
    folder = None if folder is None else Path(folder)
    refuse_no_dataset(train)
    if validation is not None:
        refuse_no_dataset(validation)
    else:
        kept, held_out = validation_split(train, derived_seed(seed, "validation"))
        train, validation = train.subset(kept), train.subset(held_out)
    before = None if start is None else fitting(start, name, train.shape)
    if recipe is None and zoo.recipe is not None:
        recipe = zoo.recipe if before is None else dataclasses.replace(zoo.recipe.fine_tuning(), views=before.views)
    if recipe is not None:
        if recipe.views not in VIEWS:
            raise ConfigError(
                "a network reads 1 view of an image or {n}, received {views}", n=VIEWS[-1], views=recipe.views
            )
        recipe = recipe.for_images(len(train), epochs)

    with _random_numbers_apart():
        torch.manual_seed(derived_seed(seed, "weights"))
        config = zoo.config if before is None else before.config
        model = new_model(name, config, train.classes, train.shape, precision or choose_precision())
    assert not isinstance(model, Together)  # the zoo has no ensembles
    model.trained_on, model.seen = len(train), seen_so_far(before, seen)
    model.augmented = before is not None and before.augmented
    model.augmented |= recipe is not None and recipe.augmentation is not None
    if before is not None:
        assert isinstance(model, Network)
        take_over(model, before)
    return Job(model, recipe, train, validation, seed, folder, before)


def fit_all(jobs: Sequence[Job], resume: bool = False) -> list[Fit]:
    """Train one job, or several of the same network as one, see `Loop`; what each gives and leaves is that of a
    training alone, but that its seconds are its share of those of all.
    """
    return [_finish(job, history, seconds) for job, (history, seconds) in zip(jobs, _train(jobs, resume), strict=True)]


def _train(jobs: Sequence[Job], resume: bool) -> list[tuple[list[Row], float]]:
    """The history of each job, and the seconds it took."""
    first = jobs[0].model
    if isinstance(first, Baseline):
        assert len(jobs) == 1  # baselines are trained alone
        begin = time.perf_counter()
        first.learned = first.learner.learn(jobs[0].train)
        return [([], time.perf_counter() - begin)]
    members = []
    for job in jobs:
        assert isinstance(job.model, Network)
        assert job.recipe is not None
        members.append(
            Member(
                job.model,
                job.recipe,
                job.train,
                job.validation,
                job.seed,
                job.folder,
                on_progress=job.on_progress,
                on_epoch=job.on_epoch,
            )
        )
    with _random_numbers_apart():
        Loop(members).run(resume)
    return [(one.history, sum(row["seconds"] for row in one.history)) for one in members]


def _finish(job: Job, history: list[Row], seconds: float) -> Fit:
    """Calibrate the trained model, and write what its training leaves."""
    if job.recipe is not None:
        job.model.views = job.recipe.views
    scores = job.model.logits(job.validation.images)
    job.model.temperature = fit_temperature(scores, job.validation.labels)
    probabilities = apply_temperature(scores, job.model.temperature)
    started_from = None if job.before is None else describe(job.before, job.train.classes)
    fitted = Fit(job.model, job.recipe, history, len(job.train), seconds, probabilities, started_from)
    if job.before_stored is not None:
        job.before_stored(job.model)
    if job.folder is not None:
        _store(fitted, job.validation, job.seed, job.folder)
    return fitted


def _random_numbers_apart() -> AbstractContextManager[None]:
    """What is drawn in the body leaves PyTorch's random stream where it was."""
    return torch.random.fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_available() else [])


def _store(fitted: Fit, validation: Dataset, seed: int, folder: Path) -> None:
    """Write what a finished training leaves; config.json says that all the rest is there, and the seal that it is
    whole.
    """
    write_history(folder, fitted.history)
    write_npy(folder / "val_labels.npy", validation.labels)
    write_npy(folder / "val_probs.npy", fitted.validation_probabilities)
    zoo = entry(fitted.model.name)
    about = {
        "title": AUGMENTED[fitted.model.name] if fitted.recipe and fitted.recipe.noise else zoo.title,
        "summary": zoo.summary,
        "family": zoo.family,
        "parameters": fitted.model.parameters,
        "layers": fitted.model.layers,
        "recipe": dataclasses.asdict(fitted.recipe) if fitted.recipe else {},
        "seed": seed,
        "seen": list(fitted.model.seen),
        "augmented": fitted.model.augmented,
        **({"start": fitted.started_from} if fitted.started_from else {}),
        "train": {
            "n": fitted.n,
            "epochs": len(fitted.history),
            "seconds": fitted.seconds,
            "images_per_second": fitted.images_per_second,
        },
    }
    save_model(fitted.model, folder, about)
    seal(folder, FILES)
    (folder / CHECKPOINT).unlink(missing_ok=True)
