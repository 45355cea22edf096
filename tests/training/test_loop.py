"""Checkpoints: a training that was interrupted ends with the weights of one that was not."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from bruit.errors import ModelError
from bruit.models.store import read_tensors
from bruit.models.zoo import ZOO
from bruit.noise.mixture import Mixture, Part
from bruit.training import loop, member
from bruit.training.fit import fit, prepare
from bruit.training.loop import Loop
from bruit.training.member import CHECKPOINT, Member
from bruit.training.recipe import Augmentation, Focus, Recipe

ONE_CYCLE = Recipe(
    epochs=3,
    batch_size=64,
    optimizer="adamw",
    learning_rate=4e-3,
    schedule="one-cycle",
    weight_decay=0.02,
    label_smoothing=0.05,
    augmentation=Augmentation(rotation=10, shift=0.05, scale=0.1, brightness=0.1),
)
# So fast that the first epoch can be the best one.
BEST = Recipe(epochs=3, batch_size=64, optimizer="rmsprop", learning_rate=0.02, keep="best")
MUON = dataclasses.replace(ONE_CYCLE, optimizer="muon", muon_learning_rate=0.02, muon_weight_decay=0.01)
TEXTBOOK = Recipe(epochs=3, batch_size=64, optimizer="adam", learning_rate=1e-3, keep="best")
RECIPES = {
    "one-cycle": ONE_CYCLE,
    "one-cycle, focused": dataclasses.replace(ONE_CYCLE, focus=Focus(hard=0.2, easy=0.3)),
    "keep the best": BEST,
    "textbook": TEXTBOOK,
    "muon": MUON,
}


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def few(digits):
    return digits.train.subset(slice(0, 300))


def train(few, folder=None, *, name="dnn", recipe=ONE_CYCLE, until=None, resume=False, **settings):
    """Train to the end, or until the end of an epoch."""

    def kill(model, row):
        if row["epoch"] == until:
            raise Killed

    return fit(name, few, recipe=recipe, folder=folder, resume=resume, on_epoch=kill, **settings)


def kill_and_resume(few, folder, **settings):
    for until in settings.pop("kills"):
        with pytest.raises(Killed):
            train(few, folder, until=until, resume=True, **settings)
    return train(few, folder, resume=True, **settings)


def assert_alike(broken, whole):
    ours, expected = broken.model.tensors(), whole.model.tensors()
    assert [name for name in expected if not np.array_equal(ours[name], expected[name])] == []
    assert [row | {"seconds": 0} for row in broken.history] == [row | {"seconds": 0} for row in whole.history]
    assert broken.model.temperature == whole.model.temperature


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", ["dnn-plus", "cnn-plus"])
def test_a_resumed_training_ends_as_an_unbroken_one(few, tmp_path, name, recipe):
    settings = {"name": name, "recipe": RECIPES[recipe]}
    whole = train(few, **settings)
    assert_alike(kill_and_resume(few, tmp_path, kills=[1], **settings), whole)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_in_either_precision(few, tmp_path, precision):
    settings = {"name": "cnn", "recipe": TEXTBOOK, "precision": precision}
    whole = train(few, **settings)
    assert_alike(kill_and_resume(few, tmp_path, kills=[2], **settings), whole)


def test_killed_after_every_epoch(few, tmp_path):
    assert_alike(kill_and_resume(few, tmp_path, kills=[1, 2, 3]), train(few))


def test_killed_between_the_last_epoch_and_the_stored_model(few, tmp_path):
    def kill(model):
        raise Killed

    settings = {"recipe": BEST}
    with pytest.raises(Killed):
        train(few, tmp_path, before_stored=kill, **settings)
    assert_alike(train(few, tmp_path, resume=True, **settings), train(few, **settings))


def test_killed_within_an_epoch(few, tmp_path):
    def kill(progress):
        if progress.step == 10:
            raise Killed

    recipe = dataclasses.replace(ONE_CYCLE, batch_size=40)  # 7 steps an epoch
    with pytest.raises(Killed):
        fit("dnn", few, recipe=recipe, folder=tmp_path, on_progress=kill)
    assert len(read_history(tmp_path)) == 1
    assert_alike(train(few, tmp_path, recipe=recipe, resume=True), train(few, recipe=recipe))


def read_history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_a_killed_training_leaves_its_checkpoint_and_history(few, tmp_path):
    with pytest.raises(Killed):
        train(few, tmp_path, until=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [CHECKPOINT, "history.jsonl"]
    assert [row["epoch"] for row in read_history(tmp_path)] == [1, 2]


def test_a_finished_one_leaves_no_checkpoint(few, tmp_path):
    kill_and_resume(few, tmp_path, kills=[1])
    assert not (tmp_path / CHECKPOINT).exists()
    assert [row["epoch"] for row in read_history(tmp_path)] == [1, 2, 3]


def test_done_epochs_are_not_done_again(few, tmp_path):
    with pytest.raises(Killed):
        train(few, tmp_path, until=2)
    seen = []
    fit(
        "dnn",
        few,
        recipe=ONE_CYCLE,
        folder=tmp_path,
        resume=True,
        on_epoch=lambda model, row: seen.append(row["epoch"]),
    )
    assert seen == [3]


def test_a_checkpoint_is_left_aside_unless_asked_for(few, tmp_path):
    with pytest.raises(Killed):
        train(few, tmp_path, until=2)
    seen = []
    fit("dnn", few, recipe=ONE_CYCLE, folder=tmp_path, on_epoch=lambda model, row: seen.append(row["epoch"]))
    assert seen == [1, 2, 3]


def test_resuming_without_a_checkpoint_is_a_new_start(few, tmp_path):
    assert_alike(train(few, tmp_path, resume=True), train(few))


@pytest.mark.parametrize("kept", [0, 7, 3000, -1])
def test_a_damaged_checkpoint(few, tmp_path, kept):
    with pytest.raises(Killed):
        train(few, tmp_path, until=1)
    content = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(content[:kept])
    with pytest.raises(ModelError, match=r"^.*checkpoint\.safetensors is damaged; train the model again$"):
        train(few, tmp_path, resume=True)


@pytest.mark.parametrize(("name", "recipe"), [("dnn-plus", ONE_CYCLE), ("cnn", TEXTBOOK), ("knn", None)])
def test_a_checkpoint_of_another_model(few, tmp_path, refused, name, recipe):
    if name == "knn":  # a file of tensors, but no checkpoint
        fit("knn", few, folder=tmp_path)
        (tmp_path / "weights.safetensors").replace(tmp_path / CHECKPOINT)
    else:
        with pytest.raises(Killed):
            train(few, tmp_path, until=1, name=name, recipe=recipe)
    with refused(
        ModelError,
        f"{tmp_path / CHECKPOINT} is not of a training of dnn such as this one; "
        "remove it, or train into another folder",
    ):
        train(few, tmp_path, resume=True)


def test_a_checkpoint_holds_all_that_the_recipe_needs(few, tmp_path):
    with pytest.raises(Killed):
        train(few, tmp_path, until=1, recipe=BEST)
    groups = {name.partition("/")[0] for name in read_tensors(tmp_path / CHECKPOINT)}
    assert groups == {"weights", "best", "optimizer", "losses", "history", "of"}


def test_the_learning_rate_goes_on_where_it_was(few, tmp_path):
    resumed = kill_and_resume(few, tmp_path, kills=[1, 2])
    steps = 3 * 5  # 270 images in batches of 64
    rates = [row["learning_rate"] for row in resumed.history]
    assert rates == [ONE_CYCLE.learning_rate_at(step, steps) for step in (4, 9, 14)]


def test_zoo_recipes_are_resumed_alike(few, tmp_path):
    for name in ("dnn", "dnn-plus"):
        settings = {"name": name, "recipe": dataclasses.replace(ZOO[name].recipe, epochs=2, least_steps=0)}
        assert_alike(kill_and_resume(few, tmp_path / name, kills=[1], **settings), train(few, **settings))


def test_of_many_epochs_few_leave_a_checkpoint_and_the_last_one_does(few, tmp_path):
    """An epoch of few images takes less time than a checkpoint."""
    recipe = dataclasses.replace(ONE_CYCLE, epochs=110)
    written = []

    def look(model, row):
        written.append(len(read_history(tmp_path)) if (tmp_path / "history.jsonl").is_file() else 0)

    fit("dnn", few.subset(slice(0, 40)), few, recipe=recipe, folder=tmp_path, on_epoch=look)
    assert written == [epoch // 3 * 3 for epoch in range(1, 110)] + [110]


def test_noise_falls_on_images_that_are_augmented_already(few, monkeypatch):
    """A digit that is turned and shifted shows noise that is not."""
    under = []

    def keep(images, mixture, seed, index):
        under.append((images.clone(), index.clone()))
        return torch.full_like(images, 7)

    monkeypatch.setattr(member, "under_noise", keep)
    recipe = dataclasses.replace(ONE_CYCLE, epochs=1, noise=Mixture((Part("fog", 1.0, (2,)),)))
    jobs = [prepare("dnn", few, few, recipe=recipe)]
    one = Member(jobs[0].model, recipe, few, few, 0)
    alone = Loop([one])
    shown = [pixels for _, pixels in alone.batches(alone.draw(0)[0], 5, 0)]
    assert all(torch.equal(pixels, torch.full_like(pixels, 7 / 255)) for pixels in shown)
    images, index = (torch.cat(parts) for parts in zip(*under, strict=True))
    originals = torch.tensor(few.images)[index]
    assert images.dtype == torch.uint8
    different = (images != originals).flatten(1).any(1)
    assert different.all()
    apart = (images.float() - originals.float()).abs().mean()
    assert apart < 0.7 * (images.float() - originals.float().roll(1, 0)).abs().mean()  # and the same digits


def test_noise_of_an_image_is_that_of_its_epoch_in_whatever_batch(few, tmp_path, monkeypatch):
    """And a training that was killed goes on with the same."""
    noisy = dataclasses.replace(ONE_CYCLE, noise=Mixture((Part("fog", 1.0, (2,)), Part("clean", 1.0, (None,)))))

    def losses(**settings):  # of a network that takes no random numbers itself
        return [row["train_loss"] for row in train(few, name="dnn-plus", **settings).history]

    alone = losses(recipe=noisy)
    assert alone != losses(recipe=ONE_CYCLE)
    monkeypatch.setattr(loop, "NOISY_BATCHES", 1)
    assert losses(recipe=noisy) == alone
    assert [
        row["train_loss"] for row in kill_and_resume(few, tmp_path, name="dnn-plus", recipe=noisy, kills=[2]).history
    ] == alone
