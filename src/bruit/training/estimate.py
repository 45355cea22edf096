"""How long trainings will take here: measured on a few steps before they begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bruit.data.dataset import Dataset
from bruit.models.zoo import entry
from bruit.training.device import limited_threads
from bruit.training.fit import fit
from bruit.training.pool import Schedule, Task

# scikit-learn's baselines, seconds an image: rough, and too short to matter beside the networks.
BASELINE = 3e-4
STEPS = 3


def seconds_per_task(tasks: Sequence[Task], dataset: Dataset, schedule: Schedule) -> list[float]:
    """The time that each task will take with the schedule's number of threads; about a second to find out."""
    speed = {name: seconds_per_image(name, dataset, schedule) for name in {task.name for task in tasks}}
    return [speed[task.name] * task.images_seen for task in tasks]


def images_seen(name: str, n: int, epochs: int | None = None, fine: bool = False) -> int:
    """How many images a training of the zoo's model `name` on n of them sees in all `epochs`, or its recipe's own; or a
    fine-tuning.
    """
    recipe = entry(name).recipe
    if recipe is None:
        return n
    recipe = recipe.fine_tuning() if fine else recipe
    return sum(recipe.for_images(n, epochs).images_per_epoch(n))


def seconds_per_image(name: str, dataset: Dataset, schedule: Schedule) -> float:
    """The time of one image, each time that a training of the zoo's model `name` sees it."""
    recipe = entry(name).recipe
    if recipe is None:
        return BASELINE
    n = min(len(dataset), STEPS * recipe.batch_size)
    few = dataset.subset(np.arange(n))
    with limited_threads(schedule.threads):
        # The first epoch pays for what happens once; the second one is what all others are like.
        both = replace(recipe, epochs=2, focus=None, least_steps=0)
        epochs = fit(name, few, few.subset(np.arange(min(n, 16))), recipe=both, precision=schedule.precision).history
    return float(epochs[-1]["seconds"] / n)


def total(seconds: Sequence[float], schedule: Schedule) -> float:
    """The time that all of them take together, which no more than the longest of them can be split."""
    return max([sum(seconds) / schedule.workers, *seconds], default=0.0)
