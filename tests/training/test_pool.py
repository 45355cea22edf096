import json
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bruit.errors import ConfigError, RunError
from bruit.models.store import load_model
from bruit.training import pool
from bruit.training.pool import Schedule, Task, run_tasks, usable_cores

ALONE = Schedule(1, 1, "fp32")


@pytest.fixture
def tasks(tmp_path):
    """Three short trainings of two models."""

    def make(place="run"):
        index = np.arange(600)
        return [
            Task(name, index[: 300 + row], index[500:540], 7 + row, tmp_path / place / str(row), epochs, index[540:])
            for row, (name, epochs) in enumerate([("dnn", 2), ("dnn-plus", 1), ("logistic", None)])
        ]

    return make


def results(tasks):
    return [
        ((task.folder / "held_out_probs.npy").read_bytes(), (task.folder / "weights.safetensors").read_bytes())
        for task in tasks
    ]


def test_every_task_leaves_a_model_and_its_predictions(digits, tasks):
    todo = tasks()
    done = []
    run_tasks(todo, digits.train, ALONE, on_done=done.append)
    assert done == todo
    for task in todo:
        assert task.done
        held_out = digits.train.images[task.held_out]
        assert np.array_equal(np.load(task.folder / "held_out_probs.npy"), load_model_as(task, held_out))
        config = json.loads((task.folder / "config.json").read_text())
        assert (config["name"], config["seed"], config["train"]["n"]) == (task.name, task.seed, len(task.train))


def load_model_as(task, images):
    model = load_model(task.folder)
    if task.name != "logistic":
        model.precision = "fp32"
    return model.probabilities(images)


def test_a_task_without_held_out_images_predicts_none(digits, tmp_path):
    run_tasks([Task("logistic", np.arange(500), np.arange(500, 600), 0, tmp_path / "m")], digits.train, ALONE)
    assert (tmp_path / "m" / "config.json").exists()
    assert not (tmp_path / "m" / "held_out_probs.npy").exists()


def test_two_workers_give_what_one_gives(digits, tasks):
    alone, shared = tasks("alone"), tasks("shared")
    run_tasks(alone, digits.train, ALONE)
    done, boards = [], []
    run_tasks(
        shared,
        digits.train,
        Schedule(2, 1, "fp32"),
        on_done=lambda task: done.append(task.folder.name),
        on_board=lambda board: boards.append(board.copy()),
    )
    assert results(shared) == results(alone)
    assert sorted(done) == ["0", "1", "2"]
    assert boards[-1].shape == (3, pool.FIELDS)
    assert boards[-1][:, 0].tolist() == [1, 1, 1]
    assert boards[-1][:2, 1].tolist() == [2, 1]
    # An error of one of them is the caller's, whatever process it happened in.
    (shared[1].folder.parent / "taken").write_text("a file")
    blocked = Task("dnn", np.arange(300), np.arange(500, 540), 0, shared[1].folder.parent / "taken" / "m", 1)
    with pytest.raises(RunError, match=r"^cannot write .*; choose another place$"):
        run_tasks([blocked], digits.train, Schedule(2, 1, "fp32"))


def test_what_is_finished_is_not_done_again(digits, tasks, monkeypatch):
    todo = tasks()
    run_tasks(todo[:2], digits.train, ALONE)
    before = [os.stat(task.folder / "weights.safetensors").st_mtime_ns for task in todo[:2]]
    done, boards = [], []
    run_tasks(todo, digits.train, ALONE, on_done=done.append, on_board=lambda board: boards.append(board.copy()))
    assert done == [todo[2]]
    assert [os.stat(task.folder / "weights.safetensors").st_mtime_ns for task in todo[:2]] == before
    assert boards[-1][:, 0].tolist() == [1, 1, 1]
    monkeypatch.setattr(pool, "fit_all", None)
    run_tasks(todo, digits.train, ALONE, on_done=done.append)
    assert len(done) == 1


def test_what_was_killed_goes_on_where_it_was(digits, tasks, monkeypatch):
    whole, broken = tasks("whole")[:2], tasks("broken")[:2]
    run_tasks(whole, digits.train, ALONE)

    trained = pool.fit_all
    epochs = []

    def killed_in_its_second_epoch(jobs, **settings):
        def kill(model, row):
            epochs.append(row["epoch"])
            if len(epochs) == 1:
                raise KeyboardInterrupt

        return trained([replace(job, on_epoch=kill) for job in jobs], **settings)

    monkeypatch.setattr(pool, "fit_all", killed_in_its_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        run_tasks(broken, digits.train, ALONE)
    assert not broken[0].done
    run_tasks(broken, digits.train, ALONE)
    assert epochs == [1, 2, 1]  # the first task's two, then the second task's one
    assert results(broken) == results(whole)


def test_an_error_stops_the_rest(digits, tasks, tmp_path):
    todo = tasks()
    wrong = Task("no-such-model", np.arange(100), np.arange(100, 120), 0, tmp_path / "wrong")
    with pytest.raises(ConfigError, match="no model is called no-such-model"):
        run_tasks([todo[2], wrong, todo[0]], digits.train, ALONE)
    assert todo[2].done
    assert not todo[0].done


def test_threads_are_set_for_the_training_and_set_back(digits, tasks, monkeypatch):
    before = torch.get_num_threads()
    seen = []
    monkeypatch.setattr(pool, "fit_all", lambda *args, **settings: seen.append(torch.get_num_threads()))
    run_tasks(tasks()[:1], digits.train, Schedule(1, before + 1, "fp32"))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("n_tasks", "cores", "workers", "threads"),
    [(10, 2, 2, 1), (1, 4, 1, 4), (2, 8, 2, 4), (3, 4, 3, 1), (5, 1, 1, 1), (0, 2, 1, 2)],
)
def test_cores_are_filled_and_not_overfilled(monkeypatch, n_tasks, cores, workers, threads):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    schedule = Schedule.plan(n_tasks, "fp32", cores)
    assert (schedule.workers, schedule.threads, schedule.precision) == (workers, threads, "fp32")
    assert schedule.workers * schedule.threads <= cores


def test_a_gpu_trains_those_that_are_alike_as_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Schedule.plan(10, "bf16", 8) == Schedule(1, 8, "bf16", batched=True)


def test_usable_cores_are_those_this_process_may_use(monkeypatch):
    assert 1 <= usable_cores() <= os.cpu_count()
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert usable_cores() == 1


@pytest.mark.parametrize("found", [True, False])
def test_on_windows_the_parent_itself_is_waited_for(monkeypatch, found):
    """There its id goes on being told when it is gone. Nothing but the calls can be tested elsewhere."""
    asked, forever = [], []

    def open_process(access, inherit, process):
        asked.append(("open", access, process))
        return 7 if found else None

    def wait(handle, milliseconds):
        asked.append(("wait", handle.value, milliseconds))
        return 0

    kernel32 = SimpleNamespace(OpenProcess=open_process, WaitForSingleObject=wait)
    monkeypatch.setattr(pool.sys, "platform", "win32")
    monkeypatch.setattr(pool.ctypes, "WinDLL", lambda name: kernel32, raising=False)
    monkeypatch.setattr(pool.threading.Event, "wait", lambda self: forever.append(True))
    pool._await_end(1234)
    assert asked == [("open", 0x100000, 1234), *([("wait", 7, 0xFFFFFFFF)] if found else [])]
    assert forever == ([] if found else [True])
