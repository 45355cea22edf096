"""Training one model, from images to a calibrated Predictor."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bruit.data.dataset import Dataset
from bruit.evaluation.calibration import apply_temperature, fit_temperature
from bruit.files import write_npy
from bruit.models.store import save_model
from bruit.models.trained import Baseline, Network, new_model
from bruit.models.zoo import entry
from bruit.training.device import Precision, choose_precision
from bruit.training.loop import CHECKPOINT, Loop, Progress, Row, write_history
from bruit.training.recipe import Recipe, derived_seed
from bruit.training.splits import validation_split
from bruit.training.whole import whole


@dataclass(frozen=True)
class Fit:
    """A trained model and how it went: one row of `history` for each epoch, training time without evaluation."""

    model: Network | Baseline
    recipe: Recipe | None
    history: list[Row]
    n: int
    seconds: float
    validation_probabilities: NDArray[np.float32]

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
    seed: int = 0,
    folder: Path | str | None = None,
    resume: bool = False,
    precision: Precision | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_epoch: Callable[[Network, Row], None] | None = None,
    before_stored: Callable[[Network | Baseline], None] | None = None,
) -> Fit:
    """Train the zoo's model `name`, then fit its calibration temperature on the validation images.

    train, validation  images and labels; without `validation` a stratified tenth of `train` is set apart for it
    recipe, epochs     instead of the zoo's own
    seed               the same seed on the same machine and number of threads gives the same weights: on a CPU bit for
                       bit, on a GPU nearly
    on_progress        called every ten steps
    on_epoch           called after each epoch, outside its clock
    before_stored      called with the finished model before the files that mark `folder` as finished are written
    folder             where history.jsonl, a checkpoint an epoch, and at the end config.json, weights.safetensors,
                       val_labels.npy and val_probs.npy go; with `resume` training goes on from the last
                       checkpoint there

    Raises ConfigError for an unknown name, DataError for too few images, ModelError if training diverges.
    """
    zoo, seed, epochs = entry(name), whole("seed", seed), whole("epochs", epochs)
    folder = None if folder is None else Path(folder)
    if validation is None:
        kept, held_out = validation_split(train, derived_seed(seed, "validation"))
        train, validation = train.subset(kept), train.subset(held_out)
    recipe = recipe or zoo.recipe
    if epochs is not None and recipe is not None:
        recipe = dataclasses.replace(recipe, epochs=epochs)

    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_available() else []):
        torch.manual_seed(derived_seed(seed, "weights"))
        model = new_model(name, zoo.config, train.classes, train.shape, precision or choose_precision())
        start = time.perf_counter()
        if isinstance(model, Baseline):
            model.learned = model.learner.learn(train)
            history, seconds = [], time.perf_counter() - start
        else:
            assert recipe is not None, f"{name} is a network without a recipe"
            loop = Loop(model, recipe, train, validation, seed, folder)
            history = loop.run(resume, on_progress, on_epoch)
            seconds = sum(row["seconds"] for row in history)

    scores = model.logits(validation.images)
    model.temperature = fit_temperature(scores, validation.labels)
    fitted = Fit(model, recipe, history, len(train), seconds, apply_temperature(scores, model.temperature))
    if before_stored is not None:
        before_stored(model)
    if folder is not None:
        _store(fitted, validation, seed, folder)
    return fitted


def _store(fitted: Fit, validation: Dataset, seed: int, folder: Path) -> None:
    """Write what a finished training leaves; config.json comes last and says that all the rest is there."""
    write_history(folder, fitted.history)
    write_npy(folder / "val_labels.npy", validation.labels)
    write_npy(folder / "val_probs.npy", fitted.validation_probabilities)
    zoo = entry(fitted.model.name)
    about = {
        "title": zoo.title,
        "summary": zoo.summary,
        "family": zoo.family,
        "parameters": fitted.model.parameters,
        "layers": fitted.model.layers,
        "recipe": dataclasses.asdict(fitted.recipe) if fitted.recipe else {},
        "seed": seed,
        "train": {
            "n": fitted.n,
            "epochs": len(fitted.history),
            "seconds": fitted.seconds,
            "images_per_second": fitted.images_per_second,
        },
    }
    save_model(fitted.model, folder, about)
    (folder / CHECKPOINT).unlink(missing_ok=True)
