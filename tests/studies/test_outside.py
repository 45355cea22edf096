"""Models from outside in a study: beside the others, and never the winner."""

from __future__ import annotations

import dataclasses
import json
import shutil
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import ConfigError, RunError
from bruit.files import read_json
from bruit.models.baselines import Logistic
from bruit.models.trained import Baseline
from bruit.outside.export import export
from bruit.report.report import write

from .conftest import Study


@pytest.fixture(scope="session")
def student(digits: DataPair, few: DataPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has seen the very images on which it will be tested: nothing that is trained honestly beats it."""
    both = bruit.Dataset(
        np.concatenate([few.train.images, few.test.images]),
        np.concatenate([few.train.labels, few.test.labels]),
        few.classes,
        np.arange(len(few.train) + len(few.test)),
    )
    model = Baseline("logistic", Logistic(1e-4, 500), few.classes, (28, 28))
    model.learned = Logistic(1e-4, 500).learn(both)
    path = tmp_path_factory.mktemp("outside") / "student.onnx"
    export(model, path)
    return path


def test_it_stands_in_everything_but_wins_nothing(tiny: Study, student: Path, few: DataPair, tmp_path: Path) -> None:
    results = tiny(outside=[student])
    entry, others = results["models"]["student.onnx"], [results["models"][name] for name in ("logistic", "dnn")]
    assert entry["test"]["accuracy"] == 1.0
    assert entry["validation"]["accuracy"] >= max(other["validation"]["accuracy"] for other in others)
    assert results["winner"] in ("logistic", "dnn")
    assert results["plan"]["outside"] == ["student.onnx"]
    assert results["plan"]["models"] == ["logistic", "dnn"]
    assert list(results["crossval"]) == ["dnn"]
    assert "train" not in entry
    assert entry["family"] == "outside"
    assert entry["outside"] == {"format": "onnx", "sha256": bruit.load_model(student).sha256, "scale": "0-255"}
    assert "student.onnx" in [row["b"] for row in results["comparison"]]
    claims = [claim for claim in results["conclusion"] if claim["key"] == "outside"]
    (claim,) = claims
    assert (claim["values"]["model"], claim["values"]["winner"]) == ("student.onnx", results["winner"])
    lead = results["models"][results["winner"]]["test"]["accuracy"] - 1
    assert claims[0]["values"]["difference"] == pytest.approx(lead)
    for claim in results["conclusion"]:
        if claim["key"] != "outside":
            assert "student.onnx" not in claim["values"].values()
    schema = json.loads(files("bruit.studies").joinpath("results.schema.json").read_text("utf-8"))
    jsonschema.validate(results, schema)

    run = tmp_path / "run"
    stored = np.load(run / "models" / "student.onnx" / "test_probs.npy")
    np.testing.assert_array_equal(stored, bruit.load_model(student).probabilities(few.test.images))
    assert (run / "models" / "student.onnx" / "student.onnx").read_bytes() == student.read_bytes()
    figures = bruit.evaluate(f"{run}:student.onnx", few)
    assert figures["confusion"] == entry["test"]["confusion"]
    rows = {row["name"]: row for row in bruit.compare(run)["models"]}
    assert (rows["student.onnx"]["winner"], rows["student.onnx"]["seconds"]) == (False, None)

    page = write(run, results).read_text("utf-8")
    assert "from outside" in page
    assert "its figures flatter it" in page
    assert "it was no candidate for the winner, and it cannot be cross-validated" in page


def test_without_it_nothing_else_changes(tiny: Study, student: Path, undisturbed, same_results) -> None:
    results, alone = tiny(outside=[student]), undisturbed[0]
    del results["models"]["student.onnx"]
    same_results(results["models"], alone["models"])
    same_results(results["crossval"], alone["crossval"])
    assert results["winner"] == alone["winner"]


def test_resume_goes_on_from_the_folder_alone(tiny: Study, student: Path, tmp_path: Path, same_results) -> None:
    run, file = tmp_path / "run", tmp_path / "student.onnx"
    shutil.copy(student, file)
    first = tiny(outside=[file])
    file.unlink()
    folder = run / "models" / "student.onnx"
    for lost in ("val_probs.npy", "test_probs.npy", "config.json"):
        (folder / lost).unlink()
        (run / "results.json").unlink()
        same_results(tiny(resume=True), first)
    for damaged in ("val_probs.npy", "test_probs.npy"):
        (folder / damaged).write_bytes(b"damaged")
        (run / "results.json").unlink()
        same_results(tiny(resume=True), first)


def test_resume_refuses_another_file(tiny: Study, student: Path, tmp_path: Path, refused) -> None:
    tiny(outside=[student])
    run, kept = tmp_path / "run", tmp_path / "run" / "models" / "student.onnx" / "student.onnx"
    content = kept.read_bytes()
    kept.write_bytes(content + b"\0")
    lost = "was begun with student.onnx, which it does not hold any more; name the file with --with beside --resume"
    with refused(RunError, f"{run} {lost}"):
        tiny(resume=True)
    assert tiny(resume=True, outside=[student])["status"] == "complete"
    other = tmp_path / "student.onnx"
    other.write_bytes(content.replace(b"logistic", b"Logistic"))
    with pytest.raises(RunError, match=r"was begun with other settings \(--with differs\)"):
        tiny(resume=True, outside=[other])
    with pytest.raises(RunError, match=r"was begun with other settings \(--with "):
        tiny(resume=True, outside=[])


def test_what_does_not_fit_is_refused_before_anything_is_trained(
    tiny: Study, student: Path, digits: DataPair, few: DataPair, tmp_path: Path, refused
) -> None:
    message = (
        f"{student} knows the classes 0, 1, 2, the data has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; "
        "name them with --classes, in the order of its outputs"
    )
    with refused(ConfigError, message):
        tiny(digits, outside=[student])

    def halved(part: bruit.Dataset) -> bruit.Dataset:
        return dataclasses.replace(part, images=np.ascontiguousarray(part.images[:, ::2, ::2]))

    small = DataPair("small", halved(few.train), halved(few.test))
    with refused(ConfigError, f"{student} reads images of 28 × 28 pixels, the data has 14 × 14"):
        tiny(small, outside=[student])
    with refused(ConfigError, "two of the models are called student.onnx; rename one of the files"):
        tiny(outside=[student, student])
    assert not (tmp_path / "run").exists()


def test_classes_may_come_in_another_order(tiny: Study, few: DataPair, tmp_path: Path) -> None:
    """What is stored follows the data's order, whatever the file's."""
    classes = ("2", "0", "1")
    labels = np.array([classes.index(few.classes[label]) for label in few.train.labels])
    turned = bruit.Dataset(few.train.images, labels, classes, few.train.ids)
    model = Baseline("logistic", Logistic(), classes, (28, 28))
    model.learned = Logistic().learn(turned)
    export(model, tmp_path / "turned.onnx")
    results = tiny(outside=[tmp_path / "turned.onnx"], models=("logistic",), crossval=())
    turned_accuracy = results["models"]["turned.onnx"]["test"]["accuracy"]
    assert turned_accuracy > 0.8
    assert turned_accuracy == bruit.evaluate(tmp_path / "turned.onnx", few)["accuracy"]
    assert results["conclusion"][0]["key"] == "winner_only"
    settings = (tmp_path / "run" / "study.toml").read_text()
    assert '[outside."turned.onnx"]' in settings
    assert read_json(tmp_path / "run" / "models" / "turned.onnx" / "config.json")["classes"] == ["2", "0", "1"]
