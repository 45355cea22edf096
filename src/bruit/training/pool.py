"""Many trainings at once, each in a process of its own with a fixed number of threads."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from pickle import PicklingError

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset
from bruit.errors import RunError
from bruit.files import write_npy
from bruit.models.trained import Trained
from bruit.models.zoo import entry
from bruit.noise.mixture import Mixture
from bruit.outside.export import write_to_read
from bruit.training.alike import Group, alike
from bruit.training.device import Precision, limited_threads
from bruit.training.fit import Job, fit_all, prepare
from bruit.training.member import Progress
from bruit.training.recipe import Recipe
from bruit.training.splits import Index


@dataclass(frozen=True)
class Task:
    """One training on a part of a data set.

    train, validation  index into the data set
    held_out           index of images to predict afterwards, into held_out_probs.npy; None for none
    noise              what the training images are augmented by, beside what the recipe of the zoo has
    folder             where it leaves its files; config.json is written last and marks it as done
    seen               what the data are called, for config.json
    best               by the recipe that takes the time it needs
    """

    name: str
    train: Index
    validation: Index
    seed: int
    folder: Path
    epochs: int | None = None
    held_out: Index | None = None
    noise: Mixture | None = None
    seen: str | None = None
    best: bool = False

    @property
    def recipe(self) -> Recipe | None:
        """How the network is trained; None for a baseline."""
        recipe = entry(self.name).recipe_for(self.best)
        return None if recipe is None else replace(recipe, noise=self.noise).for_images(len(self.train), self.epochs)

    @property
    def images_seen(self) -> int:
        """How many images all its epochs see."""
        n, recipe = len(self.train), self.recipe
        return n if recipe is None else sum(recipe.images_per_epoch(n))

    @property
    def done(self) -> bool:
        return (self.folder / "config.json").is_file()


@dataclass(frozen=True)
class Schedule:
    """How many trainings run at once, and with how many threads each.

    The number of threads enters the last digits of the weights: it is fixed for a study, so that a resumed one
    ends alike.

    batched  whether trainings that are alike run as one, up to AT_ONCE of them: a GPU, which one small network leaves
             mostly idle, then does as much in nearly the time of one; a CPU gains nothing
    """

    workers: int
    threads: int
    precision: Precision
    batched: bool = False

    @classmethod
    def plan(cls, n_tasks: int, precision: Precision, cores: int | None = None) -> Schedule:
        """One thread a training where there are trainings enough to fill all cores: threads of one wait for
        each other.
        """
        import torch

        if torch.cuda.is_available():
            return cls(1, cores or usable_cores(), precision, batched=True)
        cores = cores or usable_cores()
        threads = max(1, cores // max(1, n_tasks))
        return cls(max(1, min(n_tasks, cores // threads)), threads, precision)


def usable_cores() -> int:
    """The processor cores that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())  # knows of affinity and of a container's share


# What a running training tells the others: fraction done, epoch, loss, accuracy.
FIELDS = 4
Board = NDArray[np.float32]


def run_tasks(
    tasks: Sequence[Task],
    dataset: Dataset,
    schedule: Schedule,
    *,
    on_done: Callable[[Task], None] = lambda task: None,
    on_board: Callable[[Board], None] | None = None,
) -> None:
    """Run the tasks that are not done yet, in order, resuming each from its last checkpoint.

    on_done   called in this process as each task ends
    on_board  called about three times a second with (len(tasks), 4) float32: fraction done, epoch, loss, accuracy

    An error in one of them is raised here, once the others that run have been stopped.
    """
    # On Windows a file that is still mapped stays; whoever stops us with an error may hold the board.
    with tempfile.TemporaryDirectory(prefix="bruit-", ignore_cleanup_errors=True) as temporary:
        _run_all(tasks, dataset, schedule, Path(temporary) / "board.npy", on_done, on_board)


def _run_all(
    tasks: Sequence[Task],
    dataset: Dataset,
    schedule: Schedule,
    path: Path,
    on_done: Callable[[Task], None],
    on_board: Callable[[Board], None] | None,
) -> None:
    with _broken_pool_is_said():
        board = np.lib.format.open_memmap(path, "w+", np.float32, (len(tasks), FIELDS))
    board[[task.done for task in tasks], 0] = 1
    with _watch(board, on_board):
        left = [(row, task) for row, task in enumerate(tasks) if not task.done]
        groups = alike(left) if schedule.batched else [[one] for one in left]
        if schedule.workers == 1:
            for group in groups:
                for task in _run(group, dataset, schedule, path):
                    on_done(task)
            return
        from joblib import Parallel, delayed

        parallel = Parallel(
            schedule.workers,
            backend="loky",
            return_as="generator_unordered",
            pre_dispatch=schedule.workers,
            initializer=_watch_parent,
            initargs=(os.getpid(),),
        )
        with _broken_pool_is_said():
            for ended in parallel(delayed(_run)(group, dataset, schedule, path) for group in groups):
                for task in ended:
                    on_done(task)


@contextmanager
def _broken_pool_is_said() -> Iterator[None]:
    """What is no error of a training, but of its process, as a RunError."""
    try:
        yield
    except BrokenProcessPool as error:
        raise RunError(
            "a training was ended from outside, as by a system without memory left; go on with --resume and "
            "fewer --workers"
        ) from error
    except (OSError, PicklingError) as error:
        raise RunError(
            "cannot hand the images to the trainings: {error}; free some space for temporary files, or set TMPDIR and "
            "JOBLIB_TEMP_FOLDER to a folder that has it",
            # The last line of what happened in the thread that packs the images.
            error=str(error.__cause__ or error).strip('"\n').rpartition("\n")[2],
        ) from error


@contextmanager
def _watch(board: Board, on_board: Callable[[Board], None] | None) -> Iterator[None]:
    """Report the board from a thread while the body runs, and once more at its end."""
    if on_board is None:
        yield
        return
    stop = threading.Event()

    def report() -> None:
        while not stop.wait(0.3):
            on_board(board)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    on_board(board)


def _run(group: Group, dataset: Dataset, schedule: Schedule, board_path: Path) -> list[Task]:
    """Train one task, or several as one."""
    board = np.load(board_path, mmap_mode="r+")

    def show(row: int, progress: Progress) -> None:
        board[row] = (progress.step / progress.steps * 0.999, progress.epoch, progress.loss, progress.accuracy)

    with limited_threads(schedule.threads):
        jobs = [_job(task, dataset, schedule.precision) for _, task in group]
        fit_all(
            [replace(job, on_progress=partial(show, row)) for job, (row, _) in zip(jobs, group, strict=True)],
            resume=True,
        )
    board[[row for row, _ in group], 0] = 1
    return [task for _, task in group]


def _job(task: Task, dataset: Dataset, precision: Precision) -> Job:
    recipe, held_out = task.recipe, task.held_out
    job = prepare(
        task.name,
        dataset.subset(task.train),
        dataset.subset(task.validation),
        recipe=recipe,
        epochs=None if recipe is None else recipe.epochs,
        seed=task.seed,
        seen=task.seen,
        folder=task.folder,
        precision=precision,
    )
    # Written before fit's last file, so that a finished folder has it: what held-out images become, or, of a model that
    # is there to be used, what a Reader opens.
    if held_out is not None:
        return replace(job, before_stored=partial(_predict_held_out, task, dataset))
    return replace(job, before_stored=partial(write_to_read, folder=task.folder))


def _predict_held_out(task: Task, dataset: Dataset, model: Trained) -> None:
    assert task.held_out is not None
    write_npy(task.folder / "held_out_probs.npy", model.probabilities(dataset.images[task.held_out]))


def _watch_parent(parent: int) -> None:
    """End this worker with its study: it must not go on writing into a folder that another study may resume."""

    def watch() -> None:
        _await_end(parent)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _await_end(parent: int) -> None:
    """Return once the process that started this one has ended."""
    if sys.platform == "win32":
        # There getppid goes on naming a parent that is gone; the process itself can be waited for.
        kernel32 = ctypes.WinDLL("kernel32")
        kernel32.OpenProcess.restype = ctypes.c_void_p
        synchronize, infinite, failed = 0x0010_0000, 0xFFFF_FFFF, 0xFFFF_FFFF
        handle = kernel32.OpenProcess(synchronize, False, parent)
        if not handle or kernel32.WaitForSingleObject(ctypes.c_void_p(handle), infinite) == failed:
            threading.Event().wait()  # it cannot be watched
        return
    while os.getppid() == parent:
        time.sleep(0.2)
