"""Progress for people, on standard error: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bruit.cli.language import words
from bruit.locale import Counted, language

if TYPE_CHECKING:
    from bruit.studies.study import Stage
    from bruit.training.member import Progress as FitProgress
    from bruit.training.pool import Board

# On a log file one line in this many seconds says as much as a moving bar.
LINE_SECONDS = 15.0


def make_console() -> Console:
    """Where progress goes; results go to standard output."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def moves(console: Console) -> bool:
    """Whether a bar can be drawn again and again in its place."""
    return console.is_terminal and not console.is_dumb_terminal


def make_bars(console: Console) -> Progress:
    """Bars with a description, the share done, time spent, time left and what is measured on the way."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn(words("left")),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not moves(console),
    )


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """One bar for the body, which calls what it is given with (done, total)."""
    with make_bars(make_console()) as bars:
        task = bars.add_task(title, note="")
        yield lambda done, total: bars.update(task, completed=done, total=total)


def about_minutes(seconds: float) -> str:
    """How long it will take, no more precisely than one can know."""
    if seconds < 30:
        return words("less than a minute")
    minutes = max(1, round(seconds / 60))
    return Counted("about {n} minute", "about {n} minutes", n=minutes).said(language())


class _Bars:
    """Bars for the time of a with block."""

    def __init__(self) -> None:
        self.console = make_console()
        self.bars = make_bars(self.console)
        self.last_line = time.monotonic()

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def expect(self, seconds: float) -> None:
        """Say how long it will take."""
        self.console.print(words("This takes {time}.", time=about_minutes(seconds)))

    def line(self, text: str) -> None:
        """Say it in a log file too, but not too often."""
        if not moves(self.console) and time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(text)


def measured(epoch: float, loss: float, accuracy: float) -> str:
    """What a bar says beside the time."""
    return words(
        "epoch {epoch:.0f} · loss {loss:.3f} · accuracy {accuracy:.1%}",
        epoch=float(epoch),
        loss=float(loss),
        accuracy=float(accuracy),
    )


class TrainProgress(_Bars):
    """The bar of one training."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.task = self.bars.add_task(name, note="", total=1.0)

    def show(self, progress: FitProgress) -> None:
        note = measured(progress.epoch, progress.loss, progress.accuracy)
        self.bars.update(self.task, completed=progress.step / progress.steps, note=note)
        self.line(f"{self.name}: {progress.step / progress.steps:.0%}, {note}")


class BoardProgress(_Bars):
    """The bar of many trainings that count alike."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self.task = self.bars.add_task(title, note="", total=1.0)

    def board(self, board: Board) -> None:
        done, running = board[:, 0], (board[:, 0] > 0) & (board[:, 0] < 1)
        note = measured(*board[running, 1:].mean(axis=0)) if running.any() else ""
        self.bars.update(self.task, completed=float(done.mean()), note=note)
        ready = words("{ready} of {n} done", ready=int((done >= 1).sum()), n=len(done))
        self.line(f"{self.title}: {done.mean():.0%}, {ready}")


class CheckProgress(BoardProgress):
    """The bar of the checks; and one of the trainings that judge the labels, once they begin."""

    def __init__(self) -> None:
        super().__init__(words("Labels"))
        self.bars.update(self.task, visible=False)
        self.steps = self.bars.add_task(words("Checks"), note="")

    def checks(self, done: int, total: int) -> None:
        self.bars.update(self.steps, completed=done, total=total)

    def expect(self, seconds: float) -> None:
        super().expect(seconds)
        self.bars.update(self.task, visible=True)


class StudyProgress(_Bars):
    """What a study does: a bar for all of it, and one for each training that runs."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self.out = out
        self.labels: list[str] = []
        self.seconds: list[float] = []
        self.rows: dict[int, TaskID] = {}
        self.reported: set[int] = set()
        self.whole: TaskID | None = None
        self.noisy: TaskID | None = None

    def stage(self, stage: Stage) -> None:
        match stage.name:
            case "data":
                self.console.print(words("Reading the data"))
            case "training":
                self._begin(stage)
            case "test":
                self._end_training()
                self.console.print(words("Reading the test set, once, with every model"))
            case "robustness":
                self.console.print(words("Showing noisy copies of the test images to the networks"))
            case "report":
                self.console.print(words("Writing the report"))
            case "done":
                self._end_training()

    def _begin(self, stage: Stage) -> None:
        from bruit.training.estimate import total

        assert stage.schedule is not None
        self.seconds = list(stage.seconds)
        left = [seconds for task, seconds in zip(stage.tasks, self.seconds, strict=True) if not task.done]
        if not left:
            self.console.print(words("All trainings are done already."))
            return
        for task in stage.tasks:
            match task.folder.name.split("-"):
                case ["fold", number]:
                    self.labels.append(words("{model}, fold {fold}", model=task.name, fold=int(number) + 1))
                case ["repeat", number]:
                    self.labels.append(words("{model}, another seed, {number}", model=task.name, number=number))
                case ["size", size, "draw", _]:
                    self.labels.append(words("{model}, {n:,} images", model=task.name, n=int(size)))
                case _:
                    self.labels.append(task.folder.name)
        about = about_minutes(total(left, stage.schedule) * 1.1 + stage.after)
        self.console.print(
            words(
                "{trainings}, {workers} at a time: {about}. The report grows in {report}; Ctrl-C stops, --resume goes "
                "on.",
                trainings=Counted("{n} training", "{n} trainings", n=len(left)),
                workers=stage.schedule.workers,
                about=about,
                report=self.out / "report.html",
            ),
            soft_wrap=True,
        )
        self.whole = self.bars.add_task(words("All trainings"), total=sum(self.seconds), note="")

    def board(self, board: Board) -> None:
        if self.whole is None:
            return
        for row, (fraction, epoch, loss, accuracy) in enumerate(board.tolist()):
            if 0 < fraction < 1:
                if row not in self.rows:
                    self.rows[row] = self.bars.add_task(f"  {self.labels[row]}", total=1.0, note="")
                self.bars.update(self.rows[row], completed=fraction, note=measured(epoch, loss, accuracy))
            elif fraction >= 1 and row not in self.reported:
                self.reported.add(row)
                if row in self.rows:
                    self.bars.remove_task(self.rows.pop(row))
        done = float((board[:, 0] * self.seconds).sum())
        ready = words("{ready} of {n} done", ready=len(self.reported), n=len(board))
        self.bars.update(self.whole, completed=done, note=ready)
        share = done / (sum(self.seconds) or 1)
        self.line(words("{share:.0%} of the training, {ready}", share=share, ready=ready))

    def sets(self, done: int, total: int) -> None:
        """How many of the noisy sets are read."""
        if self.noisy is None:
            self.noisy = self.bars.add_task(words("Noisy sets"), note="")
        self.bars.update(self.noisy, completed=done, total=total)
        self.line(words("{done} of {total} noisy sets", done=done, total=total))

    def _end_training(self) -> None:
        for task in [*self.rows.values(), *([self.whole] if self.whole is not None else [])]:
            self.bars.remove_task(task)
        self.rows, self.whole = {}, None
