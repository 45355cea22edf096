"""Trainings that run as one end as they would alone; forced here on a CPU, where rounding is all that differs."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from bruit.models.batched import batched
from bruit.models.networks import Reading
from bruit.models.store import read_tensors, write_tensors
from bruit.models.zoo import ZOO
from bruit.noise.mixture import Mixture, Part
from bruit.training import pool
from bruit.training.alike import AT_ONCE, alike
from bruit.training.fit import fit_all, prepare
from bruit.training.member import CHECKPOINT, epochs_stored
from bruit.training.optimizers import orthogonal
from bruit.training.pool import Schedule, Task, run_tasks
from bruit.training.recipe import Focus
from bruit.training.stream import Stream

APART, TOGETHER = Schedule(1, 1, "fp32"), Schedule(1, 1, "fp32", batched=True)


def short(name):
    return dataclasses.replace(ZOO[name].recipe, epochs=2, batch_size=48, least_steps=0)


# All that a recipe may ask for: Muon, augmentation, focus, label smoothing.
PLUS = short("cnn-plus")
NOISE = Mixture((Part("fog", 1.0, (2,)), Part("clean", 1.0, (None,))))


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def exact(monkeypatch):
    """Computes in float64. In float32 a rounding soon decides which images are the hardest, and the rest follows."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    monkeypatch.setattr(Reading, "forward", lambda self, x: self.from_pixels(x[:, None].double() / 255))
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def small(monkeypatch):
    """The zoo with recipes of two epochs of small batches."""
    for name in ("dnn", "cnn"):
        monkeypatch.setitem(ZOO, name, dataclasses.replace(ZOO[name], recipe=short(name)))


def halved(dataset, start, n):
    """n of the images, of 14 × 14 pixels."""
    few = dataset.subset(slice(start, start + n))
    return dataclasses.replace(few, images=np.ascontiguousarray(few.images[:, ::2, ::2]))


def jobs(digits, name, recipe, sizes=(96, 96, 96)):
    return [
        prepare(
            name,
            halved(digits.train, 100 * at, n),
            halved(digits.test, 0, 60),
            recipe=recipe,
            epochs=recipe.epochs,
            seed=at,
            precision="fp32",
        )
        for at, n in enumerate(sizes)
    ]


def together_and_apart(*args):
    apart = [fit_all([job])[0] for job in jobs(*args)]
    return list(zip(fit_all(jobs(*args)), apart, strict=True))


def close(array, expected, tolerance):
    return np.allclose(array, expected, rtol=tolerance, atol=tolerance)


def assert_alike(ours, alone, tolerance):
    assert len(ours.history) == len(alone.history)
    for row, expected in zip(ours.history, alone.history, strict=True):
        assert row.keys() == expected.keys()
        assert row | {"seconds": 0} == pytest.approx(expected | {"seconds": 0}, rel=tolerance, abs=tolerance)
    assert close(ours.validation_probabilities, alone.validation_probabilities, max(tolerance, 1e-6))
    learned = alone.model.tensors()
    for name, tensor in ours.model.tensors().items():
        assert close(tensor, learned[name], tolerance), name


@pytest.mark.parametrize("name", ["dnn", "dnn-plus", "cnn", "cnn-plus"])
def test_by_its_own_recipe(digits, exact, name):
    for ours, alone in together_and_apart(digits, name, short(name)):
        assert_alike(ours, alone, 1e-7)


def test_by_all_that_a_recipe_may_ask_for(digits, exact):
    recipe = dataclasses.replace(PLUS, epochs=3, focus=Focus(0.3, 0.4), keep="best", noise=NOISE)
    for ours, alone in together_and_apart(digits, "dnn", recipe):
        assert_alike(ours, alone, 1e-7)


@pytest.mark.parametrize("name", ["dnn", "cnn"])
def test_in_float32(digits, name):
    for ours, alone in together_and_apart(digits, name, short(name)):
        assert_alike(ours, alone, 2e-4)


@pytest.mark.parametrize("recipe", [short("dnn"), PLUS])
def test_sizes_that_differ_by_one_change_nothing_without_batch_norm(digits, exact, recipe):
    for ours, alone in together_and_apart(digits, "dnn", recipe, (95, 96, 94)):
        assert_alike(ours, alone, 1e-7)


def test_with_batch_norm_only_the_larger_ones_are_as_alone(digits, exact):
    recipe = dataclasses.replace(PLUS, epochs=1)
    (shorter, as_short), (longer, as_long) = together_and_apart(digits, "dnn-plus", recipe, (95, 96))
    assert_alike(longer, as_long, 1e-7)
    # One of 48 images in one of two batches is seen by batch norm, and by nothing else.
    assert shorter.history[0]["train_loss"] == pytest.approx(as_short.history[0]["train_loss"], rel=0.02)
    assert shorter.history[0]["train_loss"] != as_short.history[0]["train_loss"]


def test_each_network_gives_what_it_gives_alone_and_its_tensors_are_those_of_the_whole():
    torch.manual_seed(0)
    config = ZOO["cnn-plus"].config
    modules = [Reading(config.build((12, 12), 4)).eval() for _ in range(3)]
    for at, module in enumerate(modules):
        module.mean.fill_(0.1 * at)
    pixels = torch.rand(5, 3, 12, 12)
    apart = torch.cat([module.from_pixels(pixels[:, at : at + 1]) for at, module in enumerate(modules)], 1)
    whole = batched(modules, [Stream.apart(pixels.device) for _ in modules]).eval()
    assert torch.allclose(whole.from_pixels(pixels), apart, atol=1e-5)
    with torch.no_grad():
        modules[1].body[0].weight.zero_()
    assert (whole.body[0].weight == 0).flatten(1).all(1).sum() == 16


def test_a_layer_that_is_not_known_is_refused():
    modules = [Reading(nn.Sequential(nn.Flatten(), nn.Tanh())) for _ in range(2)]
    with pytest.raises(TypeError, match=r"^Tanh$"):
        batched(modules, [Stream.apart(torch.device("cpu"))] * 2)


def test_matrices_are_made_orthogonal_one_by_one():
    matrices = torch.randn(3, 9, 4)
    assert torch.allclose(orthogonal(matrices), torch.stack([orthogonal(one) for one in matrices]), atol=1e-5)


def tasks(place, sizes=(144, 144, 143), name="dnn"):
    index = np.arange(600)
    return [
        Task(name, index[50 * at : 50 * at + n], index[500:540], at, place / str(at), 2, index[540:], seen="digits")
        for at, n in enumerate(sizes)
    ]


def left_by(task):
    return {path.name for path in task.folder.iterdir()}


def test_every_training_leaves_what_it_would_alone(digits, tmp_path, small):
    apart, together = tasks(tmp_path / "apart"), tasks(tmp_path / "together")
    run_tasks(apart, digits.train, APART)
    done, boards = [], []
    run_tasks(
        together,
        digits.train,
        TOGETHER,
        on_done=done.append,
        on_board=lambda board: boards.append(board.copy()),
    )
    assert done == together
    assert boards[-1].shape == (3, pool.FIELDS)
    assert boards[-1][:, 0].tolist() == [1, 1, 1]
    assert (boards[-1][:, 1:] > 0).all()
    for ours, alone in zip(together, apart, strict=True):
        assert left_by(ours) == left_by(alone)
        configs = [json.loads((task.folder / "config.json").read_text()) for task in (ours, alone)]
        for config in configs:
            del config["train"]["seconds"], config["train"]["images_per_second"]
            config["temperature"] = round(config["temperature"], 3)
        assert configs[0] == configs[1]
        for name in ("val_probs.npy", "held_out_probs.npy"):
            assert close(np.load(ours.folder / name), np.load(alone.folder / name), 1e-4)


@pytest.mark.parametrize("uneven", [False, True])
def test_what_was_killed_goes_on_where_it_was(digits, tmp_path, small, monkeypatch, uneven):
    """As one where all are at the same epoch, else each from its own."""
    whole, broken = tasks(tmp_path / "whole"), tasks(tmp_path / "broken")
    run_tasks(whole, digits.train, TOGETHER)
    trained, sizes = pool.fit_all, []

    def kill(model, row):
        raise Killed

    def killed(jobs, resume):
        return trained([dataclasses.replace(job, on_epoch=kill) for job in jobs], resume)

    monkeypatch.setattr(pool, "fit_all", killed)
    with pytest.raises(Killed):
        run_tasks(broken, digits.train, TOGETHER)
    assert [epochs_stored(task.folder) for task in broken] == [1, 1, 1]
    if uneven:
        (broken[0].folder / CHECKPOINT).unlink()

    def spied(jobs, resume):
        sizes.append(len(jobs))
        return trained(jobs, resume)

    monkeypatch.setattr(pool, "fit_all", spied)
    run_tasks(broken, digits.train, TOGETHER)
    assert sizes == ([1, 2] if uneven else [3])
    for ours, unbroken in zip(broken, whole, strict=True):
        tensors, expected = (read_tensors(task.folder / "weights.safetensors") for task in (ours, unbroken))
        for name, tensor in tensors.items():
            assert close(tensor, expected[name], 1e-4 if uneven else 0), name


def test_a_checkpoint_is_that_of_a_training_alone(digits, tmp_path, exact):
    def kill(model, row):
        raise Killed

    for place, at_once in (("together", 3), ("apart", 1)):
        begun = [
            dataclasses.replace(job, folder=tmp_path / place / str(at), on_epoch=kill)
            for at, job in enumerate(jobs(digits, "dnn-plus", PLUS))
        ]
        for start in range(0, 3, at_once):
            with pytest.raises(Killed):
                fit_all(begun[start : start + at_once])
    for at in range(3):
        ours, alone = (read_tensors(tmp_path / place / str(at) / CHECKPOINT) for place in ("together", "apart"))
        assert {name: array.shape for name, array in ours.items() if name != "history"} == {
            name: array.shape for name, array in alone.items() if name != "history"
        }
        assert np.array_equal(ours["of"], alone["of"])
        assert all(close(ours[name], alone[name], 1e-7) for name in ours if name not in ("of", "history"))


def test_who_runs_together(tmp_path, small):
    def groups(*parts):
        listed = [task for part in parts for task in part]
        return [len(group) for group in alike(list(enumerate(listed)))]

    assert groups(tasks(tmp_path, (144,) * (AT_ONCE + 1))) == [AT_ONCE, 1]
    assert groups(tasks(tmp_path, (144, 143, 145))) == [2, 1]  # 145 images are one batch more
    assert groups(tasks(tmp_path, (144, 130))) == [1, 1]
    assert groups(tasks(tmp_path, (144, 144)), tasks(tmp_path, (144,), "cnn")) == [2, 1]
    assert groups(tasks(tmp_path, (144, 144), "logistic")) == [1, 1]
    first, second = tasks(tmp_path, (144, 144))
    assert groups([first, dataclasses.replace(second, noise=NOISE)]) == [1, 1]
    assert groups([first, dataclasses.replace(second, epochs=3)]) == [1, 1]
    few = [dataclasses.replace(task, epochs=None) for task in (first, second)]
    assert groups(few) == [2]


def test_a_checkpoint_of_something_else_is_no_epoch(tmp_path):
    write_tensors(tmp_path / CHECKPOINT, {"weight": np.zeros(3)})
    assert epochs_stored(tmp_path) == 0
