"""Each file of a finished and of a half-finished run is damaged in turn: --resume mends it or says what to do."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import FULL, Ended, Warm, assert_alike, files, resume, study

PARTS = 8


def flip(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes() or b"\0")
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def replace(path: Path, rng: random.Random) -> None:
    """By the same file of another training, or else by any other file of its kind."""
    run = next(one for one in path.parents if (one / "study.toml").is_file() or one.name == "run")
    same = [one for one in sorted(run.rglob(path.name)) if one != path and one.is_file()]
    other = [one for one in sorted(run.rglob(f"*{path.suffix}")) if one != path and one.is_file()]
    path.write_bytes(rng.choice(same or other or [run / "session.json"]).read_bytes())


def to_folder(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.mkdir()


def to_pipe(path: Path, rng: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def to_link(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DAMAGE: dict[str, Callable[[Path, random.Random], object]] = {
    "cut in half": lambda path, rng: os.truncate(path, path.stat().st_size // 2),
    "cut by a byte": lambda path, rng: os.truncate(path, max(0, path.stat().st_size - 1)),
    "emptied": lambda path, rng: os.truncate(path, 0),
    "a bit flipped": flip,
    "a bit flipped elsewhere": flip,
    "zeroed": lambda path, rng: path.write_bytes(bytes(path.stat().st_size)),
    "garbage": lambda path, rng: path.write_bytes(rng.randbytes(max(8, path.stat().st_size))),
    "another's": replace,
    "gone": lambda path, rng: path.unlink(),
    "a folder": to_folder,
    "a pipe": to_pipe,
    "a link to nowhere": to_link,
    "unreadable": lambda path, rng: None,
}


@pytest.fixture(scope="session")
def half(warm: Warm, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed in the second epoch of its second fold."""
    run = tmp_path_factory.mktemp("half") / "run"
    for k in range(20, 60):
        shutil.rmtree(run, ignore_errors=True)
        ended = warm.run(*study(data, run), step=("rename", k, "SIGKILL"), silent=True)
        assert ended.code == -9, ended
        if (run / "crossval/dnn/fold-1/checkpoint.safetensors").is_file():
            return run
    raise AssertionError("no such moment")


def chosen(run: Path, part: int, few: int) -> list[tuple[str, str]]:
    every = [(name, damage) for name in files(run) for damage in DAMAGE]
    return every[part::PARTS] if FULL else random.Random(part).sample(every, few)


def damaged(original: Path, run: Path, name: str, damage: str) -> dict[str, str]:
    """A copy of a run with one file damaged, and the faults to resume it with."""
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(original, run)
    DAMAGE[damage](run / name, random.Random(name + damage))
    return {"deny": str(run / name)} if damage == "unreadable" else {}


def judge(ended: Ended, run: Path, whole: Path, figures: bool) -> str:
    """How it came out: with equal results, or with one line that says where and what to do."""
    if ended.code == 0:
        assert_alike(run, whole, figures)
        return "resumed alike"
    line = ended.refused()
    assert str(run) in line
    assert ";" in line, "what to do?"
    return "one line"


@pytest.mark.parametrize("part", range(PARTS))
def test_of_a_finished_run(part: int, warm: Warm, whole: Path, tmp_path: Path, trials) -> None:
    for name, damage in chosen(whole, part, 3):
        run = tmp_path / "run"
        with trials(f"a finished run's file: {damage}", name) as told:
            faults = damaged(whole, run, name, damage)
            for command in (["report", run], ["compare", run]):
                ended = warm.run(*command, **faults)
                assert ended.code == 0 or ended.refused()
            faults = damaged(whole, run, name, damage)
            told(judge(warm.run(*resume(run), **faults), run, whole, figures=True))


@pytest.mark.parametrize("part", range(PARTS))
def test_of_a_half_finished_run(part: int, warm: Warm, half: Path, whole: Path, tmp_path: Path, trials) -> None:
    for name, damage in chosen(half, part, 3):
        run = tmp_path / "run"
        with trials(f"a half-finished run's file: {damage}", name) as told:
            faults = damaged(half, run, name, damage)
            told(judge(warm.run(*resume(run), silent=True, **faults), run, whole, figures=False))
