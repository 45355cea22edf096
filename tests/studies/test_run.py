"""The run folder: one study at a time, nobody else's files, nothing half written."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bruit.errors import RunError
from bruit.files import write_json
from bruit.studies.finished import SETTINGS, how_to_resume, read_results
from bruit.studies.run import (
    Settings,
    describe_environment,
    open_run,
    read_settings,
    session,
    settings_to_resume,
)

WANTED = Settings(
    data="digits",
    fingerprint="ab12",
    models=("dnn",),
    crossval=(),
    learning_curve=(),
    folds=5,
    repeats=2,
    seed=0,
    epochs={"dnn": 15},
    quick=False,
    precision="fp32",
    threads=1,
    version="0.1.0",
    torch="2.13.0",
    recipes={"dnn": {"recipe": {"epochs": 15, "augmentation": None}}},
)


def enter(folder: Path, resume: bool = False, force: bool = False) -> None:
    with open_run(folder, WANTED, resume=resume, force=force):
        pass


def test_settings_are_kept_and_read_again(tmp_path: Path) -> None:
    enter(tmp_path / "deep" / "run")
    stored = read_settings(tmp_path / "deep" / "run")
    assert stored["models"] == ["dnn"]
    assert stored["epochs"] == {"dnn": 15}
    assert stored["recipes"] == {"dnn": {"recipe": {"epochs": 15}}}
    enter(tmp_path / "deep" / "run", resume=True)


def test_a_second_study_is_kept_out_while_the_first_one_runs(tmp_path: Path, refused) -> None:
    message = f"another study or training is writing into {tmp_path}; wait for it, or choose another --out"
    with open_run(tmp_path, WANTED, resume=False, force=False):
        for more in ({}, {"resume": True}, {"force": True}):
            with refused(RunError, message):
                enter(tmp_path, **more)
    enter(tmp_path, resume=True)


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="within"), open_run(tmp_path, WANTED, resume=False, force=False):
        raise ValueError("within")
    enter(tmp_path, resume=True)


def test_a_file_is_no_folder(tmp_path: Path, refused) -> None:
    (tmp_path / "run").write_text("mine")
    for force in (False, True):
        with refused(RunError, f"{tmp_path / 'run'} is a file; give --out a folder"):
            enter(tmp_path / "run", force=force)
    assert (tmp_path / "run").read_text() == "mine"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["thesis.txt", ".hidden", "results.json"])
def test_other_files_are_never_touched(tmp_path: Path, refused, name: str, force: bool) -> None:
    (tmp_path / name).write_text("mine")
    with refused(RunError, f"{tmp_path} holds other files ({name}); give --out an empty or a new folder"):
        enter(tmp_path, force=force)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_another_run_is_refused_unless_asked_for(tmp_path: Path, refused) -> None:
    enter(tmp_path)
    write_json(tmp_path / "results.json", {})
    with refused(RunError, f"{tmp_path} holds a run already; add --resume to go on with it, --force to replace it"):
        enter(tmp_path)
    assert (tmp_path / "results.json").exists()
    enter(tmp_path, force=True)
    assert {path.name for path in tmp_path.iterdir()} <= {SETTINGS, "lock"}


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, refused) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "run"
    with refused(RunError, f"cannot write into {folder}: Not a directory; choose another --out"):
        enter(folder)


def test_damaged_settings_are_said_and_can_be_replaced(tmp_path: Path) -> None:
    enter(tmp_path)
    (tmp_path / SETTINGS).write_text("seed = = 1")
    with pytest.raises(RunError, match=r"study\.toml is damaged; add --force to start again"):
        enter(tmp_path, resume=True)
    enter(tmp_path, force=True)


def test_replacing_that_is_cut_short_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path)
    write_json(tmp_path / "models" / "dnn" / "config.json", {})
    write_json(tmp_path / "results.json", {})

    def stop(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        enter(tmp_path, force=True)
    monkeypatch.undo()
    enter(tmp_path, force=True)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("broken", ["models", "crossval"])
def test_replacing_that_fails_leaves_a_run_to_go_on_with(tmp_path: Path, monkeypatch, broken: str) -> None:
    enter(tmp_path)
    for name in ("results.json", "models/dnn/config.json", "crossval/dnn/fold-0/config.json"):
        write_json(tmp_path / name, {})
    remove = shutil.rmtree

    def fail(path: Path) -> None:
        if path.name == broken:
            raise PermissionError(13, "Permission denied")
        remove(path)

    monkeypatch.setattr("shutil.rmtree", fail)
    with pytest.raises(RunError, match=f"cannot delete .*{broken}: Permission denied"):
        enter(tmp_path, force=True)
    monkeypatch.undo()
    assert not (tmp_path / "results.json").exists()
    enter(tmp_path, resume=True)
    enter(tmp_path, force=True)
    assert {path.name for path in tmp_path.iterdir()} <= {SETTINGS, "lock"}


def test_replacing_never_follows_a_link(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    enter(run)
    write_json(elsewhere / "dnn" / "config.json", {})
    (run / "models").symlink_to(elsewhere)
    enter(run, force=True)
    assert not (run / "models").exists()
    assert (elsewhere / "dnn" / "config.json").exists()


def test_a_run_inside_another_is_refused(tmp_path: Path, refused) -> None:
    enter(tmp_path / "outer")
    inner = tmp_path / "outer" / "models" / "mine"
    outer = (tmp_path / "outer").resolve()
    for more in ({}, {"resume": True}, {"force": True}):
        with refused(RunError, f"{inner} lies inside {outer}, where another run is; choose another --out"):
            enter(inner, **more)
    assert not inner.exists()


def test_a_run_that_lost_its_settings_is_called_one(tmp_path: Path, refused) -> None:
    enter(tmp_path)
    write_json(tmp_path / "findings.json", {})
    write_json(tmp_path / "models" / "dnn" / "config.json", {})
    (tmp_path / SETTINGS).unlink()
    message = f"{tmp_path} is a run that lost its study.toml; put it back, or choose another folder"
    for action in (enter, read_settings, read_results):
        with refused(RunError, message):
            action(tmp_path)
    assert (tmp_path / "models" / "dnn" / "config.json").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_nothing_but_a_file_is_taken_for_its_settings(tmp_path: Path, refused) -> None:
    write_json(tmp_path / "findings.json", {})
    write_json(tmp_path / "models" / "dnn" / "config.json", {})
    os.mkfifo(tmp_path / SETTINGS)
    message = f"{tmp_path} is a run that lost its study.toml; put it back, or choose another folder"
    for action in (enter, settings_to_resume):
        with refused(RunError, message):
            action(tmp_path)
    assert settings_to_resume(tmp_path / "new") == {}


def test_sessions_add_up_and_the_first_command_stays(tmp_path: Path) -> None:
    with session(tmp_path, "bruit study", time.perf_counter() - 100) as so_far:
        first = so_far()
        assert first["command"] == "bruit study"
        assert 100 <= first["seconds"] < 101
    with (
        pytest.raises(KeyboardInterrupt),
        session(tmp_path, "bruit study --out run", time.perf_counter() - 20) as so_far,
    ):
        raise KeyboardInterrupt
    with session(tmp_path, "bruit study --out run", time.perf_counter()) as so_far:
        assert so_far()["command"] == "bruit study"
        assert 120 <= so_far()["seconds"] < 122


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        "{}",
        '{"command": "bruit study", "seconds": "long"}',
        '{"command": "", "seconds": NaN}',
        '{"command": "", "seconds": 1e999}',
    ],
)
def test_a_damaged_session_is_forgotten(tmp_path: Path, content: str) -> None:
    (tmp_path / "session.json").write_text(content)
    with session(tmp_path, "bruit study", time.perf_counter()) as so_far:
        assert so_far()["seconds"] < 1


def test_the_command_that_resumes_can_be_copied() -> None:
    assert how_to_resume(Path("my run")) == "bruit study --out 'my run' --resume"


def test_the_environment_is_described() -> None:
    about = describe_environment(threads=3, precision="fp32")
    assert (about["threads"], about["precision"], about["device"]) == (3, "fp32", "cpu")
    assert about["processor"]
    assert about["cores"] >= 1


def test_results_are_read_of_finished_runs_only(tmp_path: Path, refused) -> None:
    run = tmp_path / "run"
    with refused(RunError, f"no folder is called {run}; expected the --out of a bruit study"):
        read_results(run)
    run.mkdir()
    with refused(RunError, f"{run} holds no run (study.toml is missing); expected the --out of a bruit study"):
        read_results(run)
    enter(run)
    unfinished = f"{run} is not finished (results.json is missing); go on with bruit study --out {run} --resume"
    with refused(RunError, unfinished):
        read_results(run)
    other: Any
    for other, schema in (({"schema": 2}, 2), ({}, None), ([1], None)):
        write_json(run / "results.json", other)
        layout = f"has layout {schema}, expected 1; run the study again with this version"
        with refused(RunError, f"{run / 'results.json'} {layout}"):
            read_results(run)
    write_json(run / "results.json", {"schema": 1, "dataset": {}, "models": {}, "crossval": {}})
    missing = "winner, comparison, conclusion, environment missing"
    again = f"write it again with bruit study --out {run} --resume"
    with refused(RunError, f"{run / 'results.json'} is damaged ({missing}); {again}"):
        read_results(run)
    for content in ("", '{"schema": 1'):
        (run / "results.json").write_text(content)
        with pytest.raises(RunError, match=r"results\.json is damaged \(.*\); write it again with bruit study --out "):
            read_results(run)
