"""Tables: one line an image, with or without a header, as Kaggle's train.csv and test.csv; gzipped or not."""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from bruit.data import room
from bruit.data.raw import Arrays, Raw, numbered
from bruit.data.streams import opened, text_lines
from bruit.errors import DataError
from bruit.locale import Sentence

LABEL_NAMES = ("label", "labels", "class", "target", "digit", "y")
IGNORED_NAMES = ("", "id", "imageid", "index", "unnamed: 0")
ROWS = 1000
Line = tuple[int, str]


@dataclass(frozen=True)
class _Layout:
    """How a table is laid out; columns count from 0, those of pixels stand in the order of the pixels."""

    delimiter: str
    columns: int
    label: int | None
    pixels: tuple[int, ...]
    names: tuple[str, ...] = ()

    def cells(self, text: str) -> list[str]:
        return next(csv.reader([text], delimiter=self.delimiter)) if '"' in text else text.split(self.delimiter)


class _Strays:
    """The images with pixels beyond 0…255: a few of them are mistakes, most of them are on another scale."""

    def __init__(self) -> None:
        self.n = 0
        self.first: tuple[int, int, float] | None = None

    def look(self, pixels: Raw, chunk: list[Line], layout: _Layout) -> None:
        # What is beyond by less than half a grey level is what resampling overshoots.
        if pixels.dtype == np.uint8 or (pixels.min() >= -0.5 and pixels.max() <= 255.5):
            return
        beyond = ~((pixels >= -0.5) & (pixels <= 255.5))
        images = np.flatnonzero(beyond.any(axis=1))
        self.n += len(images)
        if self.first is None:
            row = images[0]
            column = int(beyond[row].argmax())
            self.first = chunk[row][0], layout.pixels[column] + 1, float(pixels[row, column])

    def refuse_few(self, n_images: int, path: Path) -> None:
        if self.first is None or self.n > n_images / 2:
            return
        number, column, value = self.first
        raise DataError(
            "{path}, line {number}, column {column}: expected 0…255, as in most images, received {value:g}; repair or "
            "remove it",
            path=path,
            number=number,
            column=column,
            value=value,
        )


def read(path: Path, test: Path | None = None) -> Arrays:
    """A table with the training images, and one with the test images if there is. Raises DataError.

    A column called label, class, target, digit or y, or the first of H·W + 1 where there is no header, holds the
    labels; all others are pixels, row by row, except for a column that only counts.
    """
    images, labels, names = _table(path)
    if test is None:
        return Arrays(images, numbered(labels)[0])
    test_images, test_labels, test_names = _table(test)
    if names != test_names and sorted(names) == sorted(test_names):
        raise DataError(
            "{path} and {test} have their columns in different orders; give both the same", path=path, test=test
        )
    train_values, test_values = numbered(labels, test_labels)
    return Arrays(images, train_values, test_images, test_values)


def _table(path: Path) -> tuple[Raw, list[str] | None, tuple[str, ...]]:
    """(images, labels if there are any, the names of the columns of pixels if there are any)."""
    with opened(path, Sentence("a CSV table")) as file:
        lines = text_lines(file, path)
        first = next(lines, None)
        if first is None:
            raise DataError(
                "{path} holds no lines but empty ones; expected one an image: label,pixel0,pixel1,…", path=path
            )
        layout, has_header = _layout(first[1], path)
        rest = lines if has_header else chain([first], lines)
        chunk = list(islice(rest, ROWS))
        if not chunk:
            raise DataError("{path} holds a header and no images; expected one image a line below it", path=path)
        labels: list[str] = []
        strays = _Strays()

        def rows(chunk: list[Line]) -> Iterator[Raw]:
            while chunk:
                labels.extend(_labels(chunk, layout, path))
                pixels = _pixels(chunk, layout, path)
                strays.look(pixels, chunk, layout)
                yield pixels
                chunk = list(islice(rest, ROWS))

        images = room.stacked(rows(chunk))
        strays.refuse_few(len(images), path)
    return images, labels if layout.label is not None else None, layout.names


def _layout(first: str, path: Path) -> tuple[_Layout, bool]:
    delimiter = max(",;\t", key=first.count)
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    n = len(cells)
    names = [cell.lower() for cell in cells]
    called = [column for column, name in enumerate(names) if name in LABEL_NAMES]
    wordy = sum(not _is_number(cell) for cell in cells)
    has_header = bool(called) or wordy > n / 2 or names == [str(column) for column in range(n)] != ["0"]
    if not has_header:
        label = 0 if n > 1 and _is_square(n - 1) else None
        if label is None and not _is_square(n):
            raise DataError(
                "{path}, line 1: expected a label and the pixels of a square image, as 785 columns for 28 × 28, "
                "received {n:,}; add a header line with a column called label",
                path=path,
                n=n,
            )
        return _Layout(delimiter, n, label, tuple(range(0 if label is None else 1, n))), False
    if len(called) > 1:
        one, other = (cells[column] for column in called[:2])
        raise DataError(
            "{path}, line 1: the columns {one} and {other} could both be labels; keep one of them",
            path=path,
            one=one,
            other=other,
        )
    label = called[0] if called else None
    pixels = tuple(column for column in range(n) if column != label and names[column] not in IGNORED_NAMES)
    if not pixels:
        raise DataError(
            "{path}, line 1: no columns of pixels; expected label,pixel0,pixel1,…, received {first!r}",
            path=path,
            first=first[:60],
        )
    if label is None and not _is_square(len(pixels)) and _is_square(len(pixels) - 1):
        raise DataError(
            "{path}, line 1: no column is called label; rename the one that holds the labels ({cells!r} is the first)",
            path=path,
            cells=cells[0][:40],
        )
    pixels = _in_order(pixels, names)
    return _Layout(delimiter, n, label, pixels, tuple(names[column] for column in pixels)), True


def _in_order(pixels: tuple[int, ...], names: list[str]) -> tuple[int, ...]:
    """Columns called pixel0, pixel1, … or 1x1, 1x2, … by their numbers; others as they stand."""
    shapes = {re.sub("[0-9]+", "0", names[column]) for column in pixels}
    numbers = {column: [int(digits) for digits in re.findall("[0-9]{1,9}", names[column])] for column in pixels}
    if len(shapes) > 1 or len({tuple(number) for number in numbers.values()}) < len(pixels):
        return pixels
    return tuple(sorted(pixels, key=lambda column: numbers[column]))


def _is_square(n: int) -> bool:
    return n > 0 and math.isqrt(n) ** 2 == n


def _is_number(cell: str) -> bool:
    if not cell.isascii() or "_" in cell:  # Python reads such numbers, NumPy does not
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _labels(chunk: list[Line], layout: _Layout, path: Path) -> list[str]:
    """The labels of some lines, which are refused where they have other columns than the first."""
    labels = []
    for number, text in chunk:
        quoted = '"' in text
        cells = layout.cells(text) if quoted else []
        n = len(cells) if quoted else text.count(layout.delimiter) + 1
        if n != layout.columns:
            raise DataError(
                "{path}, line {number}: {n:,} columns, the first line has {layout.columns:,}; repair or remove it",
                path=path,
                number=number,
                n=n,
                layout=layout,
            )
        if layout.label is None:
            continue
        if layout.label == 0 and not quoted:
            label = text.partition(layout.delimiter)[0].strip()
        else:
            label = (cells or layout.cells(text))[layout.label].strip()
        if not label:
            raise DataError(
                "{path}, line {number}, column {label}: no label; label or remove that image",
                path=path,
                number=number,
                label=layout.label + 1,
            )
        labels.append(sys.intern(as_read(label)))  # one text for all images of a class
    return labels


def as_read(label: str) -> str:
    """A label as it is read from a table: "7.0" and " 7" are 7."""
    return re.sub(r"^(-?[0-9]+)\.0+$", r"\1", label.strip())


def _pixels(chunk: list[Line], layout: _Layout, path: Path) -> Raw:
    try:
        values = np.loadtxt(
            [text for _, text in chunk],
            np.float64,
            delimiter=layout.delimiter,
            comments=None,
            quotechar='"',
            usecols=layout.pixels,
            ndmin=2,
        )
    except ValueError as error:
        for number, text in chunk:
            cells = layout.cells(text)
            for column in layout.pixels:
                if not _is_number(cells[column]):
                    raise DataError(
                        "{path}, line {number}, column {column}: expected a number, received {cells!r}",
                        path=path,
                        number=number,
                        column=column + 1,
                        cells=cells[column].strip()[:40],
                    ) from error
        raise DataError(
            "{path}, lines {chunk[0][0]} to {chunk2}: expected numbers as pixels",
            path=path,
            chunk=chunk,
            chunk2=chunk[-1][0],
        ) from error
    return _compact(values)


def _compact(values: np.ndarray) -> Raw:
    """The same numbers in the smallest type that holds what images are made of."""
    if not np.isfinite(values).all():
        return values
    low, high = values.min(), values.max()
    if np.array_equal(values, np.rint(values)):
        if low >= 0 and high <= 255:
            return values.astype(np.uint8)
        if low >= 0 and high <= 65535:
            return values.astype(np.uint16)
    return values.astype(np.float32) if max(-low, high) < 1e30 else values
