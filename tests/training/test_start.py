"""Fine-tuning: what is taken over from the model to start from, and what is not."""

import dataclasses
import json

import numpy as np
import pytest

import bruit
from bruit.data.dataset import Dataset
from bruit.errors import ConfigError, DataError
from bruit.models.store import load_model, save_model
from bruit.models.trained import new_model
from bruit.models.zoo import ZOO
from bruit.training.fit import fit
from bruit.training.recipe import Recipe
from bruit.training.start import describe, digest, fitting, new_classes, take_over

# So small a step that nothing is learned.
STILL = Recipe(epochs=1, batch_size=64, optimizer="adamw", learning_rate=1e-12)
SHORT = dataclasses.replace(ZOO["dnn-plus"].recipe, epochs=4, least_steps=0)


@pytest.fixture(scope="module")
def start(digits):
    return fit("dnn-plus", digits.train, recipe=SHORT).model


def renamed(dataset: Dataset, classes: tuple[str, ...], index) -> Dataset:
    """The images of the classes in `index`, called `classes` now."""
    there = np.isin(dataset.labels, index)
    labels = np.array([list(index).index(label) for label in dataset.labels[there]])
    return Dataset(dataset.images[there], labels, classes, dataset.ids[there])


def test_a_training_that_learns_nothing_ends_where_it_started(digits, start):
    """But for batch norm's running statistics, which follow the new images."""
    fitted = fit("dnn-plus", digits.train, recipe=STILL, start=start)
    ours, theirs = fitted.model.tensors(), start.tensors()
    for name in theirs:
        if not any(part in name for part in ("running", "num_batches", "temperature")):
            assert np.allclose(ours[name], theirs[name], atol=1e-6), name
    there, here = (model.probabilities(digits.test.images).argmax(axis=1) for model in (start, fitted.model))
    assert (there == here).mean() > 0.85


def test_the_start_itself_stays_as_it_was(digits, start):
    before = digest(start)
    fit("dnn-plus", digits.train, recipe=SHORT, start=start)
    assert digest(start) == before


def test_it_is_ahead_of_a_training_from_the_beginning(digits, start):
    few, recipe = digits.train.subset(slice(0, 150)), dataclasses.replace(SHORT, epochs=2, learning_rate=2e-3)
    tuned, fresh = (
        fit("dnn-plus", few, recipe=recipe, start=one).model.probabilities(digits.test.images).argmax(axis=1)
        for one in (start, None)
    )
    assert (tuned == digits.test.labels).mean() > (fresh == digits.test.labels).mean() + 0.2


def test_the_temperature_is_fitted_anew(digits, start):
    fitted = fit("dnn-plus", digits.train, digits.test, recipe=STILL, start=start)
    far = dataclasses.replace(digits.test, labels=np.roll(digits.test.labels, 1))
    other = fit("dnn-plus", digits.train, far, recipe=STILL, start=start)
    assert other.model.temperature > 2 * fitted.model.temperature
    again = fit("dnn-plus", digits.train, digits.test, recipe=STILL, start=other.model)
    assert again.model.temperature == pytest.approx(fitted.model.temperature, rel=0.2)


def test_classes_keep_their_weights_by_name(digits, start):
    few = renamed(digits.train, ("9", "zero", "3"), (9, 0, 3))
    model = fit("dnn-plus", few, recipe=STILL, start=start).model
    ours, theirs = model.tensors()["body.10.weight"], start.tensors()["body.10.weight"]
    assert np.allclose(ours[[0, 2]], theirs[[9, 3]], atol=1e-6)
    assert not np.allclose(ours[1], theirs[0], atol=1e-3)
    assert new_classes(start, few.classes) == ["zero"]


def test_statistics_of_batch_norm_follow_the_new_images(digits, start):
    dark = dataclasses.replace(digits.train, images=255 - digits.train.images)
    fitted = fit("dnn-plus", dark, recipe=dataclasses.replace(STILL, epochs=12), start=start)
    ours, theirs = fitted.model.tensors(), start.tensors()
    assert ours["mean"] == pytest.approx(1 - theirs["mean"], abs=0.02)
    assert not np.allclose(ours["body.2.running_mean"], theirs["body.2.running_mean"], rtol=0.2)


def test_the_recipe_is_gentler_and_shorter_unless_another_is_given(digits, start):
    recipe = ZOO["dnn-plus"].recipe
    tuning = recipe.fine_tuning()
    assert tuning.learning_rate < recipe.learning_rate
    assert tuning.epochs < recipe.epochs
    assert tuning.steps(10**6) < recipe.steps(10**6)
    muon = ZOO["cnn-plus"].recipe
    assert muon.fine_tuning().muon_learning_rate < muon.muon_learning_rate
    few = digits.train.subset(slice(0, 60))
    assert fit("dnn-plus", few, digits.test, start=start, epochs=2).recipe == dataclasses.replace(tuning, epochs=2)


def test_what_it_started_from_is_recorded(digits, start, tmp_path):
    fit("dnn-plus", digits.train, recipe=STILL, start=start, folder=tmp_path)
    said = json.loads((tmp_path / "config.json").read_text())["start"]
    expected = {"source": None, "model": "dnn-plus", "digest": digest(start), "n": 540, "new_classes": []}
    assert said == describe(start, digits.train.classes) == expected
    model = load_model(tmp_path)
    assert (model.source, model.trained_on) == (str(tmp_path), 540)
    assert digest(model) != digest(start)


def test_the_digest_is_that_of_the_weights(start, tmp_path):
    save_model(start, tmp_path, {})
    assert digest(load_model(tmp_path)) == digest(start)
    assert len(digest(start)) == 64


def test_a_plain_training_records_none(digits, tmp_path):
    fitted = fit("dnn-plus", digits.train, recipe=STILL, folder=tmp_path)
    assert fitted.started_from is None
    assert "start" not in json.loads((tmp_path / "config.json").read_text())


def test_a_resumed_fine_tuning_ends_as_an_unbroken_one(digits, start, tmp_path):
    class Killed(BaseException):
        pass

    def kill(model, row):
        if row["epoch"] == 2:
            raise Killed

    settings = {"recipe": SHORT, "start": start}
    whole = fit("dnn-plus", digits.train, **settings)
    with pytest.raises(Killed):
        fit("dnn-plus", digits.train, folder=tmp_path, on_epoch=kill, **settings)
    resumed = fit("dnn-plus", digits.train, folder=tmp_path, resume=True, **settings)
    ours, expected = resumed.model.tensors(), whole.model.tensors()
    assert all(np.array_equal(ours[name], expected[name]) for name in expected)


# What is refused


def test_another_model(digits, start, refused):
    with refused(ConfigError, "expected a cnn to start from, received a dnn-plus"):
        bruit.fit("cnn", digits.train, start=start)


def test_a_baseline(digits, refused):
    start = fit("logistic", digits.train).model
    with refused(
        ConfigError, "only a network of the zoo can be fine-tuned, received logistic; name one, as RUN:cnn-plus"
    ):
        bruit.fit("logistic", digits.train, start=start)


def test_images_of_another_size(digits, start, refused):
    small = Dataset(digits.train.images[:, ::2, ::2], digits.train.labels, digits.train.classes, digits.train.ids)
    with refused(
        DataError,
        "the model to start from reads images of 28 × 28 pixels, the data has 14 × 14; resize them first",
    ):
        bruit.fit("dnn-plus", small, start=start)


def test_the_parts_alone(start):
    assert fitting(start, "dnn-plus", (28, 28)) is start
    other = new_model("dnn-plus", start.config, start.classes, (28, 28))
    take_over(other, start)
    assert other.temperature == 1
    other.temperature = start.temperature
    assert digest(other) == digest(start)
