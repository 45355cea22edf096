"""The learning curve as a part of a study."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.files import read_json
from bruit.models.trained import Baseline
from bruit.training import pool

SCHEMA = json.loads((files("bruit.studies") / "results.schema.json").read_text("utf-8"))
SETTINGS = {"models": ("knn", "logistic"), "crossval": (), "workers": 1}


@pytest.fixture(scope="module")
def curved(digits: DataPair, tmp_path_factory: pytest.TempPathFactory):
    """A study with a learning curve, its report in full, and the images that were read before the test set."""
    run = tmp_path_factory.mktemp("curved") / "run"
    secret = {image.tobytes() for image in digits.test.images}
    stages, seen = [], []
    logits = Baseline.logits

    def look(self, images):
        seen.append((stages[-1], any(image.tobytes() in secret for image in images)))
        return logits(self, images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Baseline, "logits", look)
        results = bruit.study(
            digits, run, learning_curve=True, on_stage=lambda stage: stages.append(stage.name), **SETTINGS
        )
    return results, run, seen


def test_the_results_hold_the_curve_and_follow_the_schema(curved) -> None:
    results, run, _ = curved
    jsonschema.validate(results, SCHEMA, jsonschema.Draft202012Validator)
    assert read_json(run / "results.json") == results
    assert list(results["learning_curve"]) == ["logistic"]
    points = results["learning_curve"]["logistic"]["points"]
    assert [point["n"] for point in points][-1] == 540
    assert [len(point["accuracies"]) for point in points] == [3] * 7
    claim = next(claim for claim in results["conclusion"] if claim["key"] == "more_images")
    assert claim["values"]["model"] == "logistic"


def test_the_studys_own_model_is_the_end_of_its_curve(curved) -> None:
    results, run, _ = curved
    own = results["models"]["logistic"]["validation"]["accuracy"]
    assert results["learning_curve"]["logistic"]["points"][-1]["accuracies"][0] == own
    folder = run / "learning" / "logistic"
    assert not (folder / "size-540-draw-0").exists()
    assert (folder / "size-540-draw-1" / "config.json").is_file()
    assert not list(folder.rglob("test_probs.npy"))


def test_the_test_set_has_no_part_in_it(curved) -> None:
    _, _, seen = curved
    assert {stage for stage, secret in seen if secret} == {"test"}


def test_the_report_shows_it(curved) -> None:
    _, run, _ = curved
    page = (run / "report.html").read_text("utf-8")
    assert "Would more images help?" in page
    assert (run / "figures" / "learning-logistic.svg").is_file()
    assert (run / "figures" / "learning-logistic.png").is_file()


def test_a_resumed_study_goes_on_with_its_curve_and_ends_alike(
    digits: DataPair, npy_folder, curved, tmp_path: Path, no_figures: None
) -> None:
    class Killed(BaseException):
        pass

    results, _, _ = curved
    data, run, trained = npy_folder(), tmp_path / "run", []
    honest = pool._job

    def killed(task, *rest):
        trained.append(task.folder.name)
        if len(trained) == 12:
            raise Killed
        return honest(task, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_job", killed)
        with pytest.raises(Killed):
            bruit.study(data, run, learning_curve=True, **SETTINGS)
    left = len(list((run / "learning").rglob("config.json")))
    assert left == 9
    resumed = bruit.study(out=run, resume=True, workers=1)
    assert resumed["learning_curve"] == results["learning_curve"]
    assert tomllib.loads((run / "study.toml").read_text("utf-8"))["learning_curve"] == ["logistic"]


def test_epochs_that_are_said_hold_at_every_size(few: DataPair, tiny, tmp_path: Path) -> None:
    results = tiny(few, models=("dnn-plus",), crossval=(), epochs=1, learning_curve=("dnn-plus",))
    jsonschema.validate(results, SCHEMA, jsonschema.Draft202012Validator)
    configs = [read_json(path) for path in (tmp_path / "run" / "learning").rglob("config.json")]
    assert len(configs) > 10
    assert {config["train"]["epochs"] for config in configs} == {1}


def test_without_it_there_is_none(tiny) -> None:
    results = tiny(crossval=())
    assert results["learning_curve"] == {}
    assert results["plan"]["learning_curve"] == []
