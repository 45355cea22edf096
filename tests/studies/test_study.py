"""The main job, from four files to results and a report."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import RunError
from bruit.files import read_json, read_npy
from bruit.studies import study as study_module

SCHEMA = json.loads((files("bruit.studies") / "results.schema.json").read_text("utf-8"))


def validate(results: dict[str, Any]) -> None:
    jsonschema.validate(results, SCHEMA, jsonschema.Draft202012Validator)


def fractions(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every accuracy, ECE, precision … in the results, and where it stands."""
    named = ("accuracy", "ece", "precision", "recall", "f1", "confidence", "fraction_of_true", "mean", "test_mean")
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith(named) and isinstance(item, float):
                yield f"{path}.{key}", item
            yield from fractions(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from fractions(item, f"{path}[{index}]")


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_results_follow_the_schema_and_are_what_the_file_holds(finished) -> None:
    validate(finished.results)
    assert read_json(finished.run / "results.json") == finished.results
    assert finished.results["status"] == "complete"


def test_results_on_the_way_follow_the_schema_and_never_show_the_test_set(finished) -> None:
    for results in finished.on_the_way:
        validate(results)
        assert results["status"] == "in progress"
        assert not any("test" in model for model in results["models"].values())
        assert "comparison" not in results
        assert results["conclusion"] == []
    # One report a model, and one as the cross-validation ends.
    assert [list(results["models"]) for results in finished.on_the_way] == [
        ["logistic"],
        ["logistic", "knn"],
        ["logistic", "knn", "dnn"],
        *[["logistic", "knn", "dnn", "cnn"]] * 2,
    ]
    assert [len(results["crossval"]) for results in finished.on_the_way] == [0, 0, 0, 0, 1]


def test_no_model_sees_a_test_image_before_all_training_is_over(finished) -> None:
    assert finished.test_read_in == {"test"}


def test_the_run_folder_holds_what_it_promises(finished) -> None:
    run = finished.run
    expected = {
        *("study.toml", "environment.json", "findings.json", "results.json", "report.html", "lock", "samples.npz"),
        *("session.json", "SHA256SUMS"),
        *("test_labels.npy", "test_ids.npy", "models", "crossval", "figures"),
    }
    assert {path.name for path in run.iterdir()} == expected
    trained = {"config.json", "weights.safetensors", "history.jsonl", "val_labels.npy", "val_probs.npy", "SHA256SUMS"}
    for name in ("logistic", "knn", "dnn", "cnn"):
        graph = {"model.onnx"} if name != "knn" else set()
        assert {path.name for path in (run / "models" / name).iterdir()} == trained | graph | {"test_probs.npy"}
    assert {path.name for path in (run / "crossval" / "dnn").iterdir()} == {
        *("fold-0", "fold-1", "fold-2", "repeat-1", "folds.npy", "oof_probs.npy"),
    }
    for place in ("fold-0", "fold-1", "fold-2", "repeat-1"):
        there = {path.name for path in (run / "crossval" / "dnn" / place).iterdir()}
        assert there == trained | {"held_out_probs.npy", "test_probs.npy"}
    assert {path.suffix for path in (run / "figures").iterdir()} == {".svg", ".png"}
    assert not [path for path in run.rglob(".*") if path.is_file()]


def test_arrays_of_the_run_folder_fit_the_data(finished, digits: DataPair) -> None:
    run = finished.run
    np.testing.assert_array_equal(read_npy(run / "test_labels.npy"), digits.test.labels)
    probabilities = read_npy(run / "models" / "cnn" / "test_probs.npy")
    assert probabilities.shape == (200, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    folds, oof = read_npy(run / "crossval" / "dnn" / "folds.npy"), read_npy(run / "crossval" / "dnn" / "oof_probs.npy")
    assert np.bincount(folds).tolist() == [200, 200, 200]
    held_out = read_npy(run / "crossval" / "dnn" / "fold-1" / "held_out_probs.npy")
    np.testing.assert_array_equal(oof[folds == 1], held_out)
    entry = finished.results["crossval"]["dnn"]
    assert entry["oof"]["accuracy"] == pytest.approx((oof.argmax(axis=1) == digits.train.labels).mean())
    with np.load(run / "samples.npz") as samples:
        assert samples["examples"].shape == (10, 8, 28, 28)
        assert samples["means_train"].shape == samples["means_test"].shape == (10, 28, 28)
        mistakes = finished.results["models"]["dnn"]["test"]["worst_mistakes"]
        for row, image in zip(mistakes, samples["mistakes/dnn"], strict=True):
            np.testing.assert_array_equal(image, digits.test.images[row["index"]])


def test_the_fold_models_read_together(finished, digits: DataPair) -> None:
    told = finished.results["crossval"]["dnn"]["together"]
    reader = bruit.load_model(f"{finished.run}:dnn-folds")
    assert (reader.name, told["n_models"]) == ("dnn-folds", 3)
    probabilities = reader.probabilities(digits.test.images)
    each = [read_npy(finished.run / "crossval" / "dnn" / f"fold-{fold}" / "test_probs.npy") for fold in range(3)]
    np.testing.assert_allclose(probabilities, np.mean(each, axis=0), atol=1e-5)
    right = probabilities.argmax(axis=1) == digits.test.labels
    assert told["accuracy"] == right.mean()
    row, alone = told["comparison"], finished.results["models"]["dnn"]["test"]["accuracy"]
    assert (row["a"], row["b"]) == ("together", "dnn")
    assert row["difference"] == pytest.approx(right.mean() - alone)


def test_every_fraction_is_one(finished) -> None:
    found = dict(fractions(finished.results))
    assert len(found) > 200
    assert not {path: value for path, value in found.items() if not 0 <= value <= 1}


def test_the_scale_trap_is_found_and_put_right(finished, digits: DataPair) -> None:
    codes = [finding["code"] for finding in finished.results["dataset"]["findings"]]
    assert codes[0] == "scale-mismatch"
    histogram = finished.results["dataset"]["pixel_histogram"]["train"]
    np.testing.assert_array_equal(histogram, np.bincount(digits.train.images.ravel(), minlength=256))


def test_each_model_reports_its_own_figures(finished, digits: DataPair) -> None:
    for name, model in finished.results["models"].items():
        probabilities = read_npy(finished.run / "models" / name / "test_probs.npy")
        right = probabilities.argmax(axis=1) == digits.test.labels
        assert model["test"]["accuracy"] == pytest.approx(right.mean())
        confusion = np.array(model["test"]["confusion"])
        assert confusion.sum(axis=1).tolist() == [20] * 10  # rows are true classes
        assert model["train"]["n"] == 540
        assert model["validation"]["n"] == 60
        assert len(model["history"]) == (2 if name in ("dnn", "cnn") else 0)


def test_another_folder_gives_the_same_results(tiny, same_results, tmp_path: Path) -> None:
    one, other = tiny(), tiny(out=tmp_path / "again")
    same_results(one, other)
    changed = tiny(out=tmp_path / "other seed", seed=1)
    assert changed["models"]["dnn"]["history"] != one["models"]["dnn"]["history"]


def letters(n_classes: int, side: int, a_class: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """A bright stripe whose place tells the class."""
    rng = np.random.default_rng(n_classes)
    labels = np.repeat(np.arange(n_classes), a_class)
    images = rng.integers(0, 60, (len(labels), side * side))
    for image, label in zip(images, labels, strict=True):
        image[label * side * side // n_classes :][: side * side // n_classes] += 150
    return images.reshape(-1, side, side).astype(np.uint8), labels


@pytest.mark.parametrize(("n_classes", "side"), [(26, 16), (2, 28)])
def test_classes_and_sizes_come_from_the_data(n_classes: int, side: int, tmp_path: Path) -> None:
    images, labels = letters(n_classes, side)
    data = tmp_path / "letters"
    data.mkdir()
    for split in ("train", "test"):
        np.save(data / f"{split}_images.npy", images)
        np.save(data / f"{split}_labels.npy", labels)
    results = bruit.study(
        data,
        tmp_path / "run",
        models=("logistic", "knn", "dnn", "cnn-plus"),
        crossval=("logistic",),
        folds=2,
        repeats=0,
        epochs=1,
        workers=1,
    )
    validate(results)
    assert results["dataset"]["shape"] == [side, side]
    assert results["dataset"]["classes"] == [str(label) for label in range(n_classes)]
    assert results["models"]["logistic"]["test"]["accuracy"] > 0.9
    assert np.array(results["models"]["dnn"]["test"]["confusion"]).shape == (n_classes, n_classes)
    assert "<html" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_the_winner_is_chosen_on_validation_and_the_test_set_has_no_say(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = study_module.model_section

    def section(folder: Path, *rest: Any) -> dict[str, Any]:
        figures = honest(folder, *rest)
        figures["validation"]["accuracy"] = 0.9 if folder.name == "logistic" else 0.8
        if "test" in figures:
            figures["test"]["accuracy"] = 0.7 if folder.name == "logistic" else 0.95
        return figures

    monkeypatch.setattr(study_module, "model_section", section)
    results = tiny(crossval=())
    assert results["winner"] == "logistic"
    assert [row["a"] for row in results["comparison"]] == ["logistic"]


def test_quick_is_a_sample_with_fewer_epochs_and_folds(digits: DataPair, tiny, monkeypatch) -> None:
    from bruit.studies import plan

    monkeypatch.setattr(plan, "QUICK_TRAIN", 200)
    monkeypatch.setattr(plan, "QUICK_TEST", 50)
    results = tiny(digits, quick=True, epochs=None, folds=5, repeats=4, crossval=("logistic",))
    validate(results)
    assert results["quick"]
    assert (results["dataset"]["train"]["n"], results["dataset"]["test"]["n"]) == (200, 50)
    assert results["dataset"]["train"]["counts"] == [20] * 10
    assert len(results["models"]["dnn"]["history"]) == 6  # of 15
    assert len(results["crossval"]["logistic"]["folds"]) == 3
    assert len(results["crossval"]["logistic"]["seed_runs"]) == 2


def test_one_model_and_no_cross_validation(few: DataPair, tmp_path: Path) -> None:
    results = bruit.study(few, tmp_path / "run", models=("knn",), crossval=(), workers=1)
    validate(results)
    assert results["winner"] == "knn"
    assert results["comparison"] == []
    assert results["crossval"] == {}
    assert [claim["key"] for claim in results["conclusion"]] == ["winner_only", "calibration"]
    assert not (tmp_path / "run" / "crossval").exists()


def test_a_model_may_be_cross_validated_without_being_in_the_race(few: DataPair, tmp_path: Path) -> None:
    results = bruit.study(few, tmp_path / "run", models=("knn",), crossval=("logistic",), folds=3, workers=1)
    validate(results)
    assert list(results["models"]) == ["knn"]
    assert list(results["crossval"]) == ["logistic"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_folders_may_have_names_in_another_encoding(few: DataPair, npy_folder, tmp_path: Path) -> None:
    data, run = npy_folder(few, os.fsdecode(b"d\xe9")), tmp_path / os.fsdecode(b"r\xe9s")
    settings = {"models": ("logistic",), "crossval": (), "workers": 1}
    results = bruit.study(data, run, **settings)
    stored = read_json(run / "results.json")
    assert stored["dataset"]["name"] == "d?"
    assert stored["models"] == results["models"]
    assert tomllib.loads((run / "study.toml").read_text("utf-8"))["data"] == str(data).replace("\udce9", "?")
    assert "<html" in (run / "report.html").read_text("utf-8")
    (run / "results.json").unlink()
    assert bruit.study(data, run, resume=True)["models"] == results["models"]


def test_a_full_disk_is_one_line_and_no_half_file(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"cannot write .*run.*: No space left on device; free some space"):
        tiny()
    monkeypatch.undo()
    left = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(left) <= 9
    assert not [path for path in left if path.name.startswith(".")]
    for path in left:
        if path.suffix == ".json":
            read_json(path)
        elif path.suffix == ".npy":
            read_npy(path)


def test_watchers_are_told_of_stages_and_of_progress(tiny, few: DataPair) -> None:
    stages, boards = [], []
    tiny(on_stage=stages.append, on_board=lambda board: boards.append(board.copy()))
    assert [stage.name for stage in stages] == ["data", "training", "test", "report", "done"]
    training = stages[1]
    assert [task.name for task in training.tasks] == ["logistic", "dnn", *["dnn"] * 3]
    assert len(training.seconds) == 5
    assert all(seconds > 0 for seconds in training.seconds)
    assert boards[-1].shape == (5, 4)
    assert (boards[-1][:, 0] == 1).all()


def test_the_command_is_kept_without_the_paths_of_the_machine(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    check: Callable[[], str] = study_module._command
    monkeypatch.setattr("sys.argv", ["/home/someone/.venv/bin/bruit", "study", "my data", "--out", "run"])
    assert check() == "bruit study 'my data' --out run"
    monkeypatch.setattr("sys.argv", ["/home/someone/bruit/__main__.py", "study"])
    assert check() == "bruit study"
    monkeypatch.setattr("sys.argv", ["/home/someone/secret.py", "--token"])
    assert check() == "bruit.study(…), called from Python"
