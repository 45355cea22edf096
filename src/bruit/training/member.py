"""One training as the loop sees it: what is its own, even where others take their steps together with it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bruit.data.dataset import Dataset, pixel_counts
from bruit.errors import ModelError
from bruit.evaluation.calibration import apply_temperature
from bruit.evaluation.metrics import nll
from bruit.files import write_text
from bruit.models.store import read_tensors, write_tensors
from bruit.models.trained import Network
from bruit.training.augment import under_noise
from bruit.training.focus import draw
from bruit.training.recipe import Recipe, derived_seed
from bruit.training.start import digest
from bruit.training.stream import Stream

Row = dict[str, Any]
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a training is: steps of all steps, the epoch, and the epoch's running loss and accuracy."""

    step: int
    steps: int
    epoch: int
    loss: float
    accuracy: float


class Member:
    """The state of one training: weights, last losses, and the rows so far; its random numbers and its checkpoint.

    start   where its images begin among those of all trainings that run with it
    losses  (n,) float, of each of them when last seen: the loop's, in which all trainings have theirs
    """

    def __init__(
        self,
        model: Network,
        recipe: Recipe,
        train: Dataset,
        validation: Dataset,
        seed: int,
        folder: Path | None = None,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        on_epoch: Callable[[Network, Row], None] | None = None,
    ) -> None:
        self.model, self.recipe, self.seed, self.folder = model, recipe, seed, folder
        self.train, self.validation = train, validation
        self.on_progress, self.on_epoch = on_progress, on_epoch
        shares = pixel_counts(train.images) / train.images.size
        mean = float(shares @ np.arange(256))
        model.module.mean.fill_(mean / 255)
        model.module.std.fill_(max(float(shares @ (np.arange(256) - mean) ** 2) ** 0.5 / 255, 1e-3))
        about = (model.name, recipe, seed, digest(model), train.fingerprint(), validation.fingerprint())
        self.identity = np.frombuffer(hashlib.sha256(repr(about).encode()).digest(), np.uint8)
        self.best: dict[str, Tensor] = {}
        self.history: list[Row] = []
        self.stream = Stream.current(model.device)
        self.start, self.losses = 0, torch.zeros(len(train), device=model.device)

    def draw(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The images of one epoch in random order, as indices from `start` on, and the weights of all its images."""
        # Each epoch has random numbers of its own, so one that is resumed repeats the one that was killed.
        self.stream.seed(derived_seed(self.seed, "epoch", epoch))
        order, weights = draw(self.losses, self.recipe.focus if epoch else None, self.stream.order)
        return order + self.start, weights

    def noisy(self, images: Tensor, index: Tensor, epoch: int) -> Tensor:
        """The images at `index`, counted from `start` on, under the recipe's noise."""
        assert self.recipe.noise is not None
        return under_noise(images, self.recipe.noise, derived_seed(self.seed, "noise", epoch), index - self.start)

    def end_epoch(self, row: Row) -> None:
        """Complete the row of an epoch by its figures on the validation images; keep the weights if they are best."""
        if not math.isfinite(row["train_loss"]):
            raise ModelError(
                "training of {name} diverged: the loss is {train_loss} in epoch {epoch}; "
                "lower the learning rate ({recipe.learning_rate:g})",
                name=self.model.name,
                train_loss=row["train_loss"],
                epoch=row["epoch"],
                recipe=self.recipe,
            )
        loss, accuracy = self.validate()
        if self.recipe.keep == "best" and all(accuracy > past["validation_accuracy"] for past in self.history):
            self.best = {name: value.clone() for name, value in self.model.module.state_dict().items()}
        self.history.append(row | {"validation_loss": loss, "validation_accuracy": accuracy})

    def validate(self) -> tuple[float, float]:
        """(NLL, accuracy) on the validation images."""
        scores = self.model.logits(self.validation.images, self.model.precision)
        if not np.isfinite(scores).all():
            raise ModelError(
                "training of {name} diverged: its logits are not finite; lower the learning rate", name=self.model.name
            )
        accuracy = float((scores.argmax(axis=1) == self.validation.labels).mean())
        return nll(apply_temperature(scores, 1.0), self.validation.labels), accuracy

    def checkpoint(self, optimizer: dict[str, Tensor]) -> None:
        """Write all that the next epoch needs, atomically; then the history, which only repeats part of it."""
        if self.folder is None:
            return
        groups = {"weights": self.model.module.state_dict(), "best": self.best, "optimizer": optimizer}
        tensors = {
            f"{group}/{name}": value.detach().cpu().numpy()
            for group, named in groups.items()
            for name, value in named.items()
        }
        tensors["losses"] = self.losses.cpu().numpy()
        tensors["of"] = self.identity
        tensors["history"] = np.frombuffer(json.dumps(self.history).encode(), np.uint8)
        write_tensors(self.folder / CHECKPOINT, tensors)
        write_history(self.folder, self.history)

    def restore(self) -> dict[str, Tensor]:
        """Set the state to what `checkpoint` wrote, if there is something; returns what was of the optimiser."""
        if self.folder is None or not (self.folder / CHECKPOINT).is_file():
            return {}
        tensors = read_tensors(self.folder / CHECKPOINT)
        with self.refusing_others():
            if not np.array_equal(tensors.pop("of"), self.identity):
                raise ValueError("another training")
            groups: dict[str, dict[str, Tensor]] = {"weights": {}, "best": {}, "optimizer": {}}
            self.history = list(json.loads(tensors.pop("history").tobytes()))
            self.losses.copy_(torch.from_numpy(np.array(tensors.pop("losses"))))
            for path, array in tensors.items():
                group, _, name = path.partition("/")
                groups[group][name] = torch.from_numpy(np.array(array)).to(self.model.device)
            self.model.module.load_state_dict(groups["weights"])
            self.best = groups["best"]
        return groups["optimizer"]

    @contextmanager
    def refusing_others(self) -> Iterator[None]:
        """What does not fit this training, as a ModelError."""
        try:
            yield
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                "{folder} is not of a training of {name} such as this one; remove it, or train into another folder",
                folder=None if self.folder is None else self.folder / CHECKPOINT,
                name=self.model.name,
            ) from error


def epochs_stored(folder: Path) -> int:
    """After how many epochs a checkpoint was written into `folder`; 0 where there is none, or none of a training."""
    if not (folder / CHECKPOINT).is_file():
        return 0
    try:
        return len(json.loads(read_tensors(folder / CHECKPOINT)["history"].tobytes()))
    except (KeyError, ValueError, TypeError):
        return 0


def write_history(folder: Path, history: list[Row]) -> None:
    """history.jsonl: one JSON object for each epoch."""
    write_text(folder / "history.jsonl", "".join(json.dumps(row) + "\n" for row in history))
