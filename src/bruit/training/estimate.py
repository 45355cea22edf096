"""How long trainings will take here: measured on a few steps before they begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from bruit.data.dataset import Dataset
from bruit.models.zoo import entry
from bruit.training.fit import fit
from bruit.training.pool import Schedule, Task

# scikit-learn's baselines, seconds an image: rough, and too short to matter beside the networks.
BASELINE = 3e-4
STEPS = 3


def seconds_per_task(tasks: Sequence[Task], dataset: Dataset, schedule: Schedule) -> list[float]:
    """The time that each task will take with the schedule's number of threads; about a second to find out."""
    speed = {name: seconds_per_image(name, dataset, schedule) for name in {task.name for task in tasks}}
    return [speed[task.name] * len(task.train) * epochs_of(task.name, task.epochs) for task in tasks]


def epochs_of(name: str, asked: int | None) -> int:
    """The epochs that the zoo's model `name` is trained for, if `asked` does not say otherwise."""
    recipe = entry(name).recipe
    return 1 if recipe is None else asked or recipe.epochs


def seconds_per_image(name: str, dataset: Dataset, schedule: Schedule) -> float:
    """The time of one image in one epoch of the zoo's model `name`."""
    recipe = entry(name).recipe
    if recipe is None:
        return BASELINE
    n = min(len(dataset), STEPS * recipe.batch_size)
    few = dataset.subset(np.arange(n))
    threads = torch.get_num_threads()
    torch.set_num_threads(schedule.threads)
    try:
        # The first epoch pays for what happens once; the second one is what all others are like.
        epochs = fit(name, few, few.subset(np.arange(min(n, 16))), epochs=2, precision=schedule.precision).history
    finally:
        torch.set_num_threads(threads)
    return float(epochs[-1]["seconds"] / n)


def total(seconds: Sequence[float], schedule: Schedule) -> float:
    """The time that all of them take together, which no more than the longest of them can be split."""
    return max([sum(seconds) / schedule.workers, *seconds], default=0.0)
