"""The figures of models under noise: pure functions of plain numbers, as those of `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from bruit.locale import Numbers, printable, translator
from bruit.report.style import GROUND

# Panels side by side: as many as a page holds without making their figures small.
ABREAST = 4
# Where the ground of a cell is light enough for black figures.
LIGHT = 0.6


def heat_map(
    panels: Mapping[str, Sequence[Sequence[float]]], rows: Sequence[str], columns: Sequence[str], axis: str, lang: str
) -> Figure:
    """A cell for each accuracy: a panel for each key (a model, or ""), of which each row has a value for each column,
    or one value, which then stands across them all. `axis` names the columns.
    """
    _ = translator(lang).gettext
    abreast = min(ABREAST, len(panels))
    deep = -(-len(panels) // abreast)
    longest = max(map(len, columns))
    width = 0.46 if longest < 7 else 0.72
    slant = 0.0 if longest < 7 else 0.08 * min(longest, 24)
    size = (1.5 + abreast * (0.15 + width * len(columns)), 0.25 + deep * (0.75 + slant + 0.26 * len(rows)))
    figure = Figure(figsize=size)
    axes = list(figure.subplots(deep, abreast, squeeze=False, sharey=True).flat)
    for ax, (title, values) in zip(axes, panels.items(), strict=False):
        _cells(ax, values, len(columns), Numbers(lang))
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), xlabel=axis)
        ax.set_title(printable(title, 30), fontsize=8.5)
        names = [printable(one, 24) for one in columns]
        ax.set_xticks(range(len(columns)), names, rotation=40 if slant else 0, ha="right" if slant else "center")
        ax.set_yticks(range(len(rows)), [printable(name, 24) for name in rows])
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        place = ax.get_subplotspec()
        assert place is not None
        ax.set_ylabel(_("Corruption") if place.is_first_col() else "")
    for ax in axes[len(panels) :]:
        ax.remove()
    figure.suptitle(_("Accuracy (%)"), x=0, ha="left", fontsize=9)
    return figure


def _cells(ax: Axes, values: Sequence[Sequence[float]], n_columns: int, numbers: Numbers) -> None:
    shades = colormaps["cividis"]
    for row, there in enumerate(values):
        width = n_columns / len(there)
        for column, value in enumerate(there):
            left = column * width - 0.5
            ax.add_patch(
                Rectangle((left, row - 0.5), width, 1, facecolor=shades(value), edgecolor=GROUND, linewidth=0.6)
            )
            # Out of the layout, which would measure every number and has no need to: they stay inside their cells.
            ax.text(
                left + width / 2, row, numbers.decimal(100 * value, 1), ha="center", va="center", fontsize=7.5,
                color="black" if value > LIGHT else "white", in_layout=False,
            )  # fmt: skip


def severity_curves(
    panels: Mapping[str, Sequence[Sequence[float]]], models: Sequence[Mapping[str, Any]], lang: str
) -> Figure:
    """Accuracy against severity: a panel for each key, with a line for each of `models`, {"title", "look"}, that has
    the accuracies at severity 0, which is none, 1, 2 …
    """
    _, numbers = translator(lang).gettext, Numbers(lang)
    abreast = min(ABREAST, len(panels))
    deep = -(-len(panels) // abreast)
    legend = 0.22 * -(-len(models) // ABREAST)
    figure = Figure(figsize=(max(3.4, 2.4 * abreast), 0.5 + legend + 1.65 * deep))
    grid = figure.subplots(deep, abreast, squeeze=False, sharex=True, sharey=True)
    axes = list(grid.flat)
    for ax, (title, lines) in zip(axes, panels.items(), strict=False):
        for model, accuracies in zip(models, lines, strict=True):
            look = model["look"]
            ax.plot(range(len(accuracies)), [100 * one for one in accuracies], color=look.colour, marker=look.marker,
                    markersize=4, linewidth=1.2, label=printable(model["title"], 40))  # fmt: skip
        ax.set_title(printable(title, 28), fontsize=8.5)
        ax.set_xticks(range(len(lines[0])))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: numbers.plain(round(value, 6))))
        place = ax.get_subplotspec()
        assert place is not None
        ax.set_ylabel(_("Accuracy (%)") if place.is_first_col() else "")
    for at, ax in enumerate(axes):
        if at >= len(panels):
            ax.remove()
        elif at + abreast >= len(panels):  # the lowest of its column
            ax.set_xlabel(_("Severity"))
            ax.tick_params(axis="x", labelbottom=True)
    handles, _labels = axes[0].get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside upper left", ncols=ABREAST, columnspacing=1.5, borderpad=0)
    return figure
