"""What is said while one waits."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bruit.cli import progress
from bruit.cli.progress import BoardProgress, StudyProgress, TrainProgress
from bruit.studies.study import Stage
from bruit.training.member import Progress
from bruit.training.pool import Schedule, Task

NOTHING = np.arange(0)
SCHEDULE = Schedule(workers=2, threads=1, precision="fp32")


def tasks(run: Path) -> tuple[Task, ...]:
    places = {"models/dnn": "dnn", "models/cnn": "cnn", "crossval/dnn/fold-1": "dnn", "crossval/dnn/repeat-2": "dnn"}
    return tuple(Task(name, NOTHING, NOTHING, 0, run / place, 3) for place, name in places.items())


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 120 columns to which progress goes."""
    screen = io.StringIO()
    monkeypatch.setattr(progress, "make_console", lambda: Console(file=screen, force_terminal=True, width=120))
    return screen


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A log file, with a line for every change."""
    log = io.StringIO()
    monkeypatch.setattr(progress, "make_console", lambda: Console(file=log, width=120))
    monkeypatch.setattr(progress, "LINE_SECONDS", -1)
    return log


def board(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def watch_a_study(run: Path) -> None:
    with StudyProgress(run) as shown:
        shown.stage(Stage("data"))
        shown.stage(Stage("training", tasks(run), (60.0, 90.0, 120.0, 30.0), SCHEDULE))
        shown.board(board((0.5, 2, 0.75, 0.8125), *[(0, 0, 0, 0)] * 3))
        shown.board(board((1, 3, 0.5, 0.9), (1, 3, 0.5, 0.9), (0.1, 1, 2.5, 0.25), (0, 0, 0, 0)))
        shown.stage(Stage("test"))
        shown.stage(Stage("robustness"))
        shown.sets(0, 60)
        shown.sets(60, 60)
        shown.stage(Stage("report"))
        shown.stage(Stage("done"))


def test_a_study_in_a_log_file(tmp_path: Path, log: io.StringIO) -> None:
    watch_a_study(Path("run"))
    assert log.getvalue().splitlines() == [
        "Reading the data",
        "4 trainings, 2 at a time: about 3 minutes. "
        "The report grows in run/report.html; Ctrl-C stops, --resume goes on.",
        "10% of the training, 0 of 4 done",
        "54% of the training, 2 of 4 done",
        "Reading the test set, once, with every model",
        "Showing noisy copies of the test images to the networks",
        "0 of 60 noisy sets",
        "60 of 60 noisy sets",
        "Writing the report",
    ]


def test_what_comes_after_the_trainings_is_in_the_time_that_is_said(log: io.StringIO) -> None:
    run = Path("run")
    with StudyProgress(run) as shown:
        shown.stage(Stage("training", tasks(run), (60.0, 90.0, 120.0, 30.0), SCHEDULE, after=600.0))
    assert "about 13 minutes" in log.getvalue()


def test_a_study_on_a_terminal_shows_what_runs_and_how_well(screen: io.StringIO) -> None:
    run = Path("run")
    with StudyProgress(run) as shown:
        shown.stage(Stage("training", tasks(run), (60.0, 90.0, 120.0, 30.0), SCHEDULE))
        shown.board(board((1, 3, 0.5, 0.9), (1, 3, 0.5, 0.9), (0.1, 1, 2.5, 0.25), (0.3, 2, 0.5, 0.75)))
        shown.bars.refresh()
    text = screen.getvalue()
    for expected in (
        *("All trainings", "2 of 4 done", "dnn, fold 2", "dnn, another seed, 2"),
        *("epoch 1 · loss 2.500 · accuracy 25.0%", "epoch 2 · loss 0.500 · accuracy 75.0%"),
    ):
        assert expected in text


def test_bars_of_what_has_ended_go(screen: io.StringIO) -> None:
    run = Path("run")
    with StudyProgress(run) as shown:
        shown.stage(Stage("training", tasks(run), (60.0, 90.0, 120.0, 30.0), SCHEDULE))
        shown.board(board((0.5, 2, 0.75, 0.8125), *[(0, 0, 0, 0)] * 3))
        assert [bar.description for bar in shown.bars.tasks] == ["All trainings", "  dnn"]
        shown.board(board((1, 3, 0.75, 0.8125), *[(0, 0, 0, 0)] * 3))
        assert [bar.description for bar in shown.bars.tasks] == ["All trainings"]
        shown.stage(Stage("test"))
        assert shown.bars.tasks == []


def test_what_was_done_before_is_not_estimated_again(tmp_path: Path, log: io.StringIO) -> None:
    for task in tasks(tmp_path)[:3]:
        task.folder.mkdir(parents=True)
        (task.folder / "config.json").write_text("{}")
    with StudyProgress(tmp_path) as shown:
        shown.stage(Stage("training", tasks(tmp_path), (600.0, 900.0, 1200.0, 30.0), SCHEDULE))
    assert log.getvalue().startswith("1 training, 2 at a time: about 1 minute. ")


def test_where_nothing_is_left_to_train_no_time_is_given(tmp_path: Path, log: io.StringIO) -> None:
    for task in tasks(tmp_path):
        task.folder.mkdir(parents=True)
        (task.folder / "config.json").write_text("{}")
    with StudyProgress(tmp_path) as shown:
        shown.stage(Stage("training", tasks(tmp_path), (0.0, 0.0, 0.0, 0.0), SCHEDULE))
        shown.board(board(*[(1, 3, 0.5, 0.9)] * 4))
        shown.stage(Stage("test"))
    assert log.getvalue().splitlines() == [
        "All trainings are done already.",
        "Reading the test set, once, with every model",
    ]


def test_a_resumed_study_that_is_finished_says_nothing(tmp_path: Path, log: io.StringIO) -> None:
    with StudyProgress(tmp_path) as shown:
        shown.board(board((1, 0, 0, 0)))
        shown.stage(Stage("done"))
    assert log.getvalue() == ""


def test_one_training(log: io.StringIO) -> None:
    with TrainProgress("dnn") as shown:
        shown.show(Progress(step=10, steps=40, epoch=2, loss=0.3456, accuracy=0.9))
    assert log.getvalue() == "dnn: 25%, epoch 2 · loss 0.346 · accuracy 90.0%\n"


def test_folds(log: io.StringIO) -> None:
    with BoardProgress("dnn, 2 folds") as shown:
        shown.board(board((1, 3, 0.1, 0.9), (0.5, 2, 0.2, 0.8)))
        shown.board(board((1, 3, 0.1, 0.9), (1, 3, 0.2, 0.8)))
    assert log.getvalue() == "dnn, 2 folds: 75%, 1 of 2 done\ndnn, 2 folds: 100%, 2 of 2 done\n"


def test_a_log_is_not_flooded(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 15.0)
    with TrainProgress("dnn") as shown:
        for step in range(1, 100):
            shown.show(Progress(step, 100, 1, 0.3, 0.9))
    assert log.getvalue() == ""


def test_trainings_of_a_learning_curve_are_told_apart_by_their_size(tmp_path: Path, log: io.StringIO) -> None:
    places = ("models/cnn", "learning/cnn/size-1293-draw-0", "learning/cnn/size-200-draw-2")
    curve = tuple(Task("cnn", NOTHING, NOTHING, 0, tmp_path / place) for place in places)
    with StudyProgress(tmp_path) as shown:
        shown.stage(Stage("training", curve, (60.0, 90.0, 120.0), SCHEDULE))
        assert shown.labels == ["cnn", "cnn, 1,293 images", "cnn, 200 images"]
