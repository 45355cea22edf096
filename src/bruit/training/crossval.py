"""k-fold cross-validation: a fresh model a fold, every image predicted once by a model that never saw it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, refuse_no_dataset
from bruit.evaluation.metrics import nll
from bruit.files import read_json, read_npy, write_npy
from bruit.models.zoo import entry
from bruit.training.claim import claim
from bruit.training.device import Precision, choose_precision
from bruit.training.pool import Board, Schedule, Task, run_tasks
from bruit.training.recipe import derived_seed
from bruit.training.splits import folds, validation_split
from bruit.training.stored import drop_damaged, read_history
from bruit.whole import whole

REQUEST = "crossval.json"


@dataclass(frozen=True)
class FoldFit:
    """One fold's model: its figures on the images it was kept from, and its history."""

    fold: int
    seed: int
    n: int
    n_train: int
    accuracy: float
    nll: float
    seconds: float
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation of one model gives.

    folds              (N,) int64, the fold in which each image was held out
    oof_probabilities  (N, C) float32, out-of-fold: row i by the model that never saw image i
    fits               one FoldFit for each fold
    repeats            the first fold again with other seeds: what chance alone changes
    """

    name: str
    folds: NDArray[np.int64]
    oof_probabilities: NDArray[np.float32]
    fits: tuple[FoldFit, ...]
    repeats: tuple[FoldFit, ...]

    @property
    def mean(self) -> float:
        return float(np.mean([fit.accuracy for fit in self.fits]))

    @property
    def std(self) -> float:
        """Standard deviation of the folds' accuracies (ddof 1)."""
        return float(np.std([fit.accuracy for fit in self.fits], ddof=1))


def cross_validate(
    name: str,
    dataset: Dataset,
    *,
    k: int = 5,
    repeats: int = 0,
    seed: int = 0,
    epochs: int | None = None,
    folder: str | Path | None = None,
    force: bool = False,
    workers: int | None = None,
    precision: Precision | None = None,
    on_begin: Callable[[list[Task], Schedule], None] = lambda left, schedule: None,
    on_board: Callable[[Board], None] | None = None,
) -> CrossValidation:
    """Cross-validate the zoo's model `name` on `dataset`, several folds at once where there are cores for it.

    k        stratified folds; the same (data set, k, seed) gives the same folds for every model
    repeats  train the first fold this many times more with other seeds
    folder   where each fold leaves its model and history; what is finished there, of the same model, data, k, seed and
             epochs, is not done again
    force    replace what another cross-validation left in `folder`
    workers  trainings at once; by default as many as there are cores
    on_begin called once, with the trainings that are left to do and how they will run
    on_board called about three times a second with (trainings, 4) float32: fraction done, epoch, loss, accuracy

    Raises ConfigError for k < 2 or repeats < 0, DataError if a class has fewer images than folds, RunError if `folder`
    holds something else.
    """
    k, repeats, seed = whole("folds", k), whole("repeats", repeats), whole("seed", seed)
    epochs, workers = whole("epochs", epochs), whole("workers", workers)
    refuse_no_dataset(dataset)
    with tempfile.TemporaryDirectory(prefix="bruit-", ignore_cleanup_errors=True) as temporary:
        base = Path(folder or temporary)
        entry(name)
        tasks = fold_tasks(name, dataset, k=k, repeats=repeats, seed=seed, epochs=epochs, folder=base)
        request = {"model": name, "folds": k, "seed": seed, "epochs": epochs, "fingerprint": dataset.fingerprint()}
        with claim(base, REQUEST, request, resume=True, force=force, stale=_left_in(base) if force else ()):
            for task in tasks:
                drop_damaged(task.folder)
            schedule = Schedule.plan(len(tasks), precision or choose_precision(), workers)
            on_begin([task for task in tasks if not task.done], schedule)
            run_tasks(tasks, dataset, schedule, on_board=on_board)
            return collect(name, dataset, tasks, k, base)


def _left_in(folder: Path) -> tuple[str, ...]:
    """What a cross-validation leaves in its folder."""
    parts = ("folds.npy", "oof_probs.npy", "fold-*", "repeat-*")
    return tuple(path.name for part in parts for path in sorted(folder.glob(part)))


def fold_tasks(
    name: str,
    dataset: Dataset,
    *,
    k: int,
    repeats: int,
    seed: int,
    epochs: int | None,
    folder: Path,
    seen: str | None = None,
    best: bool = False,
) -> list[Task]:
    """One training for each fold, then the repeats of the first.

    Each fold sets a validation part of its own training images apart; the held-out images choose nothing.
    """
    tasks = []
    for fold, (rest, held_out) in enumerate(folds(dataset, k, derived_seed(seed, "folds"))):
        kept, inner = validation_split(dataset.subset(rest), derived_seed(seed, "fold", fold))
        for repeat in range(1 + repeats if fold == 0 else 1):
            place = f"repeat-{repeat}" if repeat else f"fold-{fold}"
            task_seed = derived_seed(seed, name, "fold", fold, repeat)
            tasks.append(
                Task(name, rest[kept], rest[inner], task_seed, folder / place, epochs, held_out, seen=seen, best=best)
            )
    return sorted(tasks, key=lambda task: task.folder.name.startswith("repeat"))


def collect(name: str, dataset: Dataset, tasks: list[Task], k: int, folder: Path) -> CrossValidation:
    """Put the finished tasks of `fold_tasks` together; writes folds.npy and oof_probs.npy into `folder`."""
    where = np.empty(len(dataset), np.int64)
    oof = np.empty((len(dataset), len(dataset.classes)), np.float32)
    fits = []
    for index, task in enumerate(tasks):
        assert task.held_out is not None
        probabilities = np.array(read_npy(task.folder / "held_out_probs.npy"))
        if index < k:
            where[task.held_out], oof[task.held_out] = index, probabilities
        labels = dataset.labels[task.held_out]
        fits.append(
            FoldFit(
                fold=index if index < k else 0,
                seed=task.seed,
                n=len(labels),
                n_train=len(task.train),
                accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
                nll=nll(probabilities, labels),
                seconds=read_json(task.folder / "config.json")["train"]["seconds"],
                history=read_history(task.folder),
            )
        )
    write_npy(folder / "folds.npy", where)
    write_npy(folder / "oof_probs.npy", oof)
    return CrossValidation(name, where, oof, tuple(fits[:k]), tuple(fits[k:]))


def summary(result: CrossValidation, labels: NDArray[np.int64]) -> dict[str, Any]:
    """The figures of a cross-validation as plain values, in the words of results.json."""
    right = result.oof_probabilities.argmax(axis=1) == labels
    accuracy = float(right.mean())
    seeds = [result.fits[0].accuracy, *(fit.accuracy for fit in result.repeats)]
    return {
        "model": result.name,
        "k": len(result.fits),
        "folds": [
            {"fold": fit.fold, "n": fit.n, "accuracy": fit.accuracy, "nll": fit.nll, "seconds": fit.seconds}
            for fit in result.fits
        ],
        "mean": result.mean,
        "std": result.std,
        "binomial_std": float(np.sqrt(accuracy * (1 - accuracy) / np.mean([fit.n for fit in result.fits]))),
        "seed_std": float(np.std(seeds, ddof=1)) if result.repeats else None,
        "oof_accuracy": accuracy,
    }
