"""Results as tables for people, on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from bruit.locale import Numbers, printable

if TYPE_CHECKING:
    from bruit.data.dataset import Finding
    from bruit.studies.check import Checkup

LEFT = ("Model", "Class", "Data", "What it is", "Run", "Severity", "Split", "What", "Figure", "Remedy")
# What a narrow terminal does without, first to last; names and accuracies always stand.
DISPENSABLE = (
    *("Training", "Epochs", "Held out", "Images", "ECE", "NLL", "F1", "Precision", "95 % interval"),
    *("p (McNemar, Holm)", "Validation"),
)
# A word is broken when it is longer than this and there is no room.
WORD = 10
NUMBERS = Numbers("en")
percent = NUMBERS.percent


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str | None = None) -> None:
    """One table; numbers to the right, words to the left, and no more columns than there is room for."""
    console = make_console()
    cells = {column: [printable(cell) for cell in row] for column, *row in zip(columns, *rows, strict=True)}
    for column in DISPENSABLE:
        if _width(cells) > console.width:
            cells.pop(column, None)
    console.print(printable(title), style="bold")
    if _width(cells) > console.width:
        for row in zip(*cells.values(), strict=True):
            console.print("  ".join(row), overflow="fold")
    else:
        table = Table(box=box.SIMPLE_HEAD)
        for column in cells:
            words = column in LEFT
            table.add_column(column, justify="left" if words else "right", overflow="fold", no_wrap=not words)
        for row in zip(*cells.values(), strict=True):
            table.add_row(*row)
        console.print(table)
    if caption:
        console.print(printable(caption))


def _width(cells: Mapping[str, Sequence[str]]) -> int:
    """How wide a table of these columns is at least."""
    widest = {column: max(map(cell_len, [column, *values])) for column, values in cells.items()}
    around = 3 * len(cells) + 1
    return around + sum(min(width, WORD) if column in LEFT else width for column, width in widest.items())


def make_console() -> Console:
    """Where results go."""
    return Console(highlight=False, markup=False)


def marked(name: str, winner: bool) -> str:
    """A model's name, with the mark of the one that was chosen."""
    return f"{name} ←" if winner else name


def models_table(results: Mapping[str, Any]) -> None:
    """The models of a study, the winner marked."""
    rows = [
        [
            marked(name, name == results["winner"]),
            percent(model["validation"]["accuracy"]),
            percent(model["test"]["accuracy"]),
            NUMBERS.percent_range(*model["test"]["accuracy_ci95"]),
            f"{model['test']['nll']:.3f}",
            percent(model["test"]["ece"]),
            NUMBERS.duration(model["train"]["seconds"]),
        ]
        for name, model in results["models"].items()
    ]
    n = results["dataset"]["test"]["n"]
    columns = ("Model", "Validation", "Test", "95 % interval", "NLL", "ECE", "Training")
    show(f"{results['dataset']['name']}: accuracy", columns, rows, f"{n:,} test images; ← chosen on validation")
    for name, entry in results["crossval"].items():
        crossval_line(name, entry)


def crossval_line(name: str, entry: Mapping[str, Any]) -> None:
    """A cross-validation in one line."""
    make_console().print(
        f"{printable(name)}, {entry['k']} folds: {percent(entry['mean'])} ± {100 * entry['std']:.2f} "
        f"(chance alone: ± {100 * entry['binomial_std']:.2f}"
        + (f", another seed: ± {100 * entry['seed_std']:.2f})" if entry["seed_std"] is not None else ")")
    )


def sentences(results: Mapping[str, Any]) -> None:
    """The conclusion, in words."""
    from bruit.report.conclusion import sentences as conclude

    console = make_console()
    for claim in conclude(results):
        console.print(f"· {' '.join(claim)}")


def evaluation_table(figures: Mapping[str, Any]) -> None:
    """One model on one test set: the whole, then by class, then what is taken for what."""
    rows = [
        [row["class"], percent(row["precision"]), percent(row["recall"]), percent(row["f1"]), f"{row['support']:,}"]
        for row in figures["per_class"]
    ]
    low, high = figures["accuracy_ci95"]
    title = (
        f"{percent(figures['accuracy'])} of {figures['n']:,} images right "
        f"(95 % interval {NUMBERS.percent_range(low, high)}), NLL {figures['nll']:.3f}, ECE {percent(figures['ece'])}"
    )
    confused = ", ".join(f"{row['true']} as {row['predicted']}: {row['count']}" for row in figures["most_confused"][:5])
    show(
        title,
        ("Class", "Precision", "Recall", "F1", "Images"),
        rows,
        f"Most confused: {confused}" if confused else None,
    )


def crossval_table(figures: Mapping[str, Any]) -> None:
    """Fold by fold, then the line that sums them up."""
    rows = [
        [
            f"{row['fold'] + 1}",
            f"{row['n']:,}",
            percent(row["accuracy"]),
            f"{row['nll']:.3f}",
            NUMBERS.duration(row["seconds"]),
        ]
        for row in figures["folds"]
    ]
    show(f"{figures['model']}: {figures['k']} folds", ("Fold", "Held out", "Accuracy", "NLL", "Training"), rows)
    crossval_line(figures["model"], figures)


def comparison_table(compared: Mapping[str, Any]) -> None:
    """Runs side by side; then each model against the best, where they were tested on the same images."""
    rows = [
        [
            row["run"],
            marked(row["name"], row["winner"]),
            row["data"],
            percent(row["validation_accuracy"]),
            percent(row["accuracy"]),
            NUMBERS.percent_range(*row["accuracy_ci95"]),
        ]
        for row in compared["models"]
    ]
    columns = ("Run", "Model", "Data", "Validation", "Test", "95 % interval")
    show("Accuracy", columns, rows, "← chosen on validation in its run")
    if len(rows) > 1 and not compared["comparison"]:
        click.echo("The runs were tested on different images: their models cannot be compared image by image.")
    if not compared["comparison"]:
        return
    rows = [
        [
            row["b"],
            f"{100 * row['difference']:+.2f}",
            NUMBERS.points_range(*row["ci95"]),
            NUMBERS.p_value(row["mcnemar_p_holm"]),
        ]
        for row in compared["comparison"]
    ]
    title = f"How far {compared['comparison'][0]['a']} is ahead, in percentage points"
    show(title, ("Model", "Ahead", "95 % interval", "p (McNemar, Holm)"), rows)


def findings_lines(findings: Iterable[Finding]) -> None:
    """What was noticed about data, a line each."""
    for finding in findings:
        click.echo(f"· {printable(finding.message)}")


def zoo_table(zoo: Sequence[Mapping[str, Any]]) -> None:
    """The models that can be trained."""
    rows = [
        [model["name"], model["summary"], str(model["recipe"]["epochs"]) if model["recipe"] else "–"] for model in zoo
    ]
    show("Models", ("Model", "What it is", "Epochs"), rows)


def findings_table(checkup: Checkup) -> None:
    """What the data doctor found, the worst first."""
    rows = [
        [finding.severity, finding.split, finding.code, _with_examples(finding), finding.remedy]
        for finding in checkup.findings
    ]
    counts = f"{checkup.n['train']:,} training and {checkup.n['test']:,} test images"
    columns = ("Severity", "Split", "What", "Figure", "Remedy")
    show(f"{checkup.name}: {counts}, checked in {NUMBERS.duration(checkup.seconds)}", columns, rows)


def _with_examples(finding: Finding) -> str:
    """The message of a finding, and the first of its examples."""
    shown = [
        f"{example.split} {example.index}" + (f" ({example.note})" if example.note else "")
        for example in finding.examples[:4]
    ]
    return f"{finding.message} See {', '.join(shown)}." if shown else finding.message
