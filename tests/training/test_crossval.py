import shutil

import numpy as np
import pytest

from bruit.errors import ConfigError, DataError, RunError
from bruit.evaluation.metrics import nll
from bruit.models.store import load_model
from bruit.models.zoo import ZOO
from bruit.training import pool
from bruit.training.crossval import cross_validate, fold_tasks, summary


@pytest.fixture(scope="module")
def result(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crossval")
    return folder, cross_validate(
        "dnn", digits.train, k=3, repeats=2, epochs=3, folder=folder, workers=1, precision="fp32"
    )


def test_every_image_is_held_out_once(digits, result):
    folder, crossval = result
    assert np.bincount(crossval.folds).tolist() == [200, 200, 200]
    for fold in range(3):
        assert np.bincount(digits.train.labels[crossval.folds == fold]).tolist() == [20] * 10
    assert np.array_equal(np.load(folder / "folds.npy"), crossval.folds)


def test_each_row_is_by_the_model_that_never_saw_its_image(digits, result):
    folder, crossval = result
    assert crossval.oof_probabilities.shape == (600, 10)
    assert crossval.oof_probabilities.dtype == np.float32
    assert np.array_equal(np.load(folder / "oof_probs.npy"), crossval.oof_probabilities)
    for fold in range(3):
        held_out = crossval.folds == fold
        model = load_model(folder / f"fold-{fold}")
        model.precision = "fp32"
        assert np.array_equal(model.probabilities(digits.train.images[held_out]), crossval.oof_probabilities[held_out])


def test_held_out_images_are_neither_trained_on_nor_validated_on(digits, tmp_path):
    tasks = fold_tasks("dnn", digits.train, k=4, repeats=1, seed=0, epochs=1, folder=tmp_path)
    assert len(tasks) == 5
    for task in tasks:
        parts = np.concatenate([task.train, task.validation, task.held_out])
        assert np.array_equal(np.sort(parts), np.arange(600))
        assert len(task.validation) == 40


def test_noisy_copies_of_one_image_stay_on_one_side(digits, tmp_path):
    twice = digits.train.subset(np.repeat(np.arange(600), 2))
    for task in fold_tasks("dnn", twice, k=3, repeats=0, seed=0, epochs=1, folder=tmp_path):
        parts = [set(twice.ids[index]) for index in (task.train, task.validation, task.held_out)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 600


def test_the_figures_of_a_fold_are_those_of_its_images(digits, result):
    _, crossval = result
    assert [fit.fold for fit in crossval.fits] == [0, 1, 2]
    for fit in crossval.fits:
        held_out = crossval.folds == fit.fold
        probabilities, labels = crossval.oof_probabilities[held_out], digits.train.labels[held_out]
        assert fit.n == 200
        assert fit.accuracy == (probabilities.argmax(axis=1) == labels).mean()
        assert fit.accuracy > 0.5
        assert fit.nll == pytest.approx(nll(probabilities, labels))
        assert fit.seconds > 0
        assert [row["epoch"] for row in fit.history] == [1, 2, 3]


def test_mean_and_standard_deviation(result):
    _, crossval = result
    accuracies = [fit.accuracy for fit in crossval.fits]
    assert crossval.mean == pytest.approx(sum(accuracies) / 3)
    assert crossval.std == pytest.approx((sum((a - crossval.mean) ** 2 for a in accuracies) / 2) ** 0.5)


def test_repeats_are_the_first_fold_with_other_seeds(result):
    folder, crossval = result
    assert [(fit.fold, fit.n) for fit in crossval.repeats] == [(0, 200), (0, 200)]
    assert len({fit.seed for fit in (*crossval.fits, *crossval.repeats)}) == 5
    probabilities = [np.load(folder / name / "held_out_probs.npy") for name in ("fold-0", "repeat-1", "repeat-2")]
    assert [p.shape for p in probabilities] == [(200, 10)] * 3
    assert not np.array_equal(probabilities[0], probabilities[1])
    assert not np.array_equal(probabilities[1], probabilities[2])


def test_the_summary(digits, result):
    _, crossval = result
    found = summary(crossval, digits.train.labels)
    right = crossval.oof_probabilities.argmax(axis=1) == digits.train.labels
    p = right.mean()
    seeds = [crossval.fits[0].accuracy, *(fit.accuracy for fit in crossval.repeats)]
    assert (found["model"], found["k"]) == ("dnn", 3)
    assert found["oof_accuracy"] == p == pytest.approx(found["mean"])
    assert found["binomial_std"] == pytest.approx((p * (1 - p) / 200) ** 0.5)
    assert found["seed_std"] == pytest.approx(np.std(seeds, ddof=1))
    assert [fold["accuracy"] for fold in found["folds"]] == [fit.accuracy for fit in crossval.fits]


def test_it_repeats_by_seed(digits, result):
    _, crossval = result
    settings = {"k": 3, "epochs": 3, "workers": 1, "precision": "fp32"}
    again = cross_validate("dnn", digits.train, **settings)
    assert np.array_equal(again.folds, crossval.folds)
    assert np.array_equal(again.oof_probabilities, crossval.oof_probabilities)
    assert again.repeats == ()
    assert summary(again, digits.train.labels)["seed_std"] is None
    assert not np.array_equal(cross_validate("dnn", digits.train, **settings, seed=1).folds, crossval.folds)


def test_all_models_share_the_folds(digits, result):
    _, crossval = result
    other = cross_validate("logistic", digits.train, k=3, workers=1)
    assert np.array_equal(other.folds, crossval.folds)
    assert other.mean > 0.75
    assert all(fit.history == [] for fit in other.fits)


def test_finished_folds_are_not_trained_again(digits, result, monkeypatch):
    folder, crossval = result
    monkeypatch.setattr(pool, "fit_all", None)
    again = cross_validate("dnn", digits.train, k=3, repeats=2, epochs=3, folder=folder, workers=1)
    assert np.array_equal(again.oof_probabilities, crossval.oof_probabilities)
    assert again.fits == crossval.fits
    assert again.repeats == crossval.repeats


def test_progress_covers_every_training(digits):
    boards = []
    cross_validate("dnn", digits.train, k=2, repeats=1, epochs=1, workers=1, on_board=lambda b: boards.append(b.copy()))
    assert boards[-1][:, 0].tolist() == [1, 1, 1]


def test_more_folds_than_images_of_a_class(digits, refused):
    with refused(
        DataError,
        "class 0 has 60 of 600 training images; 61 folds, each with a validation split of its own, need 61 of each "
        "class: add images of it, remove the class, or change the number of folds",
    ):
        cross_validate("dnn", digits.train, k=61)


def test_one_fold_is_none(digits, refused):
    with refused(ConfigError, "expected 2 or more as folds, received 1"):
        cross_validate("dnn", digits.train, k=1)


def test_an_unknown_model(digits, refused):
    with refused(ConfigError, f"no model is called vgg; choose among {', '.join(ZOO)}"):
        cross_validate("vgg", digits.train, k=2, workers=1)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 1}, "another --seed; repeat it"),
        ({"k": 2}, "another --folds; repeat it"),
        ({"epochs": 1}, "another --epochs; repeat it"),
        ({}, "other data; repeat them"),
    ],
)
def test_a_folder_of_another_cross_validation(digits, noisy, result, refused, changes, what):
    folder, _ = result
    images = digits.train if changes else noisy.train
    settings = {"k": 3, "repeats": 2, "epochs": 3, "folder": folder, "workers": 1} | changes
    with refused(RunError, f"{folder} was begun with {what}, or choose another --out"):
        cross_validate("dnn", images, **settings)


def test_fewer_than_no_repeats(digits, refused):
    with refused(ConfigError, "expected 0 or more as repeats, received -1"):
        cross_validate("dnn", digits.train, k=2, repeats=-1)


def test_numbers_may_be_of_numpy(digits, tmp_path):
    named = {"k": np.int64(2), "seed": np.int64(3), "epochs": np.int64(1), "workers": np.int64(1)}
    crossval = cross_validate("logistic", digits.train, folder=tmp_path, **named)
    again = cross_validate("logistic", digits.train, k=2, seed=3, epochs=1, folder=tmp_path, workers=1)
    assert np.array_equal(crossval.oof_probabilities, again.oof_probabilities)


def test_it_says_what_is_left_once_nothing_stands_in_its_way(digits, tmp_path, refused):
    told = []
    settings = {"k": 2, "folder": tmp_path / "out", "workers": 1, "on_begin": lambda *args: told.append(args)}
    cross_validate("logistic", digits.train, **settings)
    cross_validate("logistic", digits.train, **settings)
    assert [len(left) for left, _ in told] == [2, 0]
    assert told[0][1].workers == 1
    with refused(RunError, f"{tmp_path / 'out'} was begun with another model; repeat it, or choose another --out"):
        cross_validate("knn", digits.train, **settings)
    assert len(told) == 2


def test_force_replaces_another_cross_validation_and_a_damaged_one(digits, tmp_path):
    settings = {"k": 2, "folder": tmp_path / "out", "workers": 1}
    cross_validate("logistic", digits.train, repeats=1, **settings)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "crossval.json").write_text("{")
    with pytest.raises(RunError, match="is damaged; add --force, or choose another --out"):
        cross_validate("logistic", digits.train, **settings)
    cross_validate("logistic", digits.train, seed=1, force=True, **settings)
    assert not (tmp_path / "out" / "repeat-1").exists()
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    cross_validate("logistic", digits.train, seed=1, **settings)


def test_a_damaged_fold_is_trained_again(digits, result, tmp_path):
    folder, crossval = result
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "fold-1" / "history.jsonl").write_text('{"epoch"')
    (copy / "repeat-2" / "held_out_probs.npy").unlink()
    trained = []
    again = cross_validate(
        *("dnn", digits.train),
        **{"k": 3, "repeats": 2, "epochs": 3, "folder": copy, "workers": 1, "precision": "fp32"},
        on_begin=lambda left, schedule: trained.extend(task.folder.name for task in left),
    )
    assert trained == ["fold-1", "repeat-2"]
    assert np.array_equal(again.oof_probabilities, crossval.oof_probabilities)
