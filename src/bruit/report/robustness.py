"""The accuracies of models under noise, as a table of values and as a heat map."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bruit.files import write_text
from bruit.locale import Numbers, language, printable, translator
from bruit.report.files import write_png
from bruit.report.style import GROUND, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("n", "accuracy", "nll", "ece")


def write_csv(results: Mapping[str, Any], path: Path) -> None:
    """A line for each model and set: model, set, severity, n, accuracy, its interval, NLL, ECE."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("model", "set", "severity", *COLUMNS[:2], "low95", "high95", *COLUMNS[2:]))
    for name, model in results["models"].items():
        rows = [("clean", "", model["clean"])]
        rows += [(one["name"], one["severity"] or "", model["sets"][one["key"]]) for one in results["sets"]]
        for noisy, severity, figures in rows:
            values = [figures[key] for key in COLUMNS]
            lines.writerow((name, noisy, severity, *values[:2], *figures["accuracy_ci95"], *values[2:]))
    write_text(path, text.getvalue())


def write_figure(results: Mapping[str, Any], path: Path) -> None:
    """The heat map as a PNG."""
    write_png(path, plot_robustness(results))


def plot_robustness(results: Mapping[str, Any], *, lang: str | None = None) -> Figure:
    """A row for each corruption; a column for each model, or for each severity of each model."""
    lang = lang or language()
    _, numbers = translator(lang).gettext, Numbers(lang)
    names = list(dict.fromkeys(one["name"] for one in results["sets"]))
    severities = sorted({one["severity"] for one in results["sets"]} - {None}) or [None]
    columns = [(model, severity) for model in results["models"] for severity in severities]
    values = np.full((len(names), len(columns)), np.nan)
    for one in results["sets"]:
        for column, (model, severity) in enumerate(columns):
            # What has no severity stands in the first column.
            if one["severity"] == severity or (one["severity"] is None and severity == severities[0]):
                values[names.index(one["name"]), column] = results["models"][model]["sets"][one["key"]]["accuracy"]
    with drawing({"figure.facecolor": GROUND}):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2.2 + 0.75 * len(columns), 1.2 + 0.3 * len(names)))
        ax = figure.add_subplot()
        ax.imshow(100 * values, cmap="cividis", vmin=0, vmax=100, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                shade = "black" if value > 0.6 else "white"
                ax.text(column, row, numbers.decimal(100 * value, 1), ha="center", va="center", fontsize=8, color=shade)
        ticks = [printable(model, 20) + (f" · {at}" if at else "") for model, at in columns]
        ax.set_xticks(range(len(columns)), ticks, rotation=30 if max(map(len, ticks)) > 6 else 0, ha="right")
        ax.set_yticks(range(len(names)), [printable(name, 24) for name in names])
        ax.set_title(_("Accuracy (%)"))
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        return figure
