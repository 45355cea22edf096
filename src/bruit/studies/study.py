"""The main job: every stage in order, each resumable from the run folder."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

import bruit
from bruit.data.dataset import DataPair
from bruit.data.sources import DEFAULT, load
from bruit.files import read_json, write_json, write_npy, write_npz
from bruit.models.store import load_model
from bruit.models.zoo import ZOO
from bruit.studies.plan import CROSSVAL, FOLDS, QUICK_FOLDS, QUICK_REPEATS, REPEATS, Plan, make_plan, quick_sample
from bruit.studies.results import SCHEMA, complete, crossval_section, dataset_section, model_section, read_results
from bruit.studies.run import SETTINGS, describe_environment, open_run, read_settings
from bruit.studies.samples import data_samples
from bruit.training.crossval import collect
from bruit.training.estimate import seconds_per_task
from bruit.training.pool import Board, Schedule, Task, run_tasks


@dataclass(frozen=True)
class Stage:
    """What a study tells its watcher: the stage it begins, and for trainings the tasks in the order of the board's rows
    and the seconds that each is expected to take."""

    name: Literal["data", "training", "test", "report", "done"]
    tasks: tuple[Task, ...] = ()
    seconds: tuple[float, ...] = ()
    schedule: Schedule | None = None


def study(
    data: str | Path | DataPair = DEFAULT,
    out: str | Path = "run",
    *,
    models: Sequence[str] = tuple(ZOO),
    crossval: Sequence[str] | None = None,
    folds: int = FOLDS,
    repeats: int = REPEATS,
    epochs: int | None = None,
    seed: int = 0,
    quick: bool = False,
    resume: bool = False,
    force: bool = False,
    workers: int | None = None,
    on_stage: Callable[[Stage], None] = lambda stage: None,
    on_board: Callable[[Board], None] | None = None,
) -> dict[str, Any]:
    """Train the models, cross-validate some of them, read the test set once, and report into the folder `out`.

    data              see `bruit.load`
    models, crossval  names of the zoo: to train, and to cross-validate in `folds` folds; by default all, and those of
                      cnn-plus and dnn-plus that are among `models`
    repeats           trainings of the first fold with other seeds, the yardstick for the folds' spread
    epochs            for every network, instead of its recipe's own
    quick             a stratified sample and fewer epochs: to see what comes, not to believe it
    resume, force     go on with the run in `out`, or replace it
    workers           trainings at once; by default as many as there are cores

    Returns results.json as a dict. Raises DataError, ConfigError or RunError, with one line of what to do.
    """
    start = time.perf_counter()
    run = Path(out)
    on_stage(Stage("data"))
    pair = load(data, seed=0)
    if quick:
        pair = quick_sample(pair, seed)
    plan = make_plan(
        pair,
        data=pair.name if isinstance(data, DataPair) else str(data),
        run=run,
        models=models,
        crossval=[name for name in CROSSVAL if name in models] if crossval is None else crossval,
        folds=min(folds, QUICK_FOLDS) if quick else folds,
        repeats=min(repeats, QUICK_REPEATS) if quick else repeats,
        epochs=epochs,
        seed=seed,
        quick=quick,
        workers=workers,
        begun=read_settings(run) if resume and (run / SETTINGS).is_file() else None,
    )
    schedule = plan.schedule
    with open_run(run, plan.settings, resume=resume, force=force):
        if resume and (run / "results.json").is_file():
            on_stage(Stage("done"))
            return read_results(run)
        write_json(run / "environment.json", describe_environment(schedule.threads, schedule.precision))
        write_json(run / "findings.json", dataset_section(pair, len(plan.models[0].validation)))
        samples = data_samples(pair, seed)
        write_npz(run / "samples.npz", samples)

        def results(status: Literal["in progress", "complete"]) -> dict[str, Any]:
            return _collect(run, pair, plan, status, time.perf_counter() - start)

        def report_so_far(task: Task) -> None:
            if task.folder.parent.name == "models" or all(fold.done for fold in plan.crossval[task.name]):
                _report(run, results("in progress"))

        expected = seconds_per_task(plan.tasks, pair.train, schedule)
        on_stage(Stage("training", plan.tasks, tuple(expected), schedule))
        run_tasks(plan.tasks, pair.train, schedule, on_done=report_so_far, on_board=on_board)

        on_stage(Stage("test"))
        write_npy(run / "test_labels.npy", pair.test.labels)
        write_npy(run / "test_ids.npy", pair.test.ids)
        for task in plan.tasks:
            if not (task.folder / "test_probs.npy").is_file():
                write_npy(task.folder / "test_probs.npy", load_model(task.folder).probabilities(pair.test.images))

        on_stage(Stage("report"))
        final = results("complete")
        for name, model in final["models"].items():
            wrong = [mistake["index"] for mistake in model["test"]["worst_mistakes"]]
            samples[f"mistakes/{name}"] = pair.test.images[np.array(wrong, dtype=np.int64)]
        write_npz(run / "samples.npz", samples)
        _report(run, final)
        write_json(run / "results.json", final)
        on_stage(Stage("done"))
        return final


def _collect(
    run: Path, pair: DataPair, plan: Plan, status: Literal["in progress", "complete"], seconds: float
) -> dict[str, Any]:
    """results.json as far as the run folder's files go."""
    settings = plan.settings
    ended = status == "complete"
    dataset = read_json(run / "findings.json")
    test = (pair.test.labels, pair.test.ids) if ended else None
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "status": status,
        "version": bruit.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(),
        "seed": settings.seed,
        "quick": settings.quick,
        "plan": {"models": list(settings.models), "crossval": list(settings.crossval)},
        "seconds": seconds,
        "dataset": dataset,
        "models": {
            name: model_section(run / "models" / name, dataset["classes"], test)
            for name in settings.models
            if (run / "models" / name / "config.json").is_file()
        },
        "crossval": {
            name: crossval_section(
                collect(name, pair.train, tasks, settings.folds, run / "crossval" / name),
                run / "crossval" / name,
                pair.train.labels,
                pair.test.labels if ended else None,
            )
            for name, tasks in plan.crossval.items()
            if all(task.done for task in tasks)
        },
        "environment": read_json(run / "environment.json"),
    }
    return complete(results, run)


def _command() -> str:
    """The command line that this is, without the machine's paths to it."""
    program = Path(sys.argv[0])
    if program.stem == "bruit" or program.parent.name == "bruit":  # the latter is `python -m bruit`
        return shlex.join(["bruit", *(word for word in sys.argv[1:] if word not in ("--resume", "--force"))])
    return "bruit.study(…), called from Python"


def _report(run: Path, results: dict[str, Any]) -> None:
    from bruit.report.report import write

    write(run, results)
