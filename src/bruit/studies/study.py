"""The main job: every stage in order, each resumable from the run folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

import bruit
from bruit.data.checks import diagnose
from bruit.data.dataset import DataPair
from bruit.data.sources import load
from bruit.errors import ConfigError, DataError, RunError
from bruit.files import read_json, write_json, write_npy, write_npz
from bruit.locale import language, mark
from bruit.models.store import load_model
from bruit.seals import broken, seal
from bruit.shell import typed
from bruit.studies import augmentation, ensemble, under_noise
from bruit.studies import outside as outside_models
from bruit.studies.finished import SCHEMA, read_results
from bruit.studies.outside import Outside
from bruit.studies.plan import Choice, Plan, make_plan, quick_sample
from bruit.studies.results import complete, crossval_section, dataset_section, model_section
from bruit.studies.run import describe_environment, keep_session, open_run, sealed_files, session, settings_to_resume
from bruit.studies.samples import Pictures, data_samples, finding_samples
from bruit.training.crossval import collect
from bruit.training.estimate import seconds_per_task
from bruit.training.learning import collect_curve
from bruit.training.pool import Board, Schedule, Task, run_tasks
from bruit.training.stored import drop_damaged
from bruit.whole import refuse_no_flag, whole


@dataclass(frozen=True)
class Stage:
    """What a study tells its watcher: the stage it begins, and for trainings the tasks in the order of the board's
    rows, the seconds that each is expected to take, and those of what comes `after` them.
    """

    name: Literal["data", "training", "test", "robustness", "report", "done"]
    tasks: tuple[Task, ...] = ()
    seconds: tuple[float, ...] = ()
    schedule: Schedule | None = None
    after: float = 0.0


def study(
    data: str | Path | DataPair | None = None,
    out: str | Path = "run",
    *,
    models: Sequence[str] | None = None,
    crossval: Sequence[str] | None = None,
    learning_curve: bool | Sequence[str] | None = None,
    robustness: bool | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    epochs: int | None = None,
    augment: str | Path | None = None,
    seed: int | None = None,
    quick: bool | None = None,
    best: bool | None = None,
    outside: Outside | None = None,
    resume: bool = False,
    force: bool = False,
    workers: int | None = None,
    on_stage: Callable[[Stage], None] = lambda stage: None,
    on_board: Callable[[Board], None] | None = None,
    on_sets: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Train the models, cross-validate some of them, read the test set once, and report into the folder `out`.

    data              see `bruit.load`; by default mnist+course
    models, crossval  names of the zoo, or one name: to train, and to cross-validate in `folds` folds (5); by default
                      all, and those of cnn-plus and dnn-plus that are among `models`
    learning_curve    would more images help? True for the curve of cnn-plus, or of the last of `models`; or names of
                      `models`; see `bruit.learning_curve`
    robustness        show the networks about 2,000 of the test images (500 in a quick study) under the corruptions of
                      MNIST-C, too; see `bruit.robustness`. The winner is not chosen by it
    repeats           trainings of the first fold with other seeds (2), the yardstick for the folds' spread
    epochs            for every network, instead of its recipe's own
    augment           noise that augments the training images of one model more, cnn-plus or the last network: "auto"
                      for what the training images carry, FILE.toml, or the name of a corruption
    seed              the same seed (0) gives the same results
    best              take the time it needs: networks that longer training makes better are trained so, and the most
                      promising one five times, to read together as one model more, the ensemble
    quick             a stratified sample and fewer epochs: to see what comes, not to believe it
    outside           FILE.keras, FILE.onnx or what `bruit.load_model` made of them: models that read as they are, and
                      are compared, but never the winner
    resume, force     go on with the run in `out`, or replace it; what is not said here is as the resumed run was begun
    workers           trainings at once; by default as many as there are cores
    on_stage, on_board, on_sets
                      called with each stage, the trainings' progress, and how many noisy sets of how many are read

    Returns results.json as a dict. Raises DataError, ConfigError or RunError, with one line of what to do.
    """
    start = time.perf_counter()
    if not isinstance(out, str | Path) or not str(out):
        raise ConfigError("expected a folder as out, received {out!r}", out=out)
    run, workers = Path(out), whole("workers", workers)
    begun = settings_to_resume(run) if resume else {}
    numbers = {"folds": folds, "repeats": repeats, "epochs": epochs, "seed": seed}
    for name, flag in (("robustness", robustness), ("quick", quick), ("best", best)):
        if flag is not None:
            refuse_no_flag(name, flag)
    if augment is not None:
        augmentation.refuse_other(augment)
    parts: dict[str, Any] = {"models": models, "crossval": crossval, "learning_curve": learning_curve}
    parts |= {"augment": augment, "robustness": robustness}
    choice = Choice.settle(begun, data=data, quick=quick, best=best, **parts, **numbers)
    on_stage(Stage("data"))
    try:
        pair = load(choice.data, seed=0)
    except DataError as error:
        if data is not None or not begun:
            raise
        raise RunError(
            "{run} was begun with data that is not there now: {error}; name it beside --resume", run=run, error=error
        ) from error
    if choice.quick:
        pair = quick_sample(pair, choice.seed)
    brought = outside_models.bring_all(outside, begun, run)
    outside_models.refuse_other_data(brought, pair.train)
    plan = make_plan(pair, choice, run=run, workers=workers, begun=begun, outside=brought)
    with open_run(run, plan.settings, resume=resume, force=force):
        samples = data_samples(pair, choice.seed)
        results = _finished(run)
        if results is None:
            with session(run, _command(), start) as so_far:
                results = _compute(run, pair, plan, samples, so_far, on_stage, on_board, on_sets)
        else:
            keep_session(run, results["command"], results["seconds"])
        on_stage(Stage("report"))
        samples |= finding_samples(pair, results["dataset"]["findings"])
        for name, model in results["models"].items():
            wrong = [mistake["index"] for mistake in model["test"]["worst_mistakes"]]
            samples[f"mistakes/{name}"] = pair.test.images[np.array(wrong, dtype=np.int64)]
        write_npz(run / "samples.npz", samples)
        _report(run, results)
        write_json(run / "results.json", results)
        seal(run, sealed_files(run))
        on_stage(Stage("done"))
        return results


def _finished(run: Path) -> dict[str, Any] | None:
    """The results of a run that has them; None where they, or what they came from, are missing or damaged."""
    try:
        return None if broken(run) else read_results(run)
    except RunError:
        return None


def _compute(
    run: Path,
    pair: DataPair,
    plan: Plan,
    samples: Pictures,
    so_far: Callable[[], dict[str, Any]],
    on_stage: Callable[[Stage], None],
    on_board: Callable[[Board], None] | None,
    on_sets: Callable[[int, int], None],
) -> dict[str, Any]:
    """Every training that is not done, then the test set: what results.json is to hold."""
    schedule, pair = plan.schedule, replace(pair, findings=diagnose(pair))
    dataset = dataset_section(pair, plan.settings.fingerprint, len(plan.models[0].validation))
    write_json(run / "environment.json", describe_environment(schedule.threads, schedule.precision))
    write_json(run / "findings.json", dataset)
    write_npz(run / "samples.npz", samples | finding_samples(pair, dataset["findings"]))
    for one in plan.outside:
        outside_models.keep(one, run / "models" / one.name, pair.train.subset(plan.models[0].validation))
    for task in plan.tasks:
        drop_damaged(task.folder)
    ensemble.drop_stale(plan.models, plan.ensemble)

    def report_so_far(task: Task) -> None:
        took = so_far()
        if task.folder.parent.name == "models" or all(one.done for one in plan.group(task)):
            _report(run, _collect(run, pair, plan, "in progress", **took))

    expected = seconds_per_task(plan.tasks, pair.train, schedule)
    after = under_noise.seconds(plan, pair.test, expected)
    on_stage(Stage("training", plan.tasks, tuple(expected), schedule, after))
    run_tasks(plan.tasks, pair.train, schedule, on_done=report_so_far, on_board=on_board)

    if plan.ensemble:
        ensemble.assemble(plan.ensemble, pair.train.subset(plan.models[0].validation))

    on_stage(Stage("test"))
    write_npy(run / "test_labels.npy", pair.test.labels)
    write_npy(run / "test_ids.npy", pair.test.ids)
    for one in plan.outside:
        outside_models.test(one, run / "models" / one.name, pair.test)
    for folder in (*(task.folder for task in plan.tested), *plan.together):
        write_npy(folder / "test_probs.npy", load_model(folder).probabilities(pair.test.images))
    if plan.settings.robustness:
        on_stage(Stage("robustness"))
        under_noise.measure(run, pair, plan, on_sets)
    return _collect(run, pair, plan, "complete", **so_far())


def _collect(
    run: Path, pair: DataPair, plan: Plan, status: Literal["in progress", "complete"], command: str, seconds: float
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
        "command": command,
        "seed": settings.seed,
        "quick": settings.quick,
        "plan": {
            **{key: list(getattr(settings, key)) for key in ("models", "crossval", "learning_curve")},
            "outside": [one.name for one in plan.outside],
        },
        "seconds": seconds,
        "dataset": dataset,
        "models": {
            name: model_section(run / "models" / name, dataset["classes"], test)
            for name in (*plan.names, *(one.name for one in plan.outside))
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
        "learning_curve": {
            name: collect_curve(points, pair.train, settings.seed)
            for name, points in plan.learning.items()
            if all(point.task.done for point in points)
        },
        "environment": read_json(run / "environment.json"),
    }
    if settings.augment is not None:
        results["augmentation"] = augmentation.section(settings.augment, plan.augmented, run, settings.seed)
    if settings.robustness and ended and (found := under_noise.kept(run)):
        results["robustness"] = found
    return complete(results, run)


def _command() -> str:
    """The command line that this is, without the machine's paths to it."""
    program = Path(sys.argv[0])
    if program.stem == "bruit" or program.parent.name == "bruit":  # the latter is `python -m bruit`
        return typed(["bruit", *(word for word in sys.argv[1:] if word not in ("--resume", "--force"))])
    return mark("bruit.study(…), called from Python")


def _report(run: Path, results: dict[str, Any]) -> None:
    from bruit.report.report import write

    write(run, results, language())
