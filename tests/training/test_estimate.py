import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bruit.models.zoo import ZOO
from bruit.training.estimate import images_seen, seconds_per_task, total
from bruit.training.pool import Schedule, Task
from bruit.training.recipe import Focus

ALONE = Schedule(1, 1, "fp32")


def task(name, n=500, epochs=None):
    return Task(name, np.arange(n), np.arange(10), 0, Path("nowhere"), epochs)


def test_time_grows_with_epochs_and_images(digits):
    base, epochs, half = seconds_per_task(
        [task("dnn", epochs=2), task("dnn", epochs=10), task("dnn", 250, epochs=2)], digits.train, ALONE
    )
    assert base > 0
    assert epochs == pytest.approx(5 * base)
    assert half == pytest.approx(base / 2)


def test_without_epochs_the_recipes_own_are_counted(digits):
    asked, default = seconds_per_task([task("dnn", epochs=1), task("dnn")], digits.train, ALONE)
    assert default == pytest.approx(asked * ZOO["dnn"].recipe.for_images(500).epochs)


def test_images_that_a_focus_leaves_out_are_not_counted(monkeypatch):
    recipe = replace(ZOO["dnn"].recipe, epochs=5, focus=Focus(hard=0.2, easy=0.25), least_steps=0)
    monkeypatch.setitem(ZOO, "dnn", replace(ZOO["dnn"], recipe=recipe))
    assert images_seen("dnn", 1000) == 1000 + 4 * 400
    assert images_seen("dnn", 1000, epochs=1) == 1000
    assert images_seen("knn", 1000) == 1000


def test_the_epochs_that_few_images_need_are_counted():
    assert images_seen("dnn-plus", 1000) == 1000 * ZOO["dnn-plus"].recipe.for_images(1000).epochs > 100_000
    assert images_seen("dnn-plus", 1000, epochs=2) == 2000
    assert images_seen("dnn-plus", 1000, fine=True) < images_seen("dnn-plus", 1000)


def test_baselines_are_quick(digits):
    quick, slow = seconds_per_task([task("logistic"), task("cnn", epochs=15)], digits.train, ALONE)
    assert 0 < quick < slow


def test_measuring_leaves_nothing_behind(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    seconds_per_task([task("dnn", epochs=1)], digits.train, Schedule(1, threads + 1, "fp32"))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("seconds", "workers", "expected"),
    [([], 2, 0), ([6], 2, 6), ([4, 4, 4], 2, 6), ([9, 1, 1], 2, 9), ([4, 4, 4], 1, 12)],
)
def test_trainings_share_the_workers_but_none_is_split(seconds, workers, expected):
    assert total(seconds, Schedule(workers, 1, "fp32")) == expected
