"""Would more images help? The trainings of a learning curve, and what they are tested on."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.errors import ConfigError, DataError, RunError
from bruit.training.learning import collect_curve, curve_points
from bruit.training.pool import Task


def points_of(name, dataset, folder=Path("nowhere"), **settings):
    return curve_points(name, dataset, **({"seed": 0, "epochs_of": lambda n: None, "folder": folder} | settings))


@pytest.mark.parametrize("name", ["dnn", "dnn-plus", "logistic"])
def test_no_training_sees_an_image_that_it_is_tested_on(digits, name):
    for point in points_of(name, digits.train):
        task = point.task
        assert not set(task.train) & set(task.held_out)
        # The best epoch of dnn is chosen, so it must not be chosen by them either.
        if name == "dnn":
            assert not set(task.validation) & set(task.held_out)
            assert len(task.train) + len(task.validation) == point.size
        else:
            assert len(task.train) == point.size
        assert not set(task.train) & set(task.validation)


def test_sizes_are_nested_within_a_draw_and_draws_differ(digits):
    points = points_of("logistic", digits.train)
    assert [point.size for point in points] == sorted((point.size for point in points), reverse=True)
    draws = {draw: [set(p.task.train) for p in points if p.draw == draw] for draw in range(3)}
    for parts in draws.values():
        assert len(parts) == 7
        assert all(small < large for large, small in pairwise(parts))
    assert draws[0][-1] != draws[1][-1]
    held_out = [next(p.task.held_out for p in points if p.draw == draw) for draw in range(3)]
    assert len(set(map(tuple, held_out))) == 3
    assert len({p.task.seed for p in points}) == len({p.task.folder for p in points}) == len(points)


def test_images_of_one_source_never_fall_on_both_sides(digits):
    copies = replace(digits.train, ids=np.arange(600) // 2)
    for point in points_of("logistic", copies):
        assert not set(copies.ids[point.task.train]) & set(copies.ids[point.task.held_out])


def test_a_studys_training_is_the_largest_of_the_first_draw(digits):
    """Where its validation images chose nothing; the others are drawn from the same images."""
    study = Task("logistic", np.arange(540), np.arange(540, 600), 5, Path("models/logistic"))
    points = points_of("logistic", digits.train, whole=study)
    assert [p.task for p in points if p.task.folder == study.folder] == [study]
    first = [p for p in points if p.draw == 0]
    assert first[0].task is study
    assert all(set(p.task.train) <= set(study.train) for p in first)
    assert all(list(p.held_out[1]) == list(study.validation) for p in first)
    chosen = [p for p in points_of("dnn", digits.train, whole=replace(study, name="dnn")) if p.draw == 0]
    assert chosen[0].task.folder.name == "size-540-draw-0"
    assert not set(chosen[0].task.validation) & set(study.validation)


def test_epochs_follow_the_number_of_images(digits):
    asked = []
    points_of("dnn-plus", digits.train, epochs_of=lambda n: asked.append(n))
    assert sorted(set(asked)) == sorted({p.size for p in points_of("dnn-plus", digits.train)})


@pytest.fixture(scope="module")
def curve(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning") / "curve"
    return bruit.learning_curve("logistic", digits.train, folder=folder, workers=1), folder


def test_the_curve_of_a_model_rises(curve):
    found, _ = curve
    assert found["points"][0]["n"] == 33
    assert found["points"][-1]["n"] == 540
    assert found["points"][-1]["accuracy"] > found["points"][0]["accuracy"] + 0.1
    assert found["verdict"] in ("helps", "open", "hardly", "unknown")
    json.dumps(found)


def test_the_points_are_what_the_held_out_predictions_say(curve, digits):
    found, folder = curve
    for point in points_of("logistic", digits.train):
        if point.size == 540 and point.draw == 1:
            labels = digits.train.labels[point.task.held_out]
            probabilities = np.load(folder / "size-540-draw-1" / "held_out_probs.npy")
            assert (probabilities.argmax(axis=1) == labels).mean() == found["points"][-1]["accuracies"][1]


def test_what_is_finished_is_not_done_again(curve, digits, monkeypatch):
    found, folder = curve
    monkeypatch.setattr("bruit.training.pool._run", lambda *rest: pytest.fail("trained again"))
    left = []
    again = bruit.learning_curve(
        "logistic", digits.train, folder=folder, workers=1, on_begin=lambda tasks, schedule: left.extend(tasks)
    )
    assert again == found
    assert left == []


def test_a_damaged_part_is_made_again_and_ends_alike(curve, digits):
    found, folder = curve
    (folder / "size-540-draw-1" / "held_out_probs.npy").write_bytes(b"nonsense")
    assert bruit.learning_curve("logistic", digits.train, folder=folder, workers=1) == found


def test_the_folder_of_another_curve_is_refused(curve, digits, refused):
    _, folder = curve
    with refused(RunError, f"{folder} was begun with another model; repeat it, or choose another --out"):
        bruit.learning_curve("knn", digits.train, folder=folder)


def test_too_few_images_of_a_class(digits, refused):
    few = digits.train.subset(
        np.append(np.flatnonzero(digits.train.labels != 5), np.flatnonzero(digits.train.labels == 5)[:3])
    )
    with refused(
        DataError,
        f"class 5 has 3 of {len(few)} training images; a learning curve needs 4 of each class: "
        "add images of it, or remove the class",
    ):
        bruit.learning_curve("logistic", few)


def test_an_unknown_model(digits):
    with pytest.raises(ConfigError, match="no model is called alexnet"):
        bruit.learning_curve("alexnet", digits.train)


def test_a_finished_training_of_a_study_counts_by_its_validation_images(digits, tmp_path):
    probabilities = np.eye(10, dtype=np.float32)[digits.train.labels[540:]]
    probabilities[:6] = np.roll(probabilities[:6], 1, axis=1)
    study = Task("logistic", np.arange(540), np.arange(540, 600), 5, tmp_path)
    np.save(tmp_path / "val_probs.npy", probabilities)
    points = [p for p in points_of("logistic", digits.train, whole=study) if p.task is study]
    assert collect_curve(points, digits.train, 0)["points"][0]["accuracy"] == pytest.approx(0.9)
