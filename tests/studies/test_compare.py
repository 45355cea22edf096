"""Runs side by side."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import RunError
from bruit.files import read_npy, write_npy
from bruit.seals import seal
from bruit.studies.run import sealed_files


@pytest.fixture
def other(finished, tmp_path: Path) -> Path:
    """The same run, but that its winner, knn or not, is always right."""
    run = tmp_path / "other"
    shutil.copytree(finished.run, run, ignore=shutil.ignore_patterns("figures", "crossval"))
    results = json.loads((run / "results.json").read_text())
    winner = results["winner"]
    labels = read_npy(run / "test_labels.npy")
    write_npy(run / "models" / winner / "test_probs.npy", np.eye(10, dtype=np.float32)[labels])
    results["models"][winner]["validation"]["accuracy"] = 1.0
    results["models"][winner]["test"]["accuracy"] = 1.0
    (run / "results.json").write_text(json.dumps(results))
    seal(run, sealed_files(run))
    return run


def test_one_run_is_compared_as_in_its_results(finished) -> None:
    compared = bruit.compare([finished.run])
    names = [row["name"] for row in compared["models"]]
    assert names == list(finished.results["models"])
    assert [row["name"] for row in compared["models"] if row["winner"]] == [finished.results["winner"]]
    for row in compared["models"]:
        model = finished.results["models"][row["name"]]
        assert row["accuracy"] == model["test"]["accuracy"]
        assert row["validation_accuracy"] == model["validation"]["accuracy"]
        assert row["data"] == "digits"
    stored = [
        {**row, "a": f"{finished.run}:{row['a']}", "b": f"{finished.run}:{row['b']}"}
        for row in finished.results["comparison"]
    ]
    assert compared["comparison"] == stored


def test_runs_on_the_same_data_are_compared_image_by_image(finished, other: Path) -> None:
    compared = bruit.compare([finished.run, str(other)])
    winner = finished.results["winner"]
    assert len(compared["models"]) == 8
    assert {row["a"] for row in compared["comparison"]} == {f"{other}:{winner}"}
    row = next(row for row in compared["comparison"] if row["b"] == f"{finished.run}:{winner}")
    wrong = 200 - round(200 * finished.results["models"][winner]["test"]["accuracy"])
    assert (row["only_a_right"], row["only_b_right"]) == (wrong, 0)


def test_runs_on_other_data_are_listed_but_not_compared(finished, other: Path) -> None:
    results = json.loads((other / "results.json").read_text())
    results["dataset"]["test"]["fingerprint"] = "other"
    (other / "results.json").write_text(json.dumps(results))
    seal(other, sealed_files(other))
    compared = bruit.compare([finished.run, other])
    assert len(compared["models"]) == 8
    assert compared["comparison"] == []


def test_a_run_named_twice_counts_once(finished) -> None:
    expected = bruit.compare([finished.run])
    assert bruit.compare([finished.run, f"{finished.run}/", finished.run.parent / "x" / ".." / "run"]) == expected
    assert bruit.compare(str(finished.run)) == bruit.compare(finished.run) == expected


def test_only_the_test_images_have_to_be_the_same(few: DataPair, npy_folder, tmp_path: Path, no_figures) -> None:
    """Two folders number the test images after their training images: another number of those is another number."""
    fewer = dataclasses.replace(few, train=few.train.subset(np.arange(len(few.train)) % 4 > 0))
    runs = [tmp_path / name for name in ("all", "fewer")]
    for pair, run in zip((few, fewer), runs, strict=True):
        bruit.study(npy_folder(pair, f"{run.name} data"), run, models=("logistic",), crossval=(), workers=1)
    assert len(bruit.compare(runs)["comparison"]) == 1


def test_what_is_no_finished_run_is_refused(finished, tmp_path: Path, refused) -> None:
    with refused(RunError, f"{tmp_path} holds no run (study.toml is missing); expected the --out of a bruit study"):
        bruit.compare([finished.run, tmp_path])
    with refused(RunError, "expected one run folder or more, received none"):
        bruit.compare([])


@pytest.mark.parametrize(
    "change", [{"models": {}}, {"models": 1}, {"winner": None}, {"winner": "nobody"}, {"dataset": []}]
)
def test_results_that_no_study_wrote_are_refused(other: Path, change: dict[str, object]) -> None:
    results = json.loads((other / "results.json").read_text())
    (other / "results.json").write_text(json.dumps(results | change))
    seal(other, sealed_files(other))
    with pytest.raises(RunError, match=r"results\.json does not hold what a finished study writes; .*--resume$"):
        bruit.compare(other)


def test_predictions_that_have_changed_are_refused(other: Path, refused) -> None:
    path = other / "models" / "dnn" / "test_probs.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    changed = f"{path} is not as it was written: its checksum is another"
    with refused(RunError, f"{changed}; make it again with bruit study --out {other} --resume"):
        bruit.compare(other)
