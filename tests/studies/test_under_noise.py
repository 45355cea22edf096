"""Noisy test images as a part of a study."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import ConfigError, DataError, RunError
from bruit.files import read_json
from bruit.models.store import load_model
from bruit.seals import broken
from bruit.studies import robustness as module
from bruit.studies import under_noise
from bruit.studies.plan import Choice, make_plan

SCHEMA = json.loads((files("bruit.studies") / "results.schema.json").read_text("utf-8"))
SETTINGS = {"models": ("logistic", "dnn", "cnn"), "crossval": (), "epochs": 1, "workers": 1, "quick": True}


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def shown(digits: DataPair, tmp_path_factory: pytest.TempPathFactory):
    """A study that shows its networks noisy images, its report in full, its stages, and how its progress went."""
    run, stages, sets = tmp_path_factory.mktemp("shown") / "run", [], []
    results = bruit.study(
        digits, run, robustness=True, on_stage=stages.append, on_sets=lambda *at: sets.append(at), **SETTINGS
    )
    return results, run, stages, sets


def test_the_results_follow_the_schema_and_are_those_of_bruit_robustness(shown, digits: DataPair) -> None:
    results, run, _, _ = shown
    jsonschema.validate(results, SCHEMA, jsonschema.Draft202012Validator)
    assert read_json(run / "results.json") == results
    found = results["robustness"]
    assert list(found["models"]) == ["dnn", "cnn"]
    assert (found["baseline"], found["suite"], found["n"]) == ("dnn", "severity", 200)
    models = [load_model(run / "models" / name) for name in ("dnn", "cnn")]
    assert bruit.robustness(models, "severity", digits, seed=0) == found
    assert found["models"]["cnn"]["clean"]["accuracy"] == results["models"]["cnn"]["test"]["accuracy"]


def test_the_winner_is_who_it_would_be_without(shown) -> None:
    results, _, _, _ = shown
    validation = {name: model["validation"]["accuracy"] for name, model in results["models"].items()}
    assert validation[results["winner"]] == max(validation.values())


def test_stages_and_progress_tell_of_it(shown) -> None:
    _, _, stages, sets = shown
    assert [stage.name for stage in stages] == ["data", "training", "test", "robustness", "report", "done"]
    assert stages[1].after > 0
    assert sets == [(done, 60) for done in range(61)]


def test_models_keep_what_they_have_seen(shown) -> None:
    results, run, _, _ = shown
    for name in ("dnn", "cnn"):
        assert read_json(run / "models" / name / "config.json")["seen"] == ["digits"]
        assert results["robustness"]["models"][name]["seen"] == ["digits"]
        assert not results["robustness"]["models"][name]["augmented"]


def test_the_report_shows_it_in_both_languages(shown) -> None:
    _, run, _, _ = shown
    for lang, words in (
        ("fr", ("Comment cela résiste au bruit", "Ce dont ils ont appris", "dégradations de MNIST-C")),
        ("en", ("How it holds up under noise", "What they have learned from", "corruptions of MNIST-C", "glass_blur")),
    ):
        page = bruit.rebuild_report(run, lang).read_text("utf-8")
        assert 'id="robustness"' in page
        for word in words:
            assert word in page
    for name in ("robustness", "severities"):
        assert (run / "figures" / f"{name}.svg").is_file()
        assert (run / "figures" / f"{name}.png").is_file()


def test_a_study_that_was_killed_goes_on_with_it_and_does_nothing_twice(
    npy_folder, tmp_path: Path, no_figures: None, monkeypatch
) -> None:
    data, run, calls = npy_folder(), tmp_path / "run", []
    honest = under_noise.robustness

    def counted(*args, **more):
        calls.append(more)
        if len(calls) == 1:
            raise Killed
        return honest(*args, **more)

    monkeypatch.setattr(under_noise, "robustness", counted)
    with pytest.raises(Killed):
        bruit.study(data, run, robustness=True, **SETTINGS)
    assert tomllib.loads((run / "study.toml").read_text("utf-8"))["robustness"] is True
    again = bruit.study(out=run, resume=True, workers=1)
    models = [load_model(run / "models" / name) for name in ("dnn", "cnn")]
    assert again["robustness"] == bruit.robustness(models, "severity", data)
    assert len(calls) == 2
    (run / "results.json").unlink()
    assert bruit.study(out=run, resume=True)["robustness"] == again["robustness"]
    assert len(calls) == 2
    # What is damaged is made again.
    path = run / "robustness" / "robustness.json"
    path.write_text(path.read_text("utf-8").replace("0.", "1.", 1), "utf-8")
    assert broken(run)
    assert bruit.study(out=run, resume=True)["robustness"] == again["robustness"]
    assert len(calls) == 3
    assert not broken(run)


def test_without_it_there_is_none_and_the_settings_do_not_speak_of_it(tiny, tmp_path: Path, refused) -> None:
    results = tiny(crossval=())
    assert "robustness" not in results
    assert not (tmp_path / "run" / "robustness").exists()
    assert "robustness" not in tomllib.loads((tmp_path / "run" / "study.toml").read_text("utf-8"))
    said = "was not set, is True"
    with pytest.raises(RunError, match=f"was begun with other settings \\(--robustness {said}\\)"):
        tiny(crossval=(), robustness=True, resume=True)


def test_where_it_makes_no_sense_that_is_said_before_any_training(tiny, few: DataPair, refused) -> None:
    message = (
        "only networks are shown noisy images, and among logistic, knn there is none; add one, or leave out robustness"
    )
    with refused(ConfigError, message):
        tiny(models=("logistic", "knn"), crossval=(), robustness=True)
    small = replace(
        few, **{key: replace(one, images=one.images[:, 7:14, 7:14].copy()) for key, one in few.splits.items()}
    )
    with pytest.raises(DataError, match="expected images of 8 × 8 pixels or more, received 7 × 7"):
        tiny(small, robustness=True)


def test_a_large_test_set_is_sampled(digits: DataPair, tmp_path: Path) -> None:
    many = np.tile(np.arange(len(digits.test)), 15)
    test = replace(digits.test.subset(many), ids=np.arange(len(many)) + 10_000)
    for quick, n in ((False, under_noise.SAMPLE), (True, under_noise.QUICK_SAMPLE)):
        choice = Choice(models=("dnn",), crossval=(), robustness=True, quick=quick)
        plan = make_plan(digits, choice, run=tmp_path, workers=1, begun={})
        few = under_noise._sample(test, plan)
        assert len(few) == n
        assert (few.counts == n // 10).all()
        assert under_noise.seconds(plan, test, [10.0]) > under_noise.seconds(plan, digits.test, [10.0]) > 0


def test_outside_models_are_shown_it_too(digits: DataPair, tmp_path: Path, no_figures: None) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from bruit.outside.export import export

    model = bruit.fit("dnn", digits.train, epochs=1, seed=5).model
    path = tmp_path / "mine.onnx"
    export(model, path)
    few = replace(digits, test=digits.test.subset(np.arange(40)))
    results = bruit.study(few, tmp_path / "run", robustness=True, outside=[path], **{**SETTINGS, "models": ("dnn",)})
    jsonschema.validate(results, SCHEMA, jsonschema.Draft202012Validator)
    assert list(results["robustness"]["models"]) == ["dnn", "mine.onnx"]
    assert results["robustness"]["models"]["mine.onnx"]["seen"] == []
    assert module.SUITES[1] == results["robustness"]["suite"]


def test_beside_folds_of_other_sizes_and_a_network_that_noise_augments(tiny) -> None:
    results = tiny(models=("dnn",), crossval=("dnn",), augment="fog", robustness=True)
    assert list(results["robustness"]["models"]) == ["dnn", "dnn-augmented"]
    assert set(results["crossval"]) == {"dnn"}
