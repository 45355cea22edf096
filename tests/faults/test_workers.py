"""The processes of a study with several workers: they end with it, and it says when one of them is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from harness import Warm, assert_alike, resume, study, wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the workers in /proc")


def command(data: Path, run: Path, *more: str) -> list[str]:
    arguments = ["study", str(data), "--out", str(run), "--models", "dnn,cnn", "--crossval", "none", "--epochs", "40"]
    return [sys.executable, "-m", "bruit", *arguments, *more]


def descendants(pid: int) -> set[int]:
    """The processes that pid started, and those that they started."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found |= {child} | descendants(child)
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_workers_end_with_their_study(warm: Warm, data: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    child = warm.start(*study(data, run, workers=2))
    wait_for(lambda: list(run.glob("*/*/*/history.jsonl")), 60, "the first epochs of folds")
    workers = descendants(child.pid)
    assert len(workers) >= 2
    os.kill(child.pid, signal.SIGKILL)  # the study alone, as by a system that needs its memory
    assert child.wait().code == -9
    wait_for(lambda: not any(map(alive, workers)), 15, "the end of the workers")
    for path in run.rglob("history.jsonl"):
        assert path.read_text().endswith("}\n") or path.parent.name == "logistic"
    ended = warm.run(*resume(run, workers=2))
    assert ended.code == 0, ended
    assert_alike(run, whole)


def test_a_worker_that_is_ended_is_said(warm: Warm, data: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    child = warm.start(*study(data, run, workers=2))
    wait_for(lambda: list(run.glob("models/*/history.jsonl")), 60, "the first epoch")
    for worker in descendants(child.pid):
        if b"LokyProcess" not in Path(f"/proc/{worker}/cmdline").read_bytes():
            continue
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    line = child.wait().refused()
    assert line.startswith("bruit: a training was ended from outside, as by a system without memory left; go on with ")
    ended = warm.run(*resume(run))
    assert ended.code == 0, ended
    assert_alike(run, whole)


def test_a_worker_that_was_still_starting_ends_too(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(command(data, run, "--workers", "2"), stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: process.poll() is not None or len(descendants(process.pid)) >= 3, 60, "the first worker")
            workers = descendants(process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
        process.wait()
        # It is importing PyTorch, and ends as soon as it comes to its task.
        wait_for(lambda: not any(map(alive, workers)), 15, "the end of the workers")
    assert not list(run.glob("models/*/config.json"))


def test_ctrl_c_stops_all_and_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(
        command(data, run, "--workers", "2", "--force"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            rows = [run / "models" / name / "history.jsonl" for name in ("dnn", "cnn")]
            wait_for(lambda: any(path.exists() for path in rows) or process.poll() is not None, 60, "the first epoch")
            workers = descendants(process.pid)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
        wait_for(lambda: not any(map(alive, workers)), 5, "the end of the workers")
    assert process.returncode == 130
    assert out == b""
    *_, last = err.decode().rstrip().splitlines()
    again = command(data, run, "--workers", "2", "--resume")[3:]
    assert last == f"bruit: stopped; nothing is lost, go on with: bruit {' '.join(again)}"
    assert "Traceback" not in err.decode()
