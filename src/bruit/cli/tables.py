"""Results as tables for people, on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from bruit.locale import Numbers

LEFT = ("Model", "Class", "Data", "What it is", "Run")
NUMBERS = Numbers("en")
percent = NUMBERS.percent


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str | None = None) -> None:
    """One table; numbers to the right, words to the left."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(
            column, justify="left" if column in LEFT else "right", overflow="fold", no_wrap=column not in LEFT
        )
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    console.print(title, style="bold")
    console.print(table)
    if caption:
        console.print(caption)


def chosen(accuracy: float, winner: bool) -> str:
    """An accuracy on validation, marked where it made the winner."""
    return percent(accuracy) + (" ←" if winner else "  ")


def models_table(results: Mapping[str, Any]) -> None:
    """The models of a study, the winner marked."""
    rows = [
        [
            name,
            chosen(model["validation"]["accuracy"], name == results["winner"]),
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
    Console(highlight=False, markup=False).print(
        f"{name}, {entry['k']} folds: {percent(entry['mean'])} ± {100 * entry['std']:.2f} "
        f"(chance alone: ± {100 * entry['binomial_std']:.2f}"
        + (f", another seed: ± {100 * entry['seed_std']:.2f})" if entry["seed_std"] is not None else ")")
    )


def sentences(results: Mapping[str, Any]) -> None:
    """The conclusion, in words."""
    from bruit.report.conclusion import sentences as conclude

    console = Console(highlight=False, markup=False)
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
            row["name"],
            row["data"],
            chosen(row["validation_accuracy"], row["winner"]),
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


def zoo_table(zoo: Sequence[Mapping[str, Any]]) -> None:
    """The models that can be trained."""
    rows = [
        [model["name"], model["summary"], str(model["recipe"]["epochs"]) if model["recipe"] else "–"] for model in zoo
    ]
    show("Models", ("Model", "What it is", "Epochs"), rows)
