"""What was read, as it leaves the command line: a table for people; JSON or CSV for programs, written as it is read."""

from __future__ import annotations

import csv
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from bruit.cli.language import say, words
from bruit.cli.options import writes_utf
from bruit.locale import language
from bruit.reading.reader import Reading
from bruit.reading.stacks import Block

BOX = ("left", "top", "right", "bottom")
# Rows of a table for people; whoever has more takes --csv.
MOST_ROWS = 200


class Output(ABC):
    """Where readings go.

    classes  of the model
    k        how many of the most likely ones are told of each digit
    least    the confidence below which a digit is not told
    """

    def __init__(self, classes: Sequence[str], k: int, least: float) -> None:
        self.classes, self.k, self.least = tuple(classes), min(k, len(classes)), least

    def reading(self, file: str, reading: Reading, index: int | None = None) -> None:
        """What stands in one picture, or in one image of a stack."""
        for digit in reading.digits:
            (row,) = self.ranked(digit.probabilities[None])
            if index is not None:
                row = {"index": index} | row
            if digit.box is not None:
                row["box"] = list(digit.box)
            if reading.doubt is not None:
                row["doubt"] = reading.doubt.said(language())
            self.add({"file": file} | row)

    def block(self, file: str, block: Block) -> None:
        """What stands in some images of a stack."""
        for at, ranked in enumerate(self.ranked(block.probabilities)):
            if at not in block.problems:
                self.add({"file": file, "index": block.start + at, **ranked})

    def ranked(self, given: NDArray[np.float32]) -> Iterator[dict[str, Any]]:
        """(n, C) probabilities → of each row the most likely classes, and how likely they are."""
        order = np.argsort(-given, axis=1, kind="stable")[:, : max(2, self.k)]
        values = np.take_along_axis(given, order, axis=1).astype(float).round(6)
        for classes, likely in zip(order.tolist(), values.tolist(), strict=True):
            first, second = self.classes[classes[0]], self.classes[classes[1]]
            row: dict[str, Any] = {
                "digit": first if likely[0] >= self.least else None,
                "confidence": likely[0],
                "runner_up": second,
                "runner_up_confidence": likely[1],
            }
            if self.k > 2:
                row["top"] = [[self.classes[at], value] for at, value in zip(classes, likely, strict=True)][: self.k]
            yield row

    @abstractmethod
    def add(self, row: dict[str, Any]) -> None:
        """One digit."""

    @abstractmethod
    def end(self) -> None:
        """Nothing follows."""


class Json(Output):
    """A list with one object for each digit."""

    rows = 0

    def add(self, row: dict[str, Any]) -> None:
        before = ",\n " if self.rows else "[\n "
        click.echo(before + json.dumps(row, ensure_ascii=not writes_utf()), nl=False)
        self.rows += 1

    def end(self) -> None:
        click.echo("\n]" if self.rows else "[]")


class Csv(Output):
    """A line for each digit."""

    def __init__(self, classes: Sequence[str], k: int, least: float) -> None:
        super().__init__(classes, k, least)
        more = [f"{what}_{n}" for n in range(3, self.k + 1) for what in ("digit", "confidence")]
        self.write([("file", "index", "digit", "confidence", "runner_up", "runner_up_confidence", *BOX, *more)])

    def add(self, row: dict[str, Any]) -> None:
        self.write([self.line(row)])

    def block(self, file: str, block: Block) -> None:
        rows = enumerate(self.ranked(block.probabilities), block.start)
        self.write(
            self.line({"file": file, "index": index, **ranked})
            for index, ranked in rows
            if index - block.start not in block.problems
        )

    def line(self, row: dict[str, Any]) -> tuple[Any, ...]:
        more = [value for pair in row.get("top", ())[2:] for value in pair]
        digit = "" if row["digit"] is None else row["digit"]
        chosen = (row["confidence"], row["runner_up"], row["runner_up_confidence"])
        return row["file"], row.get("index", ""), digit, *chosen, *row.get("box", ("",) * 4), *more

    def end(self) -> None:
        """Every line is out."""

    def write(self, lines: Iterable[tuple[Any, ...]]) -> None:
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        sys.stdout.write(text.getvalue())


class Table(Output):
    """For people, at the end."""

    def __init__(self, classes: Sequence[str], k: int, least: float) -> None:
        super().__init__(classes, k, least)
        self.rows: list[dict[str, Any]] = []
        self.n = 0

    def add(self, row: dict[str, Any]) -> None:
        self.n += 1
        if self.n <= MOST_ROWS:
            self.rows.append(row)

    def end(self) -> None:
        if self.rows:
            self.show()
        if self.n > len(self.rows):
            say("… and {n:,} more; --csv and --json print all of them", n=self.n - len(self.rows))

    def show(self) -> None:
        from bruit.cli.tables import percent, show

        several, more = any("box" in row for row in self.rows), self.k > 2
        columns = ["File", "Digit", "Confidence", "Runner-up", "Its confidence"]
        columns += ["Then"] * more + ["Box"] * several
        cells = []
        for row in self.rows:
            file = f"{row['file']}[{row['index']}]" if "index" in row else row["file"]
            digit = words("unsure") if row["digit"] is None else row["digit"]
            then = "  ".join(f"{name} {percent(likely)}" for name, likely in row.get("top", ())[2:])
            box = ", ".join(map(str, row.get("box", ())))
            chosen = [percent(row["confidence"]), row["runner_up"], percent(row["runner_up_confidence"])]
            cells.append([file, digit, *chosen, *[then] * more, *[box] * several])
        doubts = dict.fromkeys(row["doubt"] for row in self.rows if "doubt" in row)
        show(words("Read"), columns, cells, "\n".join(doubts) or None)
