"""Whatever step of whatever writer fails: one line that says so, exit code 1, nothing half written; and all goes on."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from harness import FULL, Warm, assert_alike, content, files, resume, study

KINDS = ("open", "write", "fsync", "rename", "mkdir", "unlink")
ERRORS = ("EIO", "ENOSPC", "EACCES", "EROFS", "EDQUOT")


def steps(counts: dict[str, int], seed: object, few: int) -> list[tuple[str, int, str]]:
    """(kind, k, error) of every step that a command takes, or of a selection; the errors take turns."""
    rng = random.Random(repr(seed))
    every = [(kind, k, ERRORS[(k + i) % len(ERRORS)]) for i, kind in enumerate(KINDS) for k in range(counts[kind])]
    return every if FULL else rng.sample(every, min(few, len(every)))


def count(warm: Warm, *command: str | Path, **more) -> dict[str, int]:
    ended = warm.run(*command, count=True, **more)
    assert ended.code == 0, ended
    return json.loads(ended.err.splitlines()[-1])


def leftovers(folder: Path) -> list[str]:
    return [name for name in files(folder) if Path(name).name.startswith(".")] if folder.exists() else []


@pytest.mark.parametrize("part", range(8))
def test_of_a_study(part: int, warm: Warm, data: Path, whole: Path, tmp_path: Path, trials) -> None:
    counts = count(warm, *study(data, tmp_path / "count"), silent=True)
    for kind, k, error in steps(counts, part, 2):
        if FULL and k % 8 != part:
            continue
        run = tmp_path / f"{kind}-{k}"
        with trials(f"study: {kind} fails", f"{k}: {error}") as told:
            ended = warm.run(*study(data, run), step=(kind, k, error), silent=True)
            if ended.code:
                ended.refused()
            if kind != "unlink":
                assert leftovers(run) == []
            again = warm.run(*(resume(run) if (run / "study.toml").is_file() else study(data, run)), silent=True)
            assert again.code == 0, (ended, again)
            assert_alike(run, whole, figures=False)
            told("one line, resumed alike" if ended.code else "done all the same")


def test_of_a_report(warm: Warm, whole: Path, tmp_path: Path, trials) -> None:
    run = shutil.copytree(whole, tmp_path / "run")

    def damage() -> None:
        for name in ("report.html", "figures/accuracy.svg", "figures/dnn-confusion.png"):
            (run / name).unlink(missing_ok=True)

    damage()
    for kind, k, error in steps(count(warm, "report", run), "report", 4):
        damage()
        with trials(f"report: {kind} fails", f"{k}: {error}") as told:
            ended = warm.run("report", run, step=(kind, k, error))
            if ended.code:
                ended.refused()
                assert warm.run("report", run).code == 0
            assert_alike(run, whole)
            told("one line, then alike" if ended.code else "done all the same")


COMMANDS = {
    "train": ["train", "dnn", "{data}", "--out", "{out}", "--epochs", "2"],
    "crossval": ["crossval", "dnn", "{data}", "--out", "{out}", "--folds", "2", "--epochs", "1", "--workers", "1"],
    "noise": ["noise", "{data}", "--recipe", "course", "--out", "{out}"],
    "convert": ["convert", "{data}", "{out}"],
    "convert to npz": ["convert", "{data}", "{out}.npz"],
    "export": ["export", "{run}:dnn", "--format", "onnx", "--out", "{out}.onnx"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_of_a_command(name: str, warm: Warm, data: Path, whole: Path, tmp_path: Path, trials) -> None:
    def command(out: str) -> list[str]:
        return [word.format(data=data, run=whole, out=tmp_path / out) for word in COMMANDS[name]]

    for kind, k, error in steps(count(warm, *command("count")), name, 3):
        place = tmp_path / f"{kind}-{k}"
        place.mkdir()
        with trials(f"{name}: {kind} fails", f"{k}: {error}") as told:
            ended = warm.run(*command(f"{place.name}/out"), step=(kind, k, error))
            if ended.code:
                ended.refused()
                if kind != "unlink":
                    assert leftovers(place) == []
                if name in ("noise", "convert") and kind != "rename":
                    assert list(place.rglob("*.npy")) == []
                more = {"train": ["--resume"], "crossval": []}.get(name, ["--force"])
                again = warm.run(*command(f"{place.name}/out"), *more)
                assert again.code == 0, again
            assert_alike_files(place, tmp_path, name)
            told("one line, then alike" if ended.code else "done all the same")


def assert_alike_files(place: Path, tmp_path: Path, name: str) -> None:
    there = [one for one in files(place) if one.startswith("out")]
    expected = [one.replace("count", "out", 1) for one in files(tmp_path) if one.startswith("count")]
    assert there == expected
    for one in there:
        assert content(place / one) == content(tmp_path / one.replace("out", "count", 1)), one
