"""What peers.py has measured as a table and as a figure: accuracy against training time, mean and spread over seeds.

`runs` are the files of peers.py by network: a list for each, one of every seed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from keras_networks import NETWORKS as PEERS
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox

from bruit.files import write_atomically
from bruit.report.files import write_png
from bruit.report.style import GROUND, INK, OPAQUE, drawing, looks
from bruit.report.svg import tidy

Runs = Mapping[str, Sequence[Mapping[str, Any]]]

SHARED = ("images", "epochs", "test", "data", "machine")
OF_A_NETWORK = ("recipe", "versions")
SIZE = (7.6, 4.8)
# Errors in per cent that have a tick; the axis says accuracy.
ERRORS = (90, 80, 70, 50, 30, 20, 10, 5, 3, 2, 1, 0.5, 0.3, 0.2, 0.1)
# Of a name, beside its line's end: points to the right, points up, and where the end is.
PLACES = ((7, 0, "left"), (6, 9, "left"), (6, -9, "left"), (-6, 9, "right"), (7, -18, "left"), (7, 18, "left"))
PEER_WORDS = "#57606a"
SOLID, DASHED, DOTTED = "-", (0, (4, 2)), (0, (1, 1.6))
PEER_LINES: dict[str, dict[str, Any]] = {
    "a-dnn": {"color": "#6e7781", "linestyle": DOTTED},
    "a-cnn": {"color": "#6e7781", "linestyle": DASHED},
    "a-cnn-optimised": {"color": "#6e7781", "linestyle": SOLID},
    "b-dnn": {"color": "#a8b0b9", "linestyle": DOTTED},
    "b-cnn": {"color": "#a8b0b9", "linestyle": DASHED},
}


def refuse_mixture(runs: Runs) -> None:
    """Ends the program with one line where runs differ in more than their network and seed."""
    every = [run for some in runs.values() for run in some]
    for key, some in [(key, every) for key in SHARED] + [(key, one) for key in OF_A_NETWORK for one in runs.values()]:
        values = {json.dumps(run["settings"].get(key), sort_keys=True) for run in some}
        if len(values) > 1:
            first = some[0]["settings"]["network"]
            where = "they" if some is every else f"those of {first}"
            raise SystemExit(f"these trainings cannot be compared: {where} differ in their {key}")


def curve(runs: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """By epoch, over the seeds: mean seconds, and the mean, lowest and highest validation accuracy.

    A training that stopped before the others stays at its end, so that the line goes on for all seeds or none.
    """
    longest = max(len(run["history"]) for run in runs)

    def by_epoch(key: str) -> np.ndarray:
        values = [[row[key] for row in run["history"]] for run in runs]
        return np.array([one + one[-1:] * (longest - len(one)) for one in values])

    accuracy = by_epoch("validation_accuracy")
    return {
        "seconds": by_epoch("seconds").mean(axis=0),
        "mean": accuracy.mean(axis=0),
        "low": accuracy.min(axis=0),
        "high": accuracy.max(axis=0),
    }


def table(runs: Runs) -> str:
    """A row for each network, as Markdown: accuracies as mean ± standard deviation, seconds as mean and range."""
    head = ("network", "parameters", "n", "test accuracy, %", "validation accuracy, %", "training, s", "epochs")
    lines = [head, ("---",) * len(head)]
    for network, some in runs.items():
        seconds, epochs = [run["seconds"] for run in some], [len(run["history"]) for run in some]
        tested = [run["test_accuracy"] for run in some if "test_accuracy" in run]
        validated = [run["validation_accuracy"] for run in some]
        parameters, time = f"{some[0]['parameters']:,}", f"{mean(seconds):,.1f} {span(seconds, ',.1f')}"
        accuracies = spread(tested), spread(validated)
        lines.append((label(network), parameters, str(len(some)), *accuracies, time.strip(), span(epochs, "d", "{}")))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread(fractions: Sequence[float]) -> str:
    """Mean ± standard deviation in per cent; of one value no deviation, of none a dash."""
    values = [100 * fraction for fraction in fractions]
    if len(values) < 2:
        return f"{values[0]:.2f}" if values else "–"
    return f"{mean(values):.2f} ± {stdev(values):.2f}"


def span(values: Sequence[float], form: str, otherwise: str = "") -> str:
    """“(lowest–highest)”; of values that are the same nothing, or what `otherwise` makes of it."""
    low, high = (format(end(values), form) for end in (min, max))
    if low == high:
        return otherwise.format(low)
    return f"{low}–{high}" if otherwise else f"({low}–{high})"


def label(network: str) -> str:
    """What a network is called: bruit's by its name, a peer by its notebook."""
    return PEERS[network].title if network in PEERS else f"bruit {network}"


def draw(runs: Runs) -> Figure:
    """Validation accuracy, on a logarithmic scale of errors, against seconds of training, on another one."""
    with drawing(OPAQUE):
        figure = Figure(figsize=SIZE)
        ax = figure.add_subplot()
        lines = {}
        for network, some in runs.items():
            line, style = curve(some), style_of(network)
            mean_errors, most, least = (error(line[key]) for key in ("mean", "low", "high"))
            ax.fill_between(line["seconds"], most, least, color=style["color"], alpha=0.2, linewidth=0)
            (lines[network],) = ax.plot(line["seconds"], mean_errors, **style)
        axes_of_time_and_error(ax, max(end_of(line)[0] for line in lines.values()))
        ax.set_title(f"Validation accuracy after each epoch{of_seeds({len(some) for some in runs.values()})}")
        name_ends(ax, lines)
    return figure


def of_seeds(numbers: set[int]) -> str:
    """How many seeds the lines are the means of, and what the bands are."""
    if numbers == {1}:
        return ", one seed"
    return f", mean of {span(sorted(numbers), 'd', '{}')} seeds; bands: lowest to highest"


def style_of(network: str) -> dict[str, Any]:
    """How a line is drawn: bruit's with the colour and marker of the reports, a peer's grey with dashes of its own."""
    if network in PEERS:
        return {**PEER_LINES[network], "linewidth": 1.5, "zorder": 2}
    look = looks([network])[network]
    return {"color": look.colour, "marker": look.marker, "markersize": 3.6, "linewidth": 1.8, "zorder": 3}


def error(accuracy: np.ndarray) -> np.ndarray:
    """Per cent of errors; none at all is drawn as a hundredth, as a logarithmic scale has no zero."""
    return np.asarray(np.maximum(100 * (1 - accuracy), 0.01))


def axes_of_time_and_error(ax: Axes, last: float) -> None:
    """Both logarithmic, the errors downwards and named by the accuracy; with room for words after the last second."""
    ax.set(xscale="log", yscale="log", xlabel="Training (seconds)", ylabel="Validation accuracy (%)")
    ax.invert_yaxis()
    ax.set_xlim(right=last * 4)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,.6g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_locator(FixedLocator(ERRORS))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{100 - value:.6g}"))


def name_ends(ax: Axes, lines: Mapping[str, Line2D]) -> None:
    """Each line's name beside its end: of some places the one that hides the least of other names and of lines."""
    figure = ax.figure
    figure.draw_without_rendering()  # type: ignore[union-attr]  # only now is it settled where everything goes
    drawn = np.concatenate([points_along(ax, line) for line in lines.values()])
    taken: list[Bbox] = []
    for network, line in sorted(lines.items(), key=lambda one: end_of(one[1])[1]):
        end = end_of(line)
        ax.plot(*end, "o", color=line.get_color(), markersize=4.5, zorder=4)
        words = ax.annotate(
            label(network).removeprefix("notebook "),
            end,
            PLACES[0][:2],
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=PEER_WORDS if network in PEERS else INK,
            weight="normal" if network in PEERS else "bold",
            bbox={"facecolor": GROUND, "alpha": 0.7, "linewidth": 0, "pad": 0.5},
            zorder=5,
        )
        hidden = []
        for at, (x, y, side) in enumerate(PLACES):
            words.set(position=(x, y), horizontalalignment=side)
            box = words.get_window_extent()
            others = box.count_overlaps(taken)
            hidden.append((others, box.count_contains(drawn), at, box))
        *_, best, box = min(hidden, key=lambda one: one[:3])
        x, y, side = PLACES[best]
        words.set(position=(x, y), horizontalalignment=side)
        taken.append(box)


def end_of(line: Line2D) -> tuple[float, float]:
    x, y = np.asarray(line.get_xydata())[-1]
    return float(x), float(y)


def points_along(ax: Axes, line: Line2D) -> np.ndarray:
    """Points (N, 2) of a line in pixels, close together."""
    corners = ax.transData.transform(line.get_xydata())
    parts = [np.linspace(start, end, 20) for start, end in pairwise(corners)]
    return np.concatenate([corners, *parts])


def save(figure: Figure, path: Path) -> None:
    """The figure on white, which is legible whatever is behind it."""
    if path.suffix == ".png":
        write_png(path, figure)
        return
    with drawing(OPAQUE):
        raw = io.BytesIO()
        figure.savefig(raw, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    write_atomically(path, lambda file: file.write(tidy(raw.getvalue(), path.stem)))
