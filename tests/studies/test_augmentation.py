"""Noise as augmentation: what is proposed, and whether it helped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import bruit
from bruit.errors import ConfigError
from bruit.evaluation.comparison import mcnemar
from bruit.evaluation.metrics import correct
from bruit.noise.mixture import Mixture, Part
from bruit.noise.registry import MNIST_C
from bruit.studies.augmentation import settle

FOG = '[[corruption]]\nname = "fog"\nseverity = [1, 2]\n[[corruption]]\nname = "clean"\n'


@pytest.fixture
def foggy(few):
    return bruit.apply_recipe("fog", few)


def test_auto_takes_what_the_images_carry(few, foggy) -> None:
    told = settle("auto", foggy.train)
    mixture = Mixture.from_plain(told["mixture"])
    assert {part.name for part in mixture.parts} == {"clean", "fog"}
    assert mixture.parts[0].odds == pytest.approx(sum(part.odds for part in mixture.parts[1:]))
    assert told["noise"]["shares"][0]["name"] == "fog"
    assert json.loads(json.dumps(told)) == told
    clean = settle("auto", few.train)
    assert set(clean) == {"asked", "noise"}
    assert clean["noise"]["shares"][0]["name"] in ("clean", "quantize")


def test_a_corruption_all_of_them_or_a_file(few, tmp_path) -> None:
    def parts(asked):
        return Mixture.from_plain(settle(asked, few.train)["mixture"]).parts

    assert parts("fog") == parts("mnist-c/fog") == (Part("clean", 1.0, (None,)), Part("fog", 1.0, (5,)))
    assert parts("stripe")[1] == Part("stripe", 1.0, (None,))
    first, *others = parts("mnist-c")
    assert [part.name for part in others] == list(MNIST_C)
    assert first == Part("clean", 15.0, (None,))
    (tmp_path / "mine.toml").write_text(FOG)
    assert parts(tmp_path / "mine.toml") == (Part("fog", 1.0, (1, 2)), Part("clean", 1.0, (None,)))


def test_what_is_none(few, refused, tiny) -> None:
    with refused(
        ConfigError,
        "expected auto, FILE.toml or the name of a corruption to augment by, received 'fogg': no corruption is called "
        "'fogg'; did you mean fog?",
    ):
        settle("fogg", few.train)
    with refused(ConfigError, "clean is no noise to augment by; leave it out"):
        settle("clean", few.train)
    with refused(
        ConfigError, "expected auto, FILE.toml or the name of a corruption to augment by, received {'fog': 1}"
    ):
        tiny(augment={"fog": 1})
    with refused(ConfigError, "expected True or False as robustness, received 'no'"):
        tiny(robustness="no")
    with refused(
        ConfigError, "expected a network among the models to augment by noise, received logistic; add cnn-plus"
    ):
        tiny(models=["logistic"], crossval=(), augment="fog")


def test_a_study_says_whether_it_helped_and_resumes_as_it_was_begun(tiny, tmp_path, same_results) -> None:
    run = tmp_path / "run"
    results = tiny(models=["logistic", "dnn"], crossval=(), augment="fog")
    told = results["augmentation"]
    assert (told["model"], told["base"], told["asked"]) == ("dnn-augmented", "dnn", "fog")
    assert list(results["models"]) == ["logistic", "dnn", "dnn-augmented"]
    labels = np.load(run / "models" / "dnn" / "val_labels.npy")
    with_noise, without = (
        correct(np.load(run / "models" / name / "val_probs.npy"), labels) for name in ("dnn-augmented", "dnn")
    )
    assert told["comparison"]["difference"] == pytest.approx(with_noise.mean() - without.mean())
    assert told["comparison"]["mcnemar_p"] == mcnemar(with_noise, without)
    assert results["models"]["dnn-augmented"]["recipe"]["noise"] == "1 clean | 1 fog/5"
    assert "noise" not in results["models"]["dnn"]["recipe"]
    assert bruit.load_model(f"{run}:dnn-augmented").name == "dnn"
    (run / "results.json").unlink()
    same_results(tiny(models=["logistic", "dnn"], crossval=(), resume=True), results)


def test_the_report_tells_it_in_both_languages(tiny, tmp_path, foggy, monkeypatch) -> None:
    tiny(data=foggy, models=["dnn"], crossval=(), augment="auto")
    page = bruit.rebuild_report(tmp_path / "run").read_text()
    assert "Does noise in training help?" in page
    assert "fog/" in page
    assert any(
        line in page for line in ("The noise helped.", "The noise did harm.", "cannot be told from these images")
    )
    monkeypatch.setenv("LANGUAGE", "fr")
    page = bruit.rebuild_report(tmp_path / "run").read_text()
    assert "Le bruit à l’entraînement aide-t-il" in page
    assert "Does noise" not in page


def test_clean_images_propose_nothing(tiny, few, tmp_path) -> None:
    inverse = bruit.apply_recipe("clean", few)
    results = tiny(data=replace(inverse, name="mine"), models=["dnn"], crossval=(), augment="auto")
    assert list(results["models"]) == ["dnn"]
    assert set(results["augmentation"]) == {"asked", "noise"}
    assert "no model was trained with noise" in bruit.rebuild_report(tmp_path / "run").read_text()
