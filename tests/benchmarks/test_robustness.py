"""The settings of benchmarks/robustness.py are what they claim; what is finished is not done again."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import RunError
from bruit.models.zoo import ZOO
from bruit.noise.recipes import NAMES_OF_NMNIST
from bruit.noise.registry import CORRUPTIONS, MNIST_C

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import robustness
import robustness_runs as runs
from robustness import SETTINGS

NEVER = float("inf")
FOG, STRIPE = (SETTINGS[f"leave-one-out/{name}"] for name in ("fog", "stripe"))


@pytest.fixture
def asked(tmp_path: Path) -> argparse.Namespace:
    return argparse.Namespace(
        out=tmp_path / "out",
        test=False,
        test_log=tmp_path / "log.jsonl",
        epochs=2,
        seed=0,
        threads=1,
        script="robustness.py",
    )


@pytest.fixture(scope="module")
def images(digits: DataPair) -> runs.Split:
    return runs.Split(*(digits.train.subset(slice(*part)) for part in ((0, 400), (400, 500), (500, 600))))


@pytest.mark.parametrize("name", MNIST_C)
def test_leave_one_out_sees_clean_digits_and_the_other_fourteen_alone(name) -> None:
    setting = SETTINGS[f"leave-one-out/{name}"]
    recipe = setting.recipe()
    seen = [part.name for part in recipe.noise.parts]
    assert name not in seen
    assert sorted(seen) == sorted({"clean", *MNIST_C} - {name})
    assert not recipe.noise.chain
    assert all(part.odds == 1 for part in recipe.noise.parts)
    published = {one: CORRUPTIONS[one].default for one in MNIST_C} | {"clean": None}
    assert all(part.severities == (published[part.name],) for part in recipe.noise.parts)
    assert recipe.augmentation is None
    assert setting.judged == (name,)


def test_the_hardest_are_left_out_first() -> None:
    order = [name.partition("/")[2] for name in SETTINGS if name.startswith("leave-one-out/")]
    assert order[:6] == ["translate", "fog", "canny_edges", "impulse_noise", "glass_blur", "stripe"]
    assert sorted(order) == sorted(MNIST_C)


@pytest.mark.parametrize("name", ["clean", "clean-evened"])
def test_clean_sees_clean_digits_alone(name) -> None:
    recipe = SETTINGS[name].recipe()
    assert recipe.noise is None
    assert recipe.augmentation is None
    assert SETTINGS[name].judged == ("clean", *MNIST_C)


def test_each_augmentation_says_which_corruptions_it_resembles() -> None:
    setting = SETTINGS["clean-evened+augmentation"]
    assert setting.recipe() == replace(SETTINGS["clean-evened"].recipe(), augmentation=setting.augmentation)
    assert setting.noise is None
    told = robustness.described(setting)
    for name, resembled in robustness.RESEMBLES.items():
        assert set(resembled) <= set(MNIST_C)
        assert (f"{name} ±" in told) == bool(getattr(setting.augmentation, name))
    assert robustness.RESEMBLES.keys() == vars(setting.augmentation).keys()
    assert "resembles rotate, shear" in told


def test_joint_sees_all_and_n_mnist_its_own_set() -> None:
    assert [part.name for part in SETTINGS["joint"].noise.parts] == ["clean", *MNIST_C]
    assert SETTINGS["joint"].judged == ("clean", *MNIST_C)
    theirs = [setting for name, setting in SETTINGS.items() if name.startswith("n-mnist/")]
    assert [setting.judged for setting in theirs] == [(name,) for name in NAMES_OF_NMNIST]
    assert all(tuple(part.name for part in setting.noise.parts) == setting.judged for setting in theirs)
    own = ZOO["cnn-plus"].recipe.augmentation
    assert all(setting.augmentation == own for setting in (SETTINGS["joint"], *theirs))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_all_else_is_the_recipe_of_the_zoo(setting) -> None:
    own = setting.recipe()
    usual = ZOO[setting.model].recipe
    if setting.evened:
        usual = replace(usual, schedule="one-cycle", keep="last")
    zoos = replace(usual, epochs=own.epochs, noise=own.noise, augmentation=own.augmentation)
    assert own == zoos
    assert setting.recipe(3).epochs == 3


def test_without_the_test_set_only_training_images_are_there() -> None:
    train, validation, judged = runs.split(test=False)
    assert [len(train), len(validation), len(judged)] == [48_000, 2_000, 10_000]
    assert np.concatenate([train.ids, validation.ids, judged.ids]).tolist() == list(range(60_000))
    train, validation, judged = runs.split(test=True)
    assert np.concatenate([train.ids, validation.ids, judged.ids]).tolist() == list(range(70_000))
    assert [len(train), len(validation), len(judged)] == [58_000, 2_000, 10_000]


def test_validation_is_once_under_the_noise_of_the_training(images) -> None:
    noisy = runs.under(FOG.noise, images.validation, 0)
    np.testing.assert_array_equal(noisy.images, runs.under(FOG.noise, images.validation, 0).images)
    np.testing.assert_array_equal(noisy.ids, images.validation.ids)
    changed = (noisy.images != images.validation.images).any(axis=(1, 2))
    assert 0.8 < changed.mean() < 1  # a fifteenth is clean
    assert runs.under(None, images.validation, 0) is images.validation


def test_what_was_stopped_goes_on_and_ends_as_if_it_had_not_been(images, asked, tmp_path, monkeypatch, refused) -> None:
    clock = iter([0, 2, 2])
    with monkeypatch.context() as patch:
        patch.setattr(runs, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        after = "after epoch 1 of 2 of leave-one-out/fog"
        with refused(RunError, f"the budget is over {after}; the same command goes on"):
            runs.run(FOG, images, asked, deadline=1)
        with refused(RunError, "the budget is over before leave-one-out/fog is trained; the same command goes on"):
            runs.run(FOG, images, asked, deadline=1)
    result = runs.run(FOG, images, asked, NEVER)
    whole = runs.run(FOG, images, argparse.Namespace(**vars(asked) | {"out": tmp_path / "other"}), NEVER)
    assert result["figures"] == whole["figures"]
    assert result["train"]["epochs"] == 2
    assert not asked.test_log.exists()


def test_what_is_finished_is_not_done_again_and_other_settings_are_refused(images, asked, monkeypatch, refused) -> None:
    asked.epochs = 1
    result = runs.run(STRIPE, images, asked, NEVER)
    monkeypatch.setattr(bruit, "fit", None)
    monkeypatch.setattr(runs, "readings", None)
    assert runs.run(STRIPE, images, asked, NEVER) == result
    folder, asked.epochs = asked.out / "dev" / STRIPE.name, 2
    with refused(RunError, f"{folder} was begun with another recipe; repeat it, or choose another --out"):
        runs.run(STRIPE, images, asked, NEVER)


def test_a_model_that_was_trained_but_not_judged_is_only_judged(images, asked, monkeypatch) -> None:
    asked.epochs = 1
    result = runs.run(STRIPE, images, asked, NEVER)
    (asked.out / "dev" / STRIPE.name / "result.json").unlink()
    monkeypatch.setattr(bruit, "fit", None)
    assert runs.run(STRIPE, images, asked, NEVER) == result


def test_each_reading_of_the_test_images_is_logged_once(images, asked) -> None:
    asked.test, asked.epochs = True, 1
    for _ in range(2):
        runs.run(STRIPE, images, asked, NEVER)
        runs.judge("robust", images, asked)
    rows = [json.loads(line) for line in asked.test_log.read_text().splitlines()]
    assert [(row["script"], row["model"], row["n_evaluations"]) for row in rows] == [
        ("robustness.py", "cnn-plus, leave-one-out/stripe", 1),
        ("robustness.py", "robust", 20),
    ]
    assert (asked.out / "test" / STRIPE.name / "result.json").is_file()


def test_left_out_corruptions_are_averaged_over_their_models(images, asked) -> None:
    asked.epochs = 1
    results = [runs.run(setting, images, asked, NEVER) for setting in (FOG, STRIPE)]
    (told,) = runs.columns(asked.out / "dev", SETTINGS).values()
    mean = told["suites"]["mnist-c"]
    accuracies = [result["figures"]["sets"][result["judged"][0]]["accuracy"] for result in results]
    assert mean["over"] == ["fog", "stripe"]
    assert mean["accuracy"] == pytest.approx(np.mean(accuracies))
    assert runs.columns(asked.out / "test", SETTINGS) == {}


def test_a_model_that_is_there_is_judged_by_all_sets(images, asked, refused) -> None:
    result = runs.judge("robust", images, asked)
    assert len(result["figures"]["sets"]) == 20
    assert result["seen"]
    (name,) = runs.columns(asked.out / "dev", SETTINGS)
    path, asked.seed = asked.out / "dev" / "models" / f"{name}.json", 1
    with refused(RunError, f"{path} is of other settings; repeat them, or choose another --out"):
        runs.judge("robust", images, asked)


def test_the_command_line(capsys, tmp_path) -> None:
    assert robustness.main(["--list", "--only", "leave-one-out", "joint"]) == 0
    assert capsys.readouterr().out.count("\n  noise: ") == 16
    assert robustness.main(["--only", "nix"]) == 1
    assert capsys.readouterr().err == "no setting is called nix; see --list\n"
    assert robustness.main(["--table", "--out", str(tmp_path)]) == 1
    with pytest.raises(SystemExit) as stopped:
        robustness.main(["--test", "--images", "5"])
    assert stopped.value.code == 2
