"""The training loop, which reads from top to bottom, and the checkpoint from which it goes on."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bruit.data.dataset import Dataset, pixel_counts
from bruit.errors import ModelError
from bruit.evaluation.calibration import apply_temperature
from bruit.evaluation.metrics import nll
from bruit.files import write_text
from bruit.models.baselines import Tensors
from bruit.models.store import read_tensors, write_tensors
from bruit.models.trained import Network
from bruit.training.augment import augment, under_noise
from bruit.training.device import keep_freed_memory
from bruit.training.focus import draw
from bruit.training.optimizers import load_optimizer_tensors, make_optimizers, optimizer_tensors
from bruit.training.recipe import Recipe, derived_seed
from bruit.training.start import digest

Row = dict[str, Any]
CHECKPOINT = "checkpoint.safetensors"
# Of a training: one after each epoch, where there are no more of them.
CHECKPOINTS = 50
# Put under noise together: of each corruption there are few images in a batch, and each call costs as much as some.
NOISY_BATCHES = 16


@dataclass(frozen=True)
class Progress:
    """How far a training is: steps of all steps, the epoch, and the epoch's running loss and accuracy."""

    step: int
    steps: int
    epoch: int
    loss: float
    accuracy: float


class Loop:
    """The state of one training that a checkpoint holds: weights, optimiser, last losses, and the rows so far."""

    def __init__(
        self, model: Network, recipe: Recipe, train: Dataset, validation: Dataset, seed: int, folder: Path | None
    ) -> None:
        self.model, self.recipe, self.seed, self.folder = model, recipe, seed, folder
        self.images = torch.tensor(np.ascontiguousarray(train.images), device=model.device)
        self.labels = torch.tensor(np.ascontiguousarray(train.labels), device=model.device)
        self.validation = validation
        shares = pixel_counts(train.images) / train.images.size
        mean = float(shares @ np.arange(256))
        model.module.mean.fill_(mean / 255)
        model.module.std.fill_(max(float(shares @ (np.arange(256) - mean) ** 2) ** 0.5 / 255, 1e-3))
        self.optimizers = make_optimizers(model.module, recipe)
        about = (model.name, recipe, seed, digest(model), train.fingerprint(), validation.fingerprint())
        self.identity = np.frombuffer(hashlib.sha256(repr(about).encode()).digest(), np.uint8)
        self.losses = torch.zeros(len(self.images), device=model.device)
        self.best: dict[str, Tensor] = {}
        self.history: list[Row] = []

    def run(
        self,
        resume: bool,
        on_progress: Callable[[Progress], None] | None,
        on_epoch: Callable[[Network, Row], None] | None,
    ) -> list[Row]:
        """Train to the last epoch; the weights to keep are in the model afterwards."""
        recipe, module, device = self.recipe, self.model.module, self.model.device
        keep_freed_memory()
        if resume:
            self.restore()
        n_batches = recipe.batches_per_epoch(len(self.images))
        steps, step = sum(n_batches), sum(n_batches[: len(self.history)])
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=self.model.precision == "bf16")
        # An epoch of few images takes less time than to write a checkpoint.
        rare = math.ceil(recipe.epochs / CHECKPOINTS)

        for epoch in range(len(self.history), recipe.epochs):
            # Each epoch has random numbers of its own, so one that is resumed repeats the one that was killed.
            torch.manual_seed(derived_seed(self.seed, "epoch", epoch))
            order, weights = draw(self.losses, recipe.focus if epoch else None)
            total_loss, total_right = torch.zeros((), device=device), torch.zeros((), device=device)
            seen, learning_rate, start = torch.zeros((), device=device), 0.0, time.perf_counter()
            module.train()
            for batch, images in self.batches(order, n_batches[epoch], epoch):
                learning_rate = recipe.learning_rate_at(step, steps)
                for group in self.groups():
                    group["lr"] = group["peak"] * learning_rate / recipe.learning_rate
                pixels = images.unsqueeze(1).float() / 255
                targets, weight = self.labels[batch], weights[batch]
                if recipe.augmentation is not None:
                    pixels = augment(pixels, recipe.augmentation)
                with autocast:
                    logits = module.from_pixels(pixels).float()
                loss = F.cross_entropy(logits, targets, reduction="none", label_smoothing=recipe.label_smoothing)
                module.zero_grad(set_to_none=True)
                torch.autograd.backward((loss * weight).sum() / weight.sum())
                for optimizer in self.optimizers:
                    optimizer.step()
                step += 1
                # What the report draws beside the validation loss, and what a focus goes by: without smoothing.
                self.losses[batch] = F.cross_entropy(logits.detach(), targets, reduction="none")
                seen += weight.sum()
                total_loss += (self.losses[batch] * weight).sum()
                total_right += ((logits.argmax(1) == targets) * weight).sum()
                if on_progress is not None and (step % 10 == 0 or step == steps):
                    on_progress(Progress(step, steps, epoch + 1, float(total_loss / seen), float(total_right / seen)))
            train_loss, train_accuracy = float(total_loss / seen), float(total_right / seen)
            seconds = time.perf_counter() - start
            if not math.isfinite(train_loss):
                raise ModelError(
                    "training of {name} diverged: the loss is {train_loss} in epoch {epoch}; "
                    "lower the learning rate ({recipe.learning_rate:g})",
                    name=self.model.name,
                    train_loss=train_loss,
                    epoch=epoch + 1,
                    recipe=recipe,
                )
            validation_loss, validation_accuracy = self.validate()
            row = {
                "epoch": epoch + 1,
                "seconds": round(seconds, 3),
                "learning_rate": learning_rate,
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "validation_loss": validation_loss,
                "validation_accuracy": validation_accuracy,
            }
            if recipe.keep == "best" and all(
                validation_accuracy > past["validation_accuracy"] for past in self.history
            ):
                self.best = {name: value.clone() for name, value in module.state_dict().items()}
            self.history.append(row)
            if (epoch + 1) % rare == 0 or epoch + 1 == recipe.epochs:
                self.checkpoint()
            if on_epoch is not None:
                on_epoch(self.model, row)

        if self.best:
            module.load_state_dict(self.best)
        return self.history

    def batches(self, order: Tensor, n: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The indices of each of n batches, and its images, under the recipe's noise if there is some."""
        noise, batches = self.recipe.noise, order.tensor_split(n)
        if noise is None:
            yield from ((batch, self.images[batch]) for batch in batches)
            return
        seed = derived_seed(self.seed, "noise", epoch)
        for start in range(0, n, NOISY_BATCHES):
            group = batches[start : start + NOISY_BATCHES]
            index = torch.cat(group)
            images = under_noise(self.images[index], noise, seed, index)
            yield from zip(group, torch.split(images, [len(batch) for batch in group]), strict=True)

    def validate(self) -> tuple[float, float]:
        """(NLL, accuracy) on the validation images."""
        scores = self.model.logits(self.validation.images, self.model.precision)
        if not np.isfinite(scores).all():
            raise ModelError(
                "training of {name} diverged: its logits are not finite; lower the learning rate", name=self.model.name
            )
        accuracy = float((scores.argmax(axis=1) == self.validation.labels).mean())
        return nll(apply_temperature(scores, 1.0), self.validation.labels), accuracy

    def checkpoint(self) -> None:
        """Write all that the next epoch needs, atomically; then the history, which only repeats part of it."""
        if self.folder is None:
            return
        groups: dict[str, dict[str, Tensor]] = {
            "weights": self.model.module.state_dict(),
            "best": self.best,
            "optimizer": optimizer_tensors(self.optimizers),
        }
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

    def restore(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        if self.folder is None or not (self.folder / CHECKPOINT).is_file():
            return
        tensors = read_tensors(self.folder / CHECKPOINT)
        try:
            self.take_over(tensors)
        except (KeyError, IndexError, RuntimeError, ValueError) as error:
            raise ModelError(
                "{folder} is not of a training of {name} such as this one; remove it, or train into another folder",
                folder=self.folder / CHECKPOINT,
                name=self.model.name,
            ) from error

    def take_over(self, tensors: Tensors) -> None:
        """Set the state to what `checkpoint` wrote."""
        if not np.array_equal(tensors.pop("of"), self.identity):
            raise ValueError("another training")
        groups: dict[str, dict[str, Tensor]] = {"weights": {}, "best": {}, "optimizer": {}}
        self.history = json.loads(tensors.pop("history").tobytes())
        self.losses.copy_(torch.from_numpy(np.array(tensors.pop("losses"))))
        for path, array in tensors.items():
            group, _, name = path.partition("/")
            groups[group][name] = torch.from_numpy(np.array(array)).to(self.model.device)
        self.model.module.load_state_dict(groups["weights"])
        self.best = groups["best"]
        load_optimizer_tensors(self.optimizers, groups["optimizer"])

    def groups(self) -> Iterator[dict[str, Any]]:
        """The parameter groups of all optimisers."""
        for optimizer in self.optimizers:
            yield from optimizer.param_groups


def write_history(folder: Path, history: list[Row]) -> None:
    """history.jsonl: one JSON object for each epoch."""
    write_text(folder / "history.jsonl", "".join(json.dumps(row) + "\n" for row in history))
