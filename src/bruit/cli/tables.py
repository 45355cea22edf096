"""Results as tables for people, on standard output."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from bruit.cli.language import in_words, say, words
from bruit.locale import Counted, Numbers, language, mark, printable

if TYPE_CHECKING:
    from bruit.data.dataset import Finding
    from bruit.studies.check import Checkup

# Headings of columns of words, of which those that a narrow terminal does without, first to last; of columns of numbers
# likewise. Names and accuracies always stand.
LEFT = (
    *(mark("Model"), mark("Class"), mark("Data"), mark("What it is"), mark("Run"), mark("Severity"), mark("Split")),
    *(mark("What"), mark("Figure"), mark("Remedy"), mark("Corruption"), mark("Family"), mark("Source")),
    *(mark("Accuracy on"), mark("Else taken for"), mark("Licence"), mark("Name"), mark("File")),
)
DISPENSABLE = (
    "Else taken for",
    *(mark("Then"), mark("Box"), mark("Its confidence"), mark("Runner-up")),
    *(mark("Source"), mark("Family")),
    *(mark("Training"), mark("Epochs"), mark("Held out"), mark("Images"), mark("ECE"), mark("NLL"), mark("F1")),
    *(mark("Size"), mark("Precision"), mark("95 % interval"), mark("p (McNemar, Holm)"), mark("Validation")),
)
# Of these no name is broken.
WHOLE = ("Corruption", "Accuracy on", "Name")
ALWAYS = (
    *(mark("Severities"), mark("Test"), mark("Recall"), mark("Fold"), mark("Accuracy"), mark("Ahead"), mark("Share")),
    *(mark("Recognised"), mark("Fetched"), mark("Digit"), mark("Confidence")),
)
# A word is broken when it is longer than this and there is no room.
WORD = 10


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str | None = None) -> None:
    """One table; numbers to the right, words to the left, and no more columns than there is room for."""
    console = make_console()
    cells = {column: [printable(cell) for cell in row] for column, *row in zip(columns, *rows, strict=True)}
    for column in DISPENSABLE:
        if _width(cells) > console.width:
            cells.pop(column, None)
    console.print(printable(title), style="bold")
    if _width(cells) > console.width:
        console.print("  ".join(map(in_words, cells)), overflow="fold", style="bold")
        for row in zip(*cells.values(), strict=True):
            console.print("  ".join(row), overflow="fold")
    else:
        table = Table(box=box.SIMPLE_HEAD)
        for column in cells:
            left = column in LEFT
            whole = not left or column in WHOLE
            table.add_column(in_words(column), justify="left" if left else "right", overflow="fold", no_wrap=whole)
        for row in zip(*cells.values(), strict=True):
            table.add_row(*row)
        console.print(table)
    if caption:
        console.print(printable(caption))


def _width(cells: Mapping[str, Sequence[str]]) -> int:
    """How wide a table of these columns is at least."""
    widest = {column: max(map(cell_len, [in_words(column), *values])) for column, values in cells.items()}
    around = 3 * len(cells) + 1
    narrow = set(LEFT) - set(WHOLE)
    return around + sum(min(width, WORD) if column in narrow else width for column, width in widest.items())


def numbers() -> Numbers:
    """Numbers as the person at this machine writes them."""
    return Numbers(language())


def percent(fraction: float) -> str:
    """0.98864 as "98.86%"."""
    return numbers().percent(fraction)


def make_console() -> Console:
    """Where results go."""
    return Console(highlight=False, markup=False, emoji=False)


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
            numbers().percent_range(*model["test"]["accuracy_ci95"]),
            numbers().decimal(model["test"]["nll"], 3),
            percent(model["test"]["ece"]),
            numbers().duration(model["train"]["seconds"]) if "train" in model else "–",
        ]
        for name, model in results["models"].items()
    ]
    columns = ("Model", "Validation", "Test", "95 % interval", "NLL", "ECE", "Training")
    title = words("{name}: accuracy", name=results["dataset"]["name"])
    n = results["dataset"]["test"]["n"]
    show(title, columns, rows, words("{n:,} test images; ← chosen on validation", n=n))
    if any("outside" in model for model in results["models"].values()):
        say("– under Training: brought from outside, trained on what is unknown, and no candidate for ←")
    for name, entry in results["crossval"].items():
        crossval_line(name, entry)


def crossval_line(name: str, entry: Mapping[str, Any]) -> None:
    """A cross-validation in one line."""
    parts = {
        "name": printable(name),
        "k": entry["k"],
        "mean": percent(entry["mean"]),
        "std": 100 * entry["std"],
        "chance": 100 * entry["binomial_std"],
    }
    if entry["seed_std"] is None:
        line = words("{name}, {k} folds: {mean} ± {std:.2f} (chance alone: ± {chance:.2f})", **parts)
    else:
        line = words(
            "{name}, {k} folds: {mean} ± {std:.2f} (chance alone: ± {chance:.2f}, another seed: ± {seed:.2f})",
            **parts,
            seed=100 * entry["seed_std"],
        )
    make_console().print(line)


def sentences(results: Mapping[str, Any]) -> None:
    """The conclusion, in words."""
    from bruit.report.conclusion import sentences as conclude

    for said in conclude(results, language()):
        claim(" ".join(said))


def claim(text: str) -> None:
    """A paragraph of a list."""
    # rich would break a line at a no-break space.
    click.echo(textwrap.fill(text, make_console().width, initial_indent="· ", subsequent_indent="  "))


def evaluation_table(figures: Mapping[str, Any]) -> None:
    """One model on one test set: the whole, then by class, then what is taken for what."""
    rows = [
        [row["class"], percent(row["precision"]), percent(row["recall"]), percent(row["f1"]), f"{row['support']:,}"]
        for row in figures["per_class"]
    ]
    low, high = figures["accuracy_ci95"]
    source, model = figures["source"], figures["model"]
    title = words(
        "{model} on {data}: {accuracy} of {n:,} test images right (95 % interval {interval}), NLL {nll:.3f}, ECE {ece}",
        model=source if source.endswith(model) else f"{source} ({model})",
        data=figures["data"],
        accuracy=percent(figures["accuracy"]),
        n=figures["n"],
        interval=numbers().percent_range(low, high),
        nll=figures["nll"],
        ece=percent(figures["ece"]),
    )
    confused = ", ".join(words("{true} as {predicted}: {count}", **row) for row in figures["most_confused"][:5])
    show(
        title,
        ("Class", "Precision", "Recall", "F1", "Images"),
        rows,
        words("Most confused: {confused}", confused=confused) if confused else None,
    )


def crossval_table(figures: Mapping[str, Any]) -> None:
    """Fold by fold, then the line that sums them up."""
    rows = [
        [
            f"{row['fold'] + 1}",
            f"{row['n']:,}",
            percent(row["accuracy"]),
            numbers().decimal(row["nll"], 3),
            numbers().duration(row["seconds"]),
        ]
        for row in figures["folds"]
    ]
    title = words("{model}: {k} folds", model=figures["model"], k=figures["k"])
    show(title, ("Fold", "Held out", "Accuracy", "NLL", "Training"), rows)
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
            numbers().percent_range(*row["accuracy_ci95"]),
        ]
        for row in compared["models"]
    ]
    columns = ("Run", "Model", "Data", "Validation", "Test", "95 % interval")
    show(words("Accuracy"), columns, rows, words("← chosen on validation in its run"))
    if len(rows) > 1 and not compared["comparison"]:
        say("The runs were tested on different images: their models cannot be compared image by image.")
    if not compared["comparison"]:
        return
    rows = [
        [
            row["b"],
            numbers().points(row["difference"]),
            numbers().points_range(*row["ci95"]),
            numbers().p_value(row["mcnemar_p_holm"]),
        ]
        for row in compared["comparison"]
    ]
    title = words("How far {a} is ahead, in percentage points", a=compared["comparison"][0]["a"])
    show(title, ("Model", "Ahead", "95 % interval", "p (McNemar, Holm)"), rows)


def findings_lines(findings: Iterable[Finding]) -> None:
    """What was noticed about data, a line each."""
    from bruit.data.findings import as_dict, said

    for finding in findings:
        message = printable(said(as_dict(finding), language())[0])
        if finding.split != "both":
            message = words("{split}: {message}", split=in_words(finding.split), message=message)
        click.echo(f"· {message}")


def zoo_table(zoo: Sequence[Mapping[str, Any]]) -> None:
    """The models that can be trained."""
    rows = [
        [model["name"], in_words(model["summary"]), str((model["recipe"] or {}).get("epochs", "–"))] for model in zoo
    ]
    show(words("Models"), ("Model", "What it is", "Epochs"), rows)


def corruptions_table(corruptions: Sequence[Mapping[str, Any]]) -> None:
    """Every way to damage an image."""
    rows = [
        [
            one["name"],
            in_words(one["summary"]),
            in_words(one["family"]),
            f"1–{len(one['severities'])} ({one['default']})" if one["severities"] else "–",
            one["source"],
        ]
        for one in corruptions
    ]
    columns = ("Corruption", "What it is", "Family", "Severities", "Source")
    show(words("Corruptions"), columns, rows, words("In brackets: the published severity."))


def findings_table(checkup: Checkup) -> None:
    """What the data doctor found, the worst first."""
    rows = [
        [in_words(finding.severity), in_words(finding.split), finding.code, *_said(finding)]
        for finding in checkup.findings
    ]
    if "test" in checkup.n:
        what = words("{train:,} training and {test:,} test images", train=checkup.n["train"], test=checkup.n["test"])
    else:
        what = Counted("{n:,} image", "{n:,} images", n=checkup.n["train"]).said(language())
    time = numbers().duration(checkup.seconds)
    title = words("{name}: {images}, checked in {time}", name=checkup.name, images=what, time=time)
    show(title, ("Severity", "Split", "What", "Figure", "Remedy"), rows)


def _said(finding: Finding) -> tuple[str, str]:
    """The message of a finding with the first of its examples, and its remedy."""
    from bruit.data.findings import as_dict, said

    message, remedy = said(as_dict(finding), language())
    shown = [
        f"{in_words(example.split)} {example.index}" + (f" ({example.note})" if example.note else "")
        for example in finding.examples[:4]
    ]
    if shown:
        message += " " + words("See {examples}.", examples=", ".join(shown))
    return message, remedy


# What stands in cells as a word of its own.
CELLS = (mark("error"), mark("warning"), mark("info"), mark("train"), mark("test"), mark("both"))
