"""A study that was stopped goes on where it was, and ends as if it had not been."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bruit.data.dataset import DataPair, Dataset
from bruit.errors import RunError
from bruit.files import read_json, write_json
from bruit.models import store
from bruit.studies import study as study_module
from bruit.training import fit, pool
from bruit.training.loop import Loop


class Killed(BaseException):
    """As sudden as a signal: no `except Exception` may catch it."""


def kill_at(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, chosen: Callable[..., bool], nth: int, before: bool
) -> None:
    """Raise Killed before or after the nth call of where.name whose arguments are `chosen`."""
    real, count = getattr(where, name), itertools.count(1)

    def call(*args: Any, **named: Any) -> Any:
        now = chosen(*args) and next(count) == nth
        if now and before:
            raise Killed
        result = real(*args, **named)
        if now:
            raise Killed
        return result

    monkeypatch.setattr(where, name, call)


def always(*args: Any) -> bool:
    return True


def stored(loop: Loop) -> bool:
    """Not one of the short trainings that only measure the machine's speed."""
    return loop.members[0].folder is not None


def named(name: str) -> Callable[..., bool]:
    return lambda path, *rest: Path(path).name == name


# (module or class, function, which calls, which of them, before it or after it)
MOMENTS = {
    "after the first epoch": (Loop, "checkpoint", stored, 1, False),
    "in the second epoch": (Loop, "checkpoint", stored, 2, True),
    "in the second epoch of a fold": (Loop, "checkpoint", stored, 6, True),
    "in the repeat": (Loop, "checkpoint", stored, 7, False),
    "after training, before the weights": (fit, "save_model", always, 2, True),
    "between the weights and config.json": (store, "write_json", named("config.json"), 2, True),
    "before the held-out images": (pool, "_predict_held_out", always, 2, True),
    "before the first file": (study_module, "describe_environment", always, 1, True),
    "before training": (study_module, "seconds_per_task", always, 1, False),
    "while the test set is read": (study_module, "write_npy", named("test_probs.npy"), 3, True),
    "before the last report": (study_module, "_report", lambda run, results: results["status"] == "complete", 1, True),
    "before results.json": (study_module, "write_json", named("results.json"), 1, True),
    "after results.json": (study_module, "write_json", named("results.json"), 1, False),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_study_killed_at_any_moment_ends_alike(
    moment: str, tiny, same_results, undisturbed, computed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kill_at(monkeypatch, *MOMENTS[moment])
    with pytest.raises(Killed):
        tiny()
    assert (tmp_path / "run" / "results.json").is_file() == (moment == "after results.json")
    monkeypatch.undo()
    monkeypatch.setattr(study_module, "_report", lambda run, results: None)
    same_results(tiny(resume=True), undisturbed[0])
    assert computed(tmp_path / "run") == computed(undisturbed[1])


def test_epochs_that_are_done_are_not_done_again(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(monkeypatch, Loop, "checkpoint", stored, 3, before=False)
    with pytest.raises(Killed):
        tiny()
    monkeypatch.undo()
    monkeypatch.setattr(study_module, "_report", lambda run, results: None)
    epochs: list[int] = []
    checkpoint = Loop.checkpoint

    def count(loop: Loop) -> None:
        if stored(loop):
            epochs.append(len(loop.members[0].history))
        checkpoint(loop)

    monkeypatch.setattr(Loop, "checkpoint", count)
    tiny(resume=True)
    # dnn was done; of the first fold the first epoch; the second fold and the repeat come whole.
    assert epochs == [2, 1, 2, 1, 2]


def test_temporary_files_of_a_killed_study_go_and_others_stay(tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / ".study.toml.x1y2").write_text("half")  # killed before its first file was whole
    tiny()
    assert not (run / ".study.toml.x1y2").exists()
    (run / "models" / "dnn" / ".config.json.abcd").write_text("half")
    (run / ".notes").write_text("mine")
    tiny(resume=True)
    assert sorted(path.name for path in run.rglob(".*")) == [".notes"]


def test_a_finished_run_is_resumed_at_once(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tiny()
    monkeypatch.setattr(study_module, "run_tasks", lambda *args, **named: pytest.fail("trained again"))
    stages: list[str] = []
    assert tiny(resume=True, on_stage=lambda stage: stages.append(stage.name)) == results
    assert stages == ["data", "report", "done"]
    assert read_json(tmp_path / "run" / "results.json") == results


def test_resume_without_a_run_begins_one(tiny) -> None:
    assert tiny(resume=True, models=("logistic",), crossval=())["status"] == "complete"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"seed": 1}, "(--seed was 0, is 1)"),
        ({"epochs": 3}, "(--epochs was {'dnn': 2}, is {'dnn': 3})"),
        ({"folds": 3}, "(--folds was 2, is 3)"),
        ({"repeats": 0}, "(--repeats was 1, is 0)"),
        ({"models": ("logistic",)}, "(--models was ['logistic', 'dnn'], is ['logistic'])"),
        ({"crossval": ()}, "(--crossval was ['dnn'], is [])"),
        ({"quick": True}, "(--quick was False, is True)"),
    ],
)
def test_resume_refuses_other_settings(tiny, tmp_path: Path, changed: dict[str, Any], what: str, refused) -> None:
    stop_early(tiny)
    before = snapshot(tmp_path / "run")
    run = tmp_path / "run"
    with refused(RunError, f"{run} was begun with other settings {what}; repeat them, or add --force to start again"):
        tiny(resume=True, **changed)
    assert snapshot(run) == before


def test_resume_refuses_another_recipe_of_a_model(tiny, tmp_path: Path, refused, monkeypatch) -> None:
    import dataclasses

    from bruit.models.zoo import ZOO

    stop_early(tiny)
    recipe = dataclasses.replace(ZOO["dnn"].recipe, learning_rate=0.5)
    monkeypatch.setitem(ZOO, "dnn", dataclasses.replace(ZOO["dnn"], recipe=recipe))
    with pytest.raises(RunError, match=r"was begun with other settings \(recipes differs\)"):
        tiny(resume=True)


def test_resume_refuses_other_data(tiny, few: DataPair, tmp_path: Path, refused) -> None:
    stop_early(tiny)
    run = tmp_path / "run"
    images = few.test.images.copy()
    images[7, 3, 3] ^= 1
    other = DataPair("few", few.train, Dataset(images, few.test.labels, few.classes, few.test.ids))
    message = f"the data have changed since {run} was begun; restore them, or add --force to start again"
    with refused(RunError, message):
        tiny(other, resume=True)


def test_the_same_data_may_have_moved(few: DataPair, npy_folder, tiny) -> None:
    first, second = npy_folder(few, "here"), npy_folder(few, "there")
    stop_early(tiny, first)
    assert tiny(second, resume=True)["status"] == "complete"


def test_what_is_not_said_is_as_the_run_was_begun(
    few: DataPair, npy_folder, tiny, tmp_path: Path, same_results
) -> None:
    import bruit

    data, run = npy_folder(few), tmp_path / "run"
    otherwise = {"models": ("dnn",), "crossval": ("dnn",), "epochs": 1, "seed": 3, "workers": 1}
    stop_early(tiny, data, **otherwise)
    results = bruit.study(out=run, resume=True, workers=1)
    assert (results["seed"], list(results["models"]), list(results["crossval"])) == (3, ["dnn"], ["dnn"])
    assert len(results["models"]["dnn"]["history"]) == 1
    same_results(results, tiny(data, tmp_path / "undisturbed", **otherwise))
    assert bruit.study(out=run, resume=True, epochs=1, seed=3) == results


def test_a_quick_study_stays_quick(tiny, digits: DataPair, npy_folder, tmp_path: Path, monkeypatch) -> None:
    import bruit
    from bruit.studies import plan

    monkeypatch.setattr(plan, "QUICK_TRAIN", 200)
    monkeypatch.setattr(plan, "QUICK_TEST", 50)
    stop_early(tiny, npy_folder(), quick=True, epochs=None, folds=5)
    results = bruit.study(out=tmp_path / "run", resume=True, workers=1)
    assert results["quick"]
    assert results["dataset"]["test"]["n"] == 50
    assert len(results["models"]["dnn"]["history"]) == 6


def test_data_that_are_not_where_they_were_are_to_be_named(few: DataPair, npy_folder, tiny, tmp_path: Path) -> None:
    import bruit

    data, run = npy_folder(few), tmp_path / "run"
    stop_early(tiny, data)
    data.rename(tmp_path / "moved")
    with pytest.raises(RunError, match=r"begun with data that is not there now: no file, folder .*; name it beside"):
        bruit.study(out=run, resume=True)
    assert bruit.study(tmp_path / "moved", run, resume=True, workers=1)["status"] == "complete"


def test_a_damaged_checkpoint_is_begun_again(tiny, same_results, undisturbed, tmp_path: Path, monkeypatch) -> None:
    kill_at(monkeypatch, Loop, "checkpoint", stored, 1, before=False)
    with pytest.raises(Killed):
        tiny()
    monkeypatch.undo()
    monkeypatch.setattr(study_module, "_report", lambda run, results: None)
    checkpoint = tmp_path / "run" / "models" / "dnn" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    same_results(tiny(resume=True), undisturbed[0])


def test_the_time_is_that_of_all_sessions(tiny, tmp_path: Path) -> None:
    stop_early(tiny)
    session = tmp_path / "run" / "session.json"
    before = read_json(session)["seconds"]
    assert before > 0
    write_json(session, {"command": "bruit study data", "seconds": before + 1000})
    results = tiny(resume=True)
    assert 1000 + before < results["seconds"] < 1200
    assert results["command"] == "bruit study data"


def test_how_it_was_begun_is_known_from_the_start(tiny, tmp_path: Path, monkeypatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    command = ["bruit", "study", "digits", "--out", "run"]
    monkeypatch.setattr("sys.argv", command)
    for dying in ("diagnose", "run_tasks"):
        with monkeypatch.context() as patch:
            patch.setattr(study_module, dying, killed)
            with pytest.raises(Killed):
                tiny(force=True)
        assert read_json(tmp_path / "run" / "session.json")["command"] == " ".join(command)


def test_force_begins_again(tiny, tmp_path: Path, same_results) -> None:
    run = tmp_path / "run"
    first = tiny()
    stray = run / "models" / "cnn" / "config.json"
    stray.parent.mkdir()
    stray.write_text("{}")
    (run / "notes.txt").write_text("mine")
    second = tiny(seed=1, force=True)
    assert second["seed"] == 1
    assert not stray.exists()
    assert (run / "notes.txt").read_text() == "mine"
    same_results(tiny(force=True), first)


def stop_early(tiny, *data: Any, **otherwise: Any) -> None:
    def stop(stage: Any) -> None:
        if stage.name == "training":
            raise Killed

    with pytest.raises(Killed):
        tiny(*data, on_stage=stop, **otherwise)


def snapshot(run: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_class_means_do_not_depend_on_where_a_study_was_stopped(tiny, undisturbed, tmp_path: Path) -> None:
    stop_early(tiny)
    tiny(resume=True)
    with np.load(tmp_path / "run" / "samples.npz") as one, np.load(undisturbed[1] / "samples.npz") as other:
        assert set(one) == set(other)
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])
