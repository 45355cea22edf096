"""The training loop, which reads from top to bottom: of one training, or of several in lockstep."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bruit.models.batched import batched
from bruit.training.augment import augment, changes
from bruit.training.device import keep_freed_memory
from bruit.training.member import Member, Progress
from bruit.training.optimizers import load_optimizer_tensors, make_optimizers, optimizer_tensors
from bruit.training.stream import Stream

# Of a training: one after each epoch, where there are no more of them.
CHECKPOINTS = 50
# Put under noise together: of each corruption there are few images in a batch, and each call costs as much as some.
NOISY_BATCHES = 16


class Loop:
    """k trainings, mostly one, of the same network by the same recipe, with as many batches in each epoch.

    Several are one network with k times the channels, whose loss is the sum of theirs: each training has the gradients,
    and takes the random numbers, that it would have alone. Of (B, k) batches, a column belongs to a training.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members, k = members, len(members)
        self.recipe, self.model, self.module = members[0].recipe, members[0].model, members[0].model.module
        self.device = self.model.device
        if k > 1:
            for one in members:
                one.stream = Stream.apart(self.device)
            self.module = batched([one.model.module for one in members], [one.stream for one in members])
        self.images = one_after_the_other([one.train.images for one in members]).to(self.device)
        self.labels = one_after_the_other([one.train.labels for one in members]).to(self.device)
        self.losses = torch.zeros(len(self.labels), device=self.device)
        start = 0
        for one in members:
            one.start, one.losses = start, self.losses[start : start + len(one.train)]
            start += len(one.train) + 1
        self.optimizers = make_optimizers(self.module, self.recipe, k)

    def run(self, resume: bool = False) -> None:
        """Train to the last epoch; the weights to keep are in the models afterwards, and the rows in the histories."""
        recipe, module, k = self.recipe, self.module, len(self.members)
        keep_freed_memory()
        if resume:
            self.restore()
        done, n_batches = len(self.members[0].history), recipe.batches_per_epoch(len(self.members[0].train))
        steps, step = sum(n_batches), sum(n_batches[:done])
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.model.precision == "bf16")
        # An epoch of few images takes less time than to write a checkpoint.
        rare = math.ceil(recipe.epochs / CHECKPOINTS)

        for epoch in range(done, recipe.epochs):
            orders, weights = self.draw(epoch)
            seen, total_loss, total_right = torch.zeros(3, k, device=self.device)
            learning_rate, start = 0.0, time.perf_counter()
            module.train()
            for batch, pixels in self.batches(orders, n_batches[epoch], epoch):
                learning_rate = recipe.learning_rate_at(step, steps)
                for group in self.groups():
                    group["lr"] = group["peak"] * learning_rate / recipe.learning_rate
                targets, weight = self.labels[batch], weights[batch]
                with autocast:
                    logits = module.from_pixels(pixels).float().view(targets.numel(), -1)
                loss = F.cross_entropy(
                    logits, targets.flatten(), reduction="none", label_smoothing=recipe.label_smoothing
                ).view_as(targets)
                module.zero_grad(set_to_none=True)
                torch.autograd.backward(((loss * weight).sum(0) / weight.sum(0)).sum())
                for optimizer in self.optimizers:
                    optimizer.step()
                step += 1
                # What the report draws beside the validation loss, and what a focus goes by: without smoothing.
                plain = loss.detach()
                if recipe.label_smoothing:
                    plain = F.cross_entropy(logits.detach(), targets.flatten(), reduction="none").view_as(targets)
                self.losses[batch] = plain
                seen += weight.sum(0)
                total_loss += (plain * weight).sum(0)
                total_right += ((logits.argmax(1).view_as(targets) == targets) * weight).sum(0)
                if step % 10 == 0 or step == steps:
                    self.report(step, steps, epoch, total_loss / seen, total_right / seen)
            train_losses, train_accuracies = (total_loss / seen).tolist(), (total_right / seen).tolist()
            seconds = (time.perf_counter() - start) / k
            for one, train_loss, train_accuracy in zip(self.members, train_losses, train_accuracies, strict=True):
                one.end_epoch(
                    {
                        "epoch": epoch + 1,
                        "seconds": round(seconds, 3),
                        "learning_rate": learning_rate,
                        "train_loss": train_loss,
                        "train_accuracy": train_accuracy,
                    }
                )
            if (epoch + 1) % rare == 0 or epoch + 1 == recipe.epochs:
                self.checkpoint()
            for one in self.members:
                if one.on_epoch is not None:
                    one.on_epoch(one.model, one.history[-1])

        for one in self.members:
            if one.best:
                one.model.module.load_state_dict(one.best)

    def draw(self, epoch: int) -> tuple[list[Tensor], Tensor]:
        """The images that each training sees in one epoch, in its order, and the weights of the images of all."""
        orders, weights = [], torch.zeros_like(self.losses)
        for one in self.members:
            order, own = one.draw(epoch)
            weights[one.start : one.start + len(own)] = own
            orders.append(order)
        return orders, weights

    def batches(self, orders: Sequence[Tensor], n: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The indices (B, k) of each of n batches, and its images, (B, k, H, W) in 0…1: augmented, and then under the
        recipe's noise, which is not to be turned or smoothed with what it falls on.
        """
        parts = list(zip(*(order.tensor_split(n) for order in orders), strict=True))
        noise = self.recipe.noise
        at_once = 1 if noise is None else NOISY_BATCHES
        for start in range(0, n, at_once):
            group = [self.side_by_side(part) for part in parts[start : start + at_once]]
            lengths = [tuple(map(len, part)) for part in parts[start : start + at_once]]
            shown = [
                self.augmented(self.images[batch].float() / 255, own) for batch, own in zip(group, lengths, strict=True)
            ]
            if noise is not None:
                index, clean = torch.cat(group), (torch.cat(shown) * 255).round().to(torch.uint8)
                noisy = [one.noisy(clean[:, at], index[:, at], epoch) for at, one in enumerate(self.members)]
                shown = list(torch.split(torch.stack(noisy, 1).float() / 255, [len(batch) for batch in group]))
            for own, batch, pixels in zip(lengths, group, shown, strict=True):
                for one, length in zip(self.members, own, strict=True):
                    one.stream.n = length
                yield batch, pixels

    def side_by_side(self, part: Sequence[Tensor]) -> Tensor:
        """Batches of k trainings as the columns of one. One that is short is filled up with an image that counts for
        nothing in its loss; batch norm does see it.
        """
        longest = max(map(len, part))
        return torch.stack(
            [
                F.pad(own, (0, longest - len(own)), value=one.start + len(one.train)) if len(own) < longest else own
                for one, own in zip(self.members, part, strict=True)
            ],
            1,
        )

    def augmented(self, pixels: Tensor, lengths: Sequence[int]) -> Tensor:
        """(B, k, H, W), of which each training has so many, changed at random: all images by one call, with the numbers
        of each training's own stream.
        """
        ranges = self.recipe.augmentation
        if ranges is None:
            return pixels
        own = [changes(n, ranges, one.stream.pixels) for n, one in zip(lengths, self.members, strict=True)]
        by = torch.stack([F.pad(numbers, (0, len(pixels) - numbers.shape[1])) for numbers in own], 2)
        return augment(pixels.flatten(0, 1).unsqueeze(1), ranges, by.flatten(1)).view_as(pixels)

    def report(self, step: int, steps: int, epoch: int, losses: Tensor, accuracies: Tensor) -> None:
        """Tell those who watch; nothing waits for the device where nobody does."""
        if all(one.on_progress is None for one in self.members):
            return
        for one, loss, accuracy in zip(self.members, losses.tolist(), accuracies.tolist(), strict=True):
            if one.on_progress is not None:
                one.on_progress(Progress(step, steps, epoch + 1, loss, accuracy))

    def checkpoint(self) -> None:
        """Write the checkpoint of each training: the one that it would write alone."""
        k, optimizer = len(self.members), optimizer_tensors(self.optimizers)
        for at, one in enumerate(self.members):
            one.checkpoint({name: value.chunk(k)[at] if value.ndim else value for name, value in optimizer.items()})

    def restore(self) -> None:
        """Go on from the last checkpoints, if there are some: of each training, and of the same epoch."""
        states = [one.restore() for one in self.members]
        assert len({len(one.history) for one in self.members}) == 1  # see `alike`
        if not self.members[0].history:
            return
        with self.members[0].refusing_others():
            optimizer = {name: [state[name] for state in states] for name in states[0]}
            load_optimizer_tensors(
                self.optimizers,
                {name: torch.cat(values) if values[0].ndim else values[0] for name, values in optimizer.items()},
            )

    def groups(self) -> Iterator[dict[str, Any]]:
        """The parameter groups of all optimisers."""
        for optimizer in self.optimizers:
            yield from optimizer.param_groups


def one_after_the_other(arrays: Sequence[NDArray[Any]]) -> Tensor:
    """The images or labels of k trainings; of several, each ends with a repeat of its first one, see `side_by_side`."""
    if len(arrays) == 1:
        return torch.tensor(np.ascontiguousarray(arrays[0]))
    return torch.tensor(np.concatenate([part for array in arrays for part in (array, array[:1])]))
