"""The figures: pure functions of plain numbers that give a matplotlib Figure; none knows a model, a data set or a file.

Each is called under `style.RC`, draws in `style.INK` on a transparent ground, and names its axes with their units.
Fractions come in as 0…1 and are shown in per cent; `lang` is the language of labels and numbers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bruit.locale import Numbers, printable, translator
from bruit.report.style import GROUND, INK, TRAIN, VALIDATION, Look

HALF = (4.6, 3.0)
FOLD_MARKERS = "os^Dv<>phX"
History = Sequence[Mapping[str, float]]


def class_counts(counts: Mapping[str, Sequence[int]], classes: Sequence[str], lang: str) -> Figure:
    """Images of each class; `counts` has one row for each of one or two splits, the names of which are shown."""
    _ = translator(lang).gettext
    figure, ax = _axes(_("Class"), _("Images"), HALF, lang)
    width = 0.8 / len(counts)
    for i, (split, values) in enumerate(counts.items()):
        at = np.arange(len(classes)) + (i - (len(counts) - 1) / 2) * width
        face = {"color": INK, "alpha": 0.62} if i == 0 else {"facecolor": "none", "edgecolor": INK, "hatch": "////"}
        ax.bar(at, values, width * 0.92, label=split, **face)
    _name_classes(ax, classes)
    ax.grid(visible=False, axis="x")
    _legend_above(figure)
    return figure


def pixel_histogram(counts: Mapping[str, Sequence[int]], lang: str) -> Figure:
    """Share of pixels at each of the 256 values, on a logarithmic scale, one line for each split."""
    _ = translator(lang).gettext
    figure, ax = _axes(_("Pixel value (0 is black)"), _("Share of pixels (%)"), HALF, lang)
    for (split, values), style in zip(counts.items(), ("-", (0, (4, 2))), strict=False):
        share = 100 * np.asarray(values, float) / max(1, np.sum(values))
        ax.step(np.arange(len(share)), np.where(share > 0, share, np.nan), where="mid", color=INK, linestyle=style,
                linewidth=1.1, label=split)  # fmt: skip
    ax.set_yscale("log")
    _label(ax, ax.get_xlabel(), ax.get_ylabel(), lang)  # a new scale brings formats of its own
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks([0, 64, 128, 192, 255])
    _legend_above(figure)
    return figure


def curves(history: History, quantity: str, look: Look, lang: str) -> Figure:
    """Training and validation, epoch by epoch; `quantity` is "accuracy" or "loss"."""
    _ = translator(lang).gettext
    figure, ax = _curve_axes(quantity, lang)
    for split, label, style in (("train", _("training"), TRAIN), ("validation", _("validation"), VALIDATION)):
        x, y = _curve(history, f"{split}_{quantity}")
        ax.plot(x, y, color=look.colour, marker=look.marker, markevery=-(-len(x) // 40) or 1, label=label, **style)
    _legend_above(figure)
    return figure


def fold_curves(histories: Sequence[History], quantity: str, look: Look, lang: str) -> Figure:
    """The curves of all folds: validation solid with a marker for each fold, training dashed."""
    _ = translator(lang).gettext
    figure, ax = _curve_axes(quantity, lang)
    for fold, history in enumerate(histories):
        ax.plot(*_curve(history, f"train_{quantity}"), color=look.colour, alpha=0.75, linewidth=0.9,
                linestyle=TRAIN["linestyle"])  # fmt: skip
        ax.plot(*_curve(history, f"validation_{quantity}"), color=look.colour, linewidth=1.2,
                marker=FOLD_MARKERS[fold % len(FOLD_MARKERS)], markerfacecolor=GROUND, markersize=4,
                label=_("fold %(fold)s") % {"fold": fold + 1})  # fmt: skip
    training = Line2D([], [], color=look.colour, label=_("training"), linewidth=0.9, linestyle=TRAIN["linestyle"])
    _legend_above(figure, [training, *ax.get_lines()[1::2]])
    return figure


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str], look: Look, lang: str) -> Figure:
    """Counts and row percentages together in each cell; shade by the square root of the row's share."""
    _, numbers = translator(lang).gettext, Numbers(lang)
    matrix = np.asarray(counts)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    n = len(classes)
    side = min(13.0, max(3.4, 0.62 * n + 0.8))
    figure, ax = _axes(_("Predicted class"), _("True class"), (side, side * 0.92), lang)
    size = min(8.0, 0.25 * side * 72 / n)  # points; a cell has about 0.9 side / n
    # Out of the layout, which would measure every number and has no need to: they stay inside their cells.
    inside: dict[str, Any] = {"ha": "center", "in_layout": False}
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            shade = to_rgba(look.colour, 0.62 * float(np.sqrt(shares[row, column])))
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=shade, edgecolor="none"))
            weight = "bold" if row == column else "normal"
            ax.text(column, row - 0.06, numbers.integer(count), va="bottom", fontsize=size, weight=weight, **inside)
            ax.text(column, row + 0.1, numbers.percent(shares[row, column], 1), va="top", fontsize=0.8 * size, **inside)
    ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    ax.set_xticks(np.arange(n), _short(classes), rotation=_slant(classes))
    ax.set_yticks(np.arange(n), _short(classes))
    for edge in np.arange(n + 1) - 0.5:
        ax.axhline(edge, color=INK, alpha=0.14, linewidth=0.5)
        ax.axvline(edge, color=INK, alpha=0.14, linewidth=0.5)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def reliability(rows: Sequence[Mapping[str, Any]], look: Look, lang: str) -> Figure:
    """Accuracy against stated confidence, bin by bin, above the number of images in each bin."""
    _ = translator(lang).gettext
    figure = Figure(figsize=(HALF[0], 4.2))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = [row for row in rows if row["n"]]
    widths = [100 * (row["high"] - row["low"]) for row in rows]
    upper.plot([0, 100], [0, 100], color=INK, linewidth=0.9, linestyle=(0, (1, 2)), label=_("perfectly calibrated"))
    upper.bar([100 * row["low"] for row in rows], [100 * (row["accuracy"] or 0) for row in rows], widths,
              align="edge", color=look.colour, alpha=0.28, edgecolor=look.colour, linewidth=0.5)  # fmt: skip
    confidence, accuracy = ([100 * row[key] for row in filled] for key in ("confidence", "accuracy"))
    upper.vlines(confidence, confidence, accuracy, color=look.colour, linewidth=1.2)
    upper.plot(confidence, accuracy, look.marker, color=look.colour, label=_("model"))
    upper.set(xlim=(0, 100), ylim=(0, 102))
    lower.bar([100 * row["low"] for row in rows], [row["n"] for row in rows], widths, align="edge", color=look.colour,
              edgecolor=GROUND, linewidth=0.5)  # fmt: skip
    lower.set_yscale("symlog", linthresh=1)
    largest = max([row["n"] for row in rows], default=1)
    lower.set_ylim(0, largest * 2)
    lower.set_yticks([tick for tick in (1, 100, 10_000, 1_000_000) if tick <= largest])
    lower.minorticks_off()
    _label(upper, "", _("Accuracy (%)"), lang)
    _label(lower, _("Confidence (%)"), _("Images"), lang)
    _legend_above(figure)
    return figure


def accuracies(rows: Sequence[Mapping[str, Any]], axis: str, lang: str) -> Figure:
    """One row for each model: {"title", "look", "accuracy", "ci95"}; `axis` says whose accuracy it is."""
    figure, ax = _axes(axis, translator(lang).gettext("Model"), (HALF[0], 0.75 + 0.4 * len(rows)), lang)
    _intervals(ax, rows, [100 * row["accuracy"] for row in rows], lang)
    return figure


def differences(rows: Sequence[Mapping[str, Any]], axis: str, lang: str) -> Figure:
    """One row for each pair: {"title", "look", "difference", "ci95"}, in percentage points either side of zero."""
    figure, ax = _axes(axis, translator(lang).gettext("Against"), (HALF[0], 0.75 + 0.4 * len(rows)), lang)
    _intervals(ax, rows, [100 * row["difference"] for row in rows], lang)
    ax.axvline(0, color=INK, linewidth=0.9)
    return figure


def fold_spread(rows: Sequence[Mapping[str, Any]], lang: str) -> Figure:
    """For each model {"title", "look", "folds", "test", "mean", "binomial_std"}: its folds beside what chance gives."""
    _ = translator(lang).gettext
    figure, ax = _axes(_("Accuracy (%)"), _("Model"), (HALF[0], 1.3 + 0.62 * len(rows)), lang)
    for at, row in enumerate(rows):
        look, chance = row["look"], 196 * row["binomial_std"]
        mean = 100 * row["mean"]
        ax.add_patch(
            Rectangle((mean - chance, at - 0.32), 2 * chance, 0.64, color=look.colour, alpha=0.18, linewidth=0)
        )
        ax.plot([mean, mean], [at - 0.32, at + 0.32], color=look.colour, linewidth=1.4)
        for values, offset, face in ((row["folds"], -0.13, look.colour), (row["test"], 0.15, GROUND)):
            ax.plot(100 * np.asarray(values), np.full(len(values), at + offset), look.marker, color=look.colour,
                    markerfacecolor=face, linestyle="none")  # fmt: skip
    handles = [
        Line2D([], [], color=INK, marker="o", linestyle="none", label=_("held-out images")),
        Line2D([], [], color=INK, marker="o", markerfacecolor=GROUND, linestyle="none", label=_("common test set")),
        Patch(color=INK, alpha=0.18, linewidth=0, label=_("mean, and the draw’s 95%")),
    ]
    _list_models(ax, rows)
    _legend_above(figure, handles, columns=2)
    return figure


def learning_curve(curve: Mapping[str, Any], look: Look, lang: str) -> Figure:
    """Errors against training images, both on a logarithmic scale: every training, the mean of each size with its
    interval, the fitted power law, and dashed, beyond the images that there are, what it foretells.
    """
    _ = translator(lang).gettext
    figure, ax = _axes(_("Training images"), _("Errors (%)"), HALF, lang)
    seen, ahead, fit = curve["points"], curve["predictions"], curve["fit"]
    every = [(point["n"], 100 * (1 - one)) for point in seen for one in point["accuracies"] if one < 1]
    ax.plot(
        *zip(*every, strict=True) if every else ([], []), ".", color=look.colour, alpha=0.4, label=_("one training")
    )
    for points, face, label in ((seen, look.colour, _("mean")), (ahead, GROUND, _("foretold"))):
        shown = [point for point in points if point["accuracy"] < 1]
        for point in shown:
            low, high = (100 * max(1 - end, 1e-4) for end in reversed(point["accuracy_ci95"]))
            ax.plot([point["n"]] * 2, [low, high], color=look.colour, linewidth=1.6)
        if shown:
            ax.plot([point["n"] for point in shown], [100 * (1 - point["accuracy"]) for point in shown], look.marker,
                    color=look.colour, markerfacecolor=face, markersize=6, linestyle="none", label=label)  # fmt: skip
    if fit is not None:
        sizes = [seen[0]["n"], seen[-1]["n"], *(point["n"] for point in ahead[-1:])]
        for start, end, style in zip(sizes, sizes[1:], (VALIDATION, TRAIN), strict=False):
            n = np.geomspace(start, end, 60)
            ax.plot(n, 100 * (fit["a"] * n ** -fit["b"] + fit["c"]), color=look.colour, **style)
    ax.set(xscale="log", yscale="log")
    _label(ax, ax.get_xlabel(), ax.get_ylabel(), lang)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_formatter(NullFormatter())
    _legend_above(figure)
    return figure


def _axes(x: str, y: str, size: tuple[float, float], lang: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size)
    ax = figure.add_subplot()
    _label(ax, x, y, lang)
    return figure, ax


def _label(ax: Axes, x: str, y: str, lang: str) -> None:
    numbers = Numbers(lang)
    ax.set(xlabel=x, ylabel=y)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _position: numbers.plain(round(value, 6))))


def _curve_axes(quantity: str, lang: str) -> tuple[Figure, Axes]:
    _ = translator(lang).gettext
    labels = {"accuracy": _("Accuracy (%)"), "loss": _("Loss (cross-entropy, nats)")}
    figure, ax = _axes(_("Epoch"), labels[quantity], HALF, lang)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return figure, ax


def _curve(history: History, key: str) -> tuple[list[float], list[float]]:
    rows = [row for row in history if row.get(key) is not None]
    scale = 100 if key.endswith("accuracy") else 1
    return [row["epoch"] for row in rows], [scale * row[key] for row in rows]


def _intervals(ax: Axes, rows: Sequence[Mapping[str, Any]], values: Sequence[float], lang: str) -> None:
    for at, (row, value) in enumerate(zip(rows, values, strict=True)):
        low, high = (100 * end for end in row["ci95"])
        ax.plot([low, high], [at, at], color=row["look"].colour, linewidth=2.2)
        ax.plot(value, at, row["look"].marker, color=row["look"].colour, markersize=6.5)
    _list_models(ax, rows)


def _list_models(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    ax.set_yticks(range(len(rows)), [_wrapped(printable(row["title"], 34), 18) for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.04)


def _name_classes(ax: Axes, classes: Sequence[str]) -> None:
    every = -(-len(classes) // 30)
    ax.set_xticks(range(0, len(classes), every), _short(classes)[::every], rotation=_slant(classes))
    ax.tick_params(axis="x", length=0, labelsize=9 if len(classes) <= 12 else 7)


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))


def _short(classes: Sequence[str]) -> list[str]:
    return [printable(name, 12) for name in classes]


def _slant(classes: Sequence[str]) -> int:
    return 0 if max(map(len, classes), default=0) <= 3 else 60


def _legend_above(figure: Figure, handles: Sequence[Any] | None = None, columns: int = 3) -> None:
    """Above the axes, where it hides no data."""
    given = {} if handles is None else {"handles": handles}
    figure.legend(loc="outside upper left", ncols=columns, columnspacing=1.5, borderpad=0, **given)
