"""A resumed study makes again what is missing or damaged, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import bruit
from bruit.files import read_json
from bruit.training import pool


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damaged_parts_of_a_run_are_made_again(
    tiny, same_results, undisturbed, computed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    results, run = undisturbed[0], tmp_path / "run"
    shutil.copytree(undisturbed[1], run)
    (run / "results.json").unlink()
    damaged = ("models/dnn/history.jsonl", "models/logistic/test_probs.npy", "crossval/dnn/fold-1/held_out_probs.npy")
    for path in (run / name for name in (*damaged, "findings.json", "session.json")):
        path.write_bytes(path.read_bytes()[:-10]) if damage == "cut" else path.unlink()
    trained = []
    prepare_task = pool._job

    def spied(task: Any, *rest: Any) -> Any:
        trained.append(f"{task.folder.parent.name}/{task.folder.name}")
        return prepare_task(task, *rest)

    monkeypatch.setattr(pool, "_job", spied)
    same_results(tiny(resume=True), results)
    assert trained == ["models/dnn", "dnn/fold-1"]
    assert computed(run) == computed(undisturbed[1])


@pytest.mark.parametrize("content", ["", '{"schema": 1', '{"schema": 1}'])
def test_damaged_results_are_written_again(tiny, same_results, undisturbed, tmp_path: Path, content: str) -> None:
    shutil.copytree(undisturbed[1], tmp_path / "run")
    (tmp_path / "run" / "results.json").write_text(content)
    same_results(tiny(resume=True), undisturbed[0])
    same_results(read_json(tmp_path / "run" / "results.json"), undisturbed[0])


def test_what_the_report_needs_is_made_again(finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.run, run)
    for name in ("samples.npz", "figures/accuracy.svg"):
        (run / name).write_bytes((run / name).read_bytes()[:-100])
    for name in ("report.html", "figures/accuracy.png", "session.json"):
        (run / name).unlink()
    assert bruit.study(finished.data, run, resume=True) == finished.results
    for name in ("samples.npz", "report.html", "results.json", "figures/accuracy.svg", "figures/accuracy.png"):
        assert (run / name).read_bytes() == (finished.run / name).read_bytes(), name
    kept = {key: finished.results[key] for key in ("command", "seconds")}
    assert read_json(run / "session.json") == kept
