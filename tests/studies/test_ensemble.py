"""A study at its best: five of the most promising network read together, as one model more."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import bruit
from bruit.errors import ConfigError
from bruit.evaluation.calibration import apply_temperature, fit_temperature
from bruit.evaluation.comparison import conclude
from bruit.files import read_json, read_npy
from bruit.studies.study import study

MODELS = ("logistic", "dnn")


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    """The folder of a study at its best, its trainings cut short."""
    out = tmp_path_factory.mktemp("best") / "run"
    study(digits, out, models=MODELS, crossval=(), best=True, epochs=1)
    return out


def test_the_ensemble_is_a_model_of_the_study(run, digits) -> None:
    results = read_json(run / "results.json")
    assert list(results["models"]) == ["logistic", "dnn", "dnn-ensemble"]
    told, alone = results["models"]["dnn-ensemble"], results["models"]["dnn"]
    assert told["title"] == "DNN, five together"
    assert told["parameters"] == 5 * alone["parameters"]
    assert told["train"]["seconds"] > alone["train"]["seconds"]
    assert {row["a"] for row in results["comparison"]} | {row["b"] for row in results["comparison"]} == {
        *("logistic", "dnn", "dnn-ensemble")
    }
    assert "DNN, five together" in (run / "report.html").read_text(encoding="utf-8")


def test_its_members_differ_in_their_seed_alone(run, digits) -> None:
    folders = [run / "models" / "dnn", *(run / "ensemble" / f"dnn-{n}" for n in range(2, 6))]
    configs = [read_json(folder / "config.json") for folder in folders]
    assert len({config["seed"] for config in configs}) == 5
    for key in ("recipe", "config", "classes"):
        assert all(config[key] == configs[0][key] for config in configs)
    held_out = [np.array(read_npy(folder / "val_labels.npy")) for folder in folders]
    assert all(np.array_equal(labels, held_out[0]) for labels in held_out)


def test_it_gives_the_calibrated_mean_of_its_members(run, digits) -> None:
    folders = [run / "models" / "dnn", *(run / "ensemble" / f"dnn-{n}" for n in range(2, 6))]
    mean = np.mean([read_npy(folder / "val_probs.npy") for folder in folders], axis=0)
    temperature = fit_temperature(np.log(mean), read_npy(run / "models" / "dnn" / "val_labels.npy"))
    ensemble = run / "models" / "dnn-ensemble"
    assert read_json(ensemble / "config.json")["temperature"] == pytest.approx(temperature, rel=1e-3)
    expected = apply_temperature(np.log(mean), temperature)
    np.testing.assert_allclose(read_npy(ensemble / "val_probs.npy"), expected, atol=1e-3)
    reader = bruit.load_model(f"{run}:dnn-ensemble")
    given = reader.probabilities(digits.test.images)
    np.testing.assert_allclose(given, read_npy(ensemble / "test_probs.npy"), atol=1e-6)


def test_a_study_goes_on_where_the_ensemble_is_missing(run, digits, tmp_path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    shutil.rmtree(again / "models" / "dnn-ensemble")
    study(digits, again, resume=True)
    for file in ("val_probs.npy", "test_probs.npy", "weights.safetensors"):
        ours, theirs = (folder / "models" / "dnn-ensemble" / file for folder in (again, run))
        assert ours.read_bytes() == theirs.read_bytes()


def test_what_is_damaged_is_made_again_and_the_ensemble_after_it(run, digits, tmp_path) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    for file in ("models/dnn/weights.safetensors", "models/dnn-ensemble/val_probs.npy", "results.json"):
        with (again / file).open("r+b") as stored:
            stored.seek(200)
            stored.write(b"damage")
    study(digits, again, resume=True)
    for file in ("val_probs.npy", "test_probs.npy", "weights.safetensors"):
        ours, theirs = (folder / "models" / "dnn-ensemble" / file for folder in (again, run))
        assert ours.read_bytes() == theirs.read_bytes()


def test_five_of_a_kind_are_no_candidate_where_one_dense_and_one_convolutional_network_are_compared(run) -> None:
    results = read_json(run / "results.json")
    assert results["models"]["dnn-ensemble"]["members"] == 5
    single = {**results["models"]["dnn"], "family": "convolutional"}
    models = {"dnn": single, "dnn-plus": results["models"]["dnn"], "dnn-ensemble": results["models"]["dnn-ensemble"]}
    right = {name: np.arange(200) < one["test"]["accuracy"] * 200 for name, one in models.items()}
    claims = conclude({"models": models, "winner": "dnn-ensemble", "seed": 0}, right)
    values = next(claim["values"] for claim in claims if claim["key"] == "families")
    assert (values["best_dense"], values["best_convolutional"]) == ("dnn-plus", "dnn")


def test_without_a_network_there_is_none(digits, tmp_path) -> None:
    results = study(digits, tmp_path / "run", models=("logistic",), crossval=(), best=True)
    assert list(results["models"]) == ["logistic"]


def test_a_quick_study_is_not_at_its_best(digits, tmp_path, refused) -> None:
    with refused(ConfigError, "a study is either quick or at its best; leave out one of them"):
        study(digits, tmp_path / "run", quick=True, best=True)
    assert not (tmp_path / "run").exists()
