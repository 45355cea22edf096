"""What a study will do, from what was said of it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bruit.data.dataset import DataPair
from bruit.errors import BruitError, ConfigError, DataError
from bruit.models.zoo import ZOO
from bruit.studies.plan import Choice, curve_models, make_plan, quick_epochs


def test_models_named_twice_are_trained_once(tiny, tmp_path: Path) -> None:
    results = tiny(models=("logistic", "knn", "logistic"), crossval=("knn", "knn"), repeats=0)
    assert list(results["models"]) == ["logistic", "knn"]
    assert tomllib.loads((tmp_path / "run" / "study.toml").read_text("utf-8"))["models"] == ["logistic", "knn"]


def test_one_model_may_be_named_by_a_text(tiny) -> None:
    results = tiny(models="logistic", crossval="logistic", repeats=0)
    assert list(results["models"]) == list(results["crossval"]) == ["logistic"]


def test_by_default_only_models_that_are_trained_are_cross_validated(tiny) -> None:
    assert tiny(models=("logistic",), crossval=None)["crossval"] == {}
    assert list(tiny(models=("dnn-plus",), crossval=None, epochs=1, repeats=0, force=True)["crossval"]) == ["dnn-plus"]


def test_at_its_best_every_training_takes_the_recipe_for_that(digits: DataPair, tmp_path: Path) -> None:
    def planned(**more: Any) -> Any:
        choice = Choice(
            models=("logistic", "dnn-plus"), crossval=("dnn-plus",), learning_curve=True, augment="fog", **more
        )
        return make_plan(digits, choice, run=tmp_path, workers=1, begun={})

    usual, best = planned(), planned(best=True)
    assert len(best.ensemble) == 4
    assert usual.ensemble == ()
    longer = ZOO["dnn-plus"].best
    assert longer is not None
    trained = {task.folder: task.seed for task in best.tasks}
    assert trained == {task.folder: task.seed for task in (*usual.tasks, *best.ensemble)}
    for task in (task for task in best.tasks if task.name == "dnn-plus"):
        assert task.recipe == replace(longer, noise=task.noise).for_images(len(task.train))
    assert best.augmented is not None
    assert best.augmented.noise is not None
    assert best.settings.recipes["dnn-plus"]["recipe"]["epochs"] == longer.epochs
    assert (usual.settings.best, best.settings.best) == (None, True)


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"models": ("dnn", "rnn")}, ConfigError, "no model is called rnn; choose among logistic, knn, dnn"),
        ({"crossval": ("rnn",)}, ConfigError, "no model is called rnn; choose among logistic, knn, dnn"),
        ({"models": ()}, ConfigError, "expected one model or more, received none; choose among logistic"),
        ({"learning_curve": ("rnn",)}, ConfigError, "no model is called rnn; choose among logistic, knn, dnn"),
        (
            {"learning_curve": ("cnn",)},
            ConfigError,
            "expected the learning curve of a model that is trained, received cnn; add it to the models, or choose "
            "among logistic, dnn",
        ),
        ({"folds": 1}, ConfigError, "expected 2 or more as folds, received 1"),
        ({"folds": 41}, DataError, "class 0 has 40 of 120 training images; 41 folds"),
        ({"repeats": -1}, ConfigError, "expected 0 or more as repeats, received -1"),
        ({"epochs": 0}, ConfigError, "expected 1 or more as epochs, received 0"),
        ({"seed": -1}, ConfigError, "expected 0 or more as seed, received -1"),
        ({"seed": 1.5}, ConfigError, "expected a whole number as seed, received 1.5"),
        ({"workers": 0}, ConfigError, "expected 1 or more as workers, received 0"),
        ({"data": "nowhere"}, DataError, "no file, folder or data set is called nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    tiny, tmp_path: Path, wrong: dict[str, Any], kind: type[BruitError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        tiny(**wrong)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_numbers_may_be_of_numpy(tiny, tmp_path: Path, same_results) -> None:
    settings = {"folds": 2, "repeats": 1, "epochs": 2, "seed": 3}
    results = tiny(out=tmp_path / "numpy", **{name: np.int64(value) for name, value in settings.items()})
    same_results(results, tiny(**settings))
    assert tomllib.loads((tmp_path / "numpy" / "study.toml").read_text("utf-8"))["seed"] == 3


def test_the_data_are_read_for_their_fingerprint_once(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    fingerprint = DataPair.fingerprint
    monkeypatch.setattr(DataPair, "fingerprint", lambda pair: seen.append(pair.name) or fingerprint(pair))
    tiny(models=("logistic",), crossval=())
    assert seen == ["few"]


@pytest.mark.parametrize(
    ("asked", "models", "expected"),
    [
        (False, ("dnn", "cnn-plus"), ()),
        (True, ("cnn-plus", "dnn"), ("cnn-plus",)),
        (True, ("logistic", "dnn"), ("dnn",)),
        (("logistic", "dnn"), ("dnn", "logistic"), ("logistic", "dnn")),
        ((), ("dnn",), ()),
    ],
)
def test_the_models_of_which_a_learning_curve_is_made(asked, models, expected) -> None:
    assert curve_models(models, asked) == expected


@pytest.mark.parametrize("name", [name for name, model in ZOO.items() if model.recipe])
def test_a_quick_study_of_few_images_takes_as_many_steps_as_that_of_its_usual_sample_at_the_most(name: str) -> None:
    recipe = ZOO[name].recipe
    assert recipe is not None
    usual = max(1, round(0.4 * recipe.epochs))
    assert quick_epochs(recipe, 5400) == quick_epochs(recipe, 3600) == usual
    few = quick_epochs(recipe, 180)
    assert (few > usual) == (recipe.least_steps > 0)
    assert replace(recipe, epochs=few).steps(180) <= replace(recipe, epochs=usual).steps(3600) + 1
