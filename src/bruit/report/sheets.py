"""Sheets of pictures as matplotlib Figures, for the files beside the page; the page itself shows the same as images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bruit.locale import printable, translator
from bruit.report.pictures import mosaic

GAP = 2
ACROSS = 5
SHEET_WIDTH = 7.0  # inches


def examples(images: NDArray[np.uint8], classes: Sequence[str], lang: str) -> Figure:
    """(C, N, H, W) images: a row of N for each class."""
    _ = translator(lang).gettext
    return _grid(list(images), _("Example"), _("Class"), [str(i + 1) for i in range(images.shape[1])], classes)


def class_means(means: Sequence[NDArray[np.uint8]], splits: Sequence[str], classes: Sequence[str], lang: str) -> Figure:
    """A row for each split, of the (C, H, W) mean images of its classes."""
    _ = translator(lang).gettext
    return _grid(means, _("Class"), _("Split"), classes, splits)


def mistakes(images: NDArray[np.uint8], captions: Sequence[str], lang: str) -> Figure:
    """(N, H, W) images, the surest mistake first, each with its caption below."""
    rows = [images[start : start + ACROSS] for start in range(0, len(images), ACROSS)]
    below = round(0.16 * images.shape[2])
    figure, ax, (height, width) = _sheet(rows, below)
    for i, caption in enumerate(captions[: len(images)]):
        row, column = divmod(i, ACROSS)
        at = (column + 0.5) * width - GAP / 2, (row + 1) * height - below / 2 - GAP
        ax.text(*at, caption, ha="center", va="center", fontsize=7.5)
    ax.set_axis_off()
    return figure


def corruptions(rows: Sequence[NDArray[np.uint8]], names: Sequence[str], lang: str) -> Figure:
    """A row for each corruption, of (S, H, W) pictures, the mildest severity first."""
    _ = translator(lang).gettext
    columns = [str(i + 1) for i in range(max(map(len, rows)))]
    return _grid(rows, _("Severity"), _("Corruption"), columns, names, longest=20)


def _grid(
    rows: Sequence[NDArray[np.uint8]],
    x: str,
    y: str,
    columns: Sequence[str],
    row_names: Sequence[str],
    longest: int = 12,
) -> Figure:
    figure, ax, (height, width) = _sheet(rows)
    ax.set(xlabel=x, ylabel=y)
    at_x, at_y = np.arange(len(columns)), np.arange(len(row_names))
    names = [printable(name, 12) for name in columns]
    ax.set_xticks((at_x + 0.5) * width - GAP / 2, names, rotation=60 if max(map(len, names)) > 3 else 0)
    ax.set_yticks((at_y + 0.5) * height - GAP / 2, [printable(name, longest) for name in row_names])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def _sheet(rows: Sequence[NDArray[np.uint8]], below: int = 0) -> tuple[Figure, Axes, tuple[int, int]]:
    """The figure, its axes in pixels of the mosaic, and the step from a picture to the next, down and across."""
    picture = mosaic(rows, GAP, below)
    figure = Figure(figsize=(SHEET_WIDTH, SHEET_WIDTH * picture.shape[0] / picture.shape[1] + 0.5))
    ax = figure.add_subplot()
    grey, opacity = picture[..., :1], picture[..., 1:]
    ax.imshow(np.concatenate([grey, grey, grey, opacity], axis=-1), extent=(0, picture.shape[1], picture.shape[0], 0))
    ax.grid(visible=False)
    return figure, ax, (rows[0].shape[1] + GAP + below, rows[0].shape[2] + GAP)
