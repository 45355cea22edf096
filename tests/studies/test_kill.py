"""kill -9 on a study with several workers, from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bruit
from bruit.files import read_json

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the workers in /proc")
SETTINGS = {"models": ("dnn", "cnn"), "crossval": (), "epochs": 40}


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


def wait_for(happened, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"{what} took more than {seconds} s"
        time.sleep(0.02)


def test_workers_end_with_their_study_and_a_resumed_one_ends_alike(
    npy_folder, few, tmp_path: Path, monkeypatch
) -> None:
    data, run = npy_folder(few), tmp_path / "run"
    with subprocess.Popen(command(data, run, "--workers", "2"), stderr=subprocess.PIPE) as process:
        try:
            rows = [run / "models" / name / "history.jsonl" for name in ("dnn", "cnn")]
            wait_for(lambda: all(path.exists() for path in rows) or process.poll() is not None, 60, "the first epochs")
            assert process.poll() is None, process.stderr.read().decode()
            workers = descendants(process.pid)
            assert len(workers) >= 2
        finally:
            process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for(lambda: not any(map(alive, workers)), 3, "the end of the workers")
    assert not (run / "results.json").exists()
    assert not all((run / "models" / name / "config.json").exists() for name in ("dnn", "cnn"))
    for path in rows:
        assert path.read_text().endswith("}\n")

    monkeypatch.setattr("bruit.studies.study._report", lambda run, results: None)
    resumed = bruit.study(data, run, resume=True, workers=1, **SETTINGS)
    undisturbed = bruit.study(data, tmp_path / "other", workers=1, **SETTINGS)
    for name in ("dnn", "cnn"):
        assert resumed["models"][name]["test"] == undisturbed["models"][name]["test"]
        weights = [folder / "models" / name / "weights.safetensors" for folder in (run, tmp_path / "other")]
        assert weights[0].read_bytes() == weights[1].read_bytes()
    assert resumed["comparison"] == undisturbed["comparison"]
    assert read_json(run / "results.json") == resumed


def test_a_worker_that_was_still_starting_ends_too(npy_folder, few, tmp_path: Path) -> None:
    data, run = npy_folder(few), tmp_path / "run"
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


def test_ctrl_c_stops_all_and_says_how_to_go_on(npy_folder, few, tmp_path: Path) -> None:
    data, run = npy_folder(few), tmp_path / "run"
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
