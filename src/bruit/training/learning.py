"""The learning curve: one model trained on more and more images, and asked about images that it never saw."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, refuse_no_dataset
from bruit.evaluation.power_law import learning_curve as fit_curve
from bruit.files import read_npy
from bruit.locale import Sentence
from bruit.models.zoo import entry
from bruit.training.claim import claim
from bruit.training.device import Precision, choose_precision
from bruit.training.pool import Board, Schedule, Task, run_tasks
from bruit.training.recipe import derived_seed
from bruit.training.sizes import MOST_DRAWS, OF_EACH_CLASS, curve_sizes, draws_of, nested_order
from bruit.training.splits import Index, refuse_rare, validation_split
from bruit.training.stored import drop_damaged
from bruit.whole import whole

REQUEST = "learning.json"


def learning_curve(
    name: str,
    dataset: Dataset,
    *,
    seed: int = 0,
    epochs: int | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    precision: Precision | None = None,
    on_begin: Callable[[list[Task], Schedule], None] = lambda left, schedule: None,
    on_board: Callable[[Board], None] | None = None,
) -> dict[str, Any]:
    """Would more images help? The errors of the zoo's model `name` against the number of its training images.

    It is trained on about seven sizes of nested, stratified parts of `dataset`, the small ones drawn up to three times;
    each draw holds a tenth of the images out for its models to be tested on. Then a power law is fitted.

    epochs    instead of the recipe's own, at each size; by default a small part is gone through more often, as the
              recipe's `least_steps` has it, so that the curve shows what images bring and not what steps do
    folder    where each training leaves its model; what is finished there, of the same model, data, seed and epochs, is
              not done again
    workers, precision, on_begin, on_board
              see `bruit.cross_validate`

    Returns {"points", "fit", "doubts", "predictions", "verdict"}, see `bruit.evaluation.power_law.learning_curve`.
    Raises ConfigError for an unknown name, DataError for fewer than 4 images of a class, RunError if `folder` holds
    something else.
    """
    seed, epochs, workers = whole("seed", seed), whole("epochs", epochs), whole("workers", workers)
    refuse_no_dataset(dataset)
    with tempfile.TemporaryDirectory(prefix="bruit-") as temporary:
        base = Path(folder or temporary)
        entry(name)
        points = curve_points(name, dataset, seed=seed, epochs_of=lambda n: epochs, folder=base)
        tasks = [point.task for point in points]
        request = {"model": name, "seed": seed, "epochs": epochs, "fingerprint": dataset.fingerprint()}
        with claim(base, REQUEST, request, resume=True):
            for task in tasks:
                drop_damaged(task.folder)
            schedule = Schedule.plan(len(tasks), precision or choose_precision(), workers)
            on_begin([task for task in tasks if not task.done], schedule)
            run_tasks(tasks, dataset, schedule, on_board=on_board)
            return collect_curve(points, dataset, seed)


@dataclass(frozen=True)
class Point:
    """One training of a learning curve: how many images it was given, of which draw, and on which it is tested."""

    size: int
    draw: int
    task: Task

    @property
    def held_out(self) -> tuple[str, Index]:
        """The file of its predictions, and the index of their images: of a study's training, its validation part."""
        task = self.task
        return ("val_probs.npy", task.validation) if task.held_out is None else ("held_out_probs.npy", task.held_out)


def curve_points(
    name: str,
    dataset: Dataset,
    *,
    seed: int,
    epochs_of: Callable[[int], int | None],
    folder: Path,
    most_draws: int = MOST_DRAWS,
    whole: Task | None = None,
    best: bool = False,
) -> list[Point]:
    """One training for each size and draw, the largest first, as it takes longest.

    Each draw holds out a tenth of its own, and takes its sizes from the rest. The model is trained on all images of a
    size; only where its recipe keeps the best epoch, a tenth of them chooses it.

    whole  a study's training on all but its validation images: the first draw has the same two parts, and, where those
           images chose no epoch, that training as its largest
    best   by the recipe that takes the time it needs
    """
    least = OF_EACH_CLASS + 1
    need = Sentence("a learning curve needs {n} of each class: add images of it, or remove the class", n=least)
    refuse_rare(dataset, least, need)
    recipe = entry(name).recipe_for(best)
    chooses = recipe is not None and recipe.keep == "best"
    sizes: list[int] = []
    points = []
    for draw in range(most_draws):
        if draw == 0 and whole is not None:
            members, held_out = whole.train, whole.validation
        else:
            members, held_out = validation_split(dataset, derived_seed(seed, "learning", draw))
        order = nested_order(dataset, members, derived_seed(seed, "nested", draw))
        sizes = sizes or curve_sizes(len(members), len(dataset.classes))
        for size in (size for size in sizes if draw < draws_of(size, most_draws)):
            if whole is not None and draw == 0 and size == len(members) and not chooses:
                points.append(Point(size, draw, whole))
                continue
            part, validation = np.sort(order[:size]), held_out
            if chooses:
                kept, inner = validation_split(dataset.subset(part), derived_seed(seed, "inner", draw))
                part, validation = part[kept], part[inner]
            task_seed = derived_seed(seed, name, "learning", size, draw)
            place = folder / f"size-{size}-draw-{draw}"
            task = Task(name, part, validation, task_seed, place, epochs_of(len(part)), held_out, best=best)
            points.append(Point(size, draw, task))
    return sorted(points, key=lambda point: -point.size)


def collect_curve(points: Sequence[Point], dataset: Dataset, seed: int) -> dict[str, Any]:
    """The curve through the finished trainings of `curve_points`."""
    draws: dict[int, dict[int, NDArray[np.bool_]]] = {}
    for point in points:
        file, index = point.held_out
        probabilities = np.array(read_npy(point.task.folder / file))
        draws.setdefault(point.draw, {})[point.size] = probabilities.argmax(axis=1) != dataset.labels[index]
    return fit_curve(list(draws.values()), seed)
