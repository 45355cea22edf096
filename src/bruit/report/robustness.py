"""The accuracies of models under noise, as a table of values, as a heat map, and against severity."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bruit.errors import ConfigError, DataError
from bruit.files import write_text
from bruit.locale import language, translator
from bruit.report.files import write_png
from bruit.report.style import OPAQUE, drawing, looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("n", "accuracy", "nll", "ece")

Results = Mapping[str, Any]


def write_csv(results: Results, path: Path) -> None:
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


def write_figure(results: Results, path: Path) -> None:
    """The heat map as a PNG."""
    write_png(path, plot_robustness(results))


def write_curves(results: Results, path: Path) -> None:
    """Accuracy against severity as a PNG."""
    write_png(path, plot_severities(results))


def plot_robustness(results: Results, *, lang: str | None = None) -> Figure:
    """A heat map of what `bruit.robustness` gave: a row for each corruption, a column for each model; or, where there
    are severities, a panel for each model with a column for each of them. Raises DataError for anything else.
    """
    _refuse_no_results(results)
    with drawing(OPAQUE):
        from bruit.report.noise_plots import heat_map

        return heat_map(**heat_inputs(results, {name: name for name in results["models"]}, lang or language()))


def plot_severities(results: Results, *, lang: str | None = None) -> Figure:
    """Accuracy against severity in what `bruit.robustness` gave: a panel for the mean and one for each corruption, a
    line for each model. Raises ConfigError where the suite has no severities, DataError for anything else.
    """
    _refuse_no_results(results)
    models = [{"title": name, "look": look} for name, look in looks(results["models"]).items()]
    inputs = curve_inputs(results, models, lang or language())
    if not inputs["panels"]:
        raise no_severities(results["suite"])
    with drawing(OPAQUE):
        from bruit.report.noise_plots import severity_curves

        return severity_curves(**inputs)


def no_severities(suite: str) -> ConfigError:
    """What is to be said of a suite that has none."""
    return ConfigError("the suite {suite} has no severities to draw curves over; take --suite severity", suite=suite)


def heat_inputs(results: Results, titles: Mapping[str, str], lang: str) -> dict[str, Any]:
    """What `noise_plots.heat_map` takes; titles: what each model is called."""
    by_name = sets_by_name(results)
    severities = sorted({one["severity"] for one in results["sets"]} - {None})

    def accuracies(model: str, name: str) -> list[float]:
        return [results["models"][model]["sets"][one["key"]]["accuracy"] for one in by_name[name]]

    if severities:
        panels = {titles[model]: [accuracies(model, name) for name in by_name] for model in results["models"]}
    else:
        panels = {"": [[one for model in results["models"] for one in accuracies(model, name)] for name in by_name]}
    return {
        "panels": panels,
        "rows": list(by_name),
        "columns": list(map(str, severities)) or [titles[model] for model in results["models"]],
        "axis": translator(lang).gettext("Severity") if severities else "",
        "lang": lang,
    }


def curve_inputs(results: Results, models: Sequence[Mapping[str, Any]], lang: str) -> dict[str, Any]:
    """What `noise_plots.severity_curves` takes, without panels where there are no severities; models: title and look of
    each, in their order.
    """
    lines: dict[str, list[list[float]]] = {}
    for name, sets in sets_by_name(results).items():
        if sets[0]["severity"] is not None:
            lines[name] = [
                [model["clean"]["accuracy"], *(model["sets"][one["key"]]["accuracy"] for one in sets)]
                for model in results["models"].values()
            ]
    of_each = zip(*lines.values(), strict=True)  # by model, then by corruption
    mean = [[sum(at) / len(at) for at in zip(*one, strict=True)] for one in of_each]
    panels = {translator(lang).gettext("mean"): mean, **lines} if lines else {}
    return {"panels": panels, "models": list(models), "lang": lang}


def sets_by_name(results: Results) -> dict[str, list[Mapping[str, Any]]]:
    """The sets of each corruption, mildest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(results["sets"], key=lambda one: one["severity"] or 0):
        found.setdefault(one["name"], []).append(one)
    order = dict.fromkeys(one["name"] for one in results["sets"])
    return {name: found[name] for name in order}


def _refuse_no_results(results: object) -> None:
    if not isinstance(results, Mapping) or not {"suite", "sets", "models"} <= results.keys():
        raise DataError("expected what bruit.robustness gave, received {kind}", kind=type(results).__name__)
