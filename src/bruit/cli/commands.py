"""The commands: parse, one library call, show."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from bruit.cli.check import check as check  # every command is found here
from bruit.cli.completion import completion as completion
from bruit.cli.convert import convert as convert
from bruit.cli.datasets import datasets as datasets
from bruit.cli.explain import explain as explain
from bruit.cli.language import say, words
from bruit.cli.options import FOLDER, Whole, command, json_option, names, outside_options, print_json, training_options
from bruit.cli.predict import predict as predict
from bruit.cli.robustness import robustness as robustness
from bruit.cli.serve import serve as serve
from bruit.cli.study import study as study
from bruit.cli.train import train as train

DATA = "mnist+course"


@command()
@click.argument("data")
@click.option("--recipe", required=True, help="A recipe, a corruption (see bruit corruptions), mnist-c or FILE.toml.")
@click.option("--severity", type=Whole(1), help="Of a corruption, 1 to 5.  [default: the published one]")
@click.option("--seed", default=0, show_default=True, type=Whole(0), help="Same seed, same noise.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the four .npy files and manifest.json.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
def noise(data: str, recipe: str, severity: int | None, seed: int, out: Path, force: bool, as_json: bool) -> None:
    """Make a noisy copy of a data set.

    The recipe is course, clean, nmnist-awgn, nmnist-motion-blur, nmnist-contrast-awgn, a corruption at a severity,
    mnist-c/NAME, a mixture as a TOML file (docs/noise.md), or mnist-c for its fifteen sets, a folder for each.

    \b
    Examples:
      bruit noise mnist --recipe course --out noisy
      bruit noise FOLDER --recipe fog --severity 2 --seed 7 --out foggy
      bruit noise mnist --recipe mnist-c --out mnist_c
    """
    from bruit.cli.progress import bar
    from bruit.studies.noise import make_noisy

    with bar(words("Noise")) as advance:
        made = make_noisy(data, recipe, out, severity=severity, seed=seed, force=force, progress=advance)
    if as_json:
        return print_json(made)
    height, width = made["size"]
    say(
        "{train:,} training and {test:,} test images of {height} × {width} pixels are in {out}",
        train=made["train"],
        test=made["test"],
        height=height,
        width=width,
        out=out,
    )


@command()
@click.option("--figure", type=FOLDER, metavar="FILE", help="Draw every corruption at every severity into FILE.png.")
@click.option("--force", is_flag=True, help="Replace a figure that is there.")
@json_option
def corruptions(figure: Path | None, force: bool, as_json: bool) -> None:
    """List the ways in which bruit can damage images.

    \b
    Examples:
      bruit corruptions
      bruit corruptions --figure sheet.png
    """
    from bruit.cli.tables import corruptions_table
    from bruit.noise.registry import describe

    if figure is not None:
        from bruit.report.shown import write_corruptions

        write_corruptions(figure, force)
    if as_json:
        return print_json(describe())
    corruptions_table(describe())
    if figure is not None:
        say("The figure: {path}", path=figure)


@command()
@click.argument("model")
@click.argument("data", default=DATA)
@outside_options
@json_option
def evaluate(model: str, data: str, scale: str | None, classes: str | None, as_json: bool) -> None:
    """Test a trained model.

    MODEL is RUN (its winner), RUN:NAME, RUN:NAME-folds (the fold models of a cross-validation, which read together), a
    folder that bruit train or bruit crossval wrote, FILE.keras, FILE.onnx, or robust, which comes
    with bruit; it reads the test images of DATA, by default of mnist+course. Nothing in a file is executed.

    \b
    Examples:
      bruit evaluate RUN
      bruit evaluate RUN:dnn-plus FOLDER
      bruit evaluate reader mnist --json
      bruit evaluate model.keras FOLDER --scale 0-1
    """
    from bruit.cli.tables import evaluation_table
    from bruit.data.sources import load
    from bruit.studies.evaluate import evaluate as evaluate_model
    from bruit.studies.evaluate import find_model

    found = find_model(model, scale=scale, classes=names(classes, None))
    pair = load(data)
    figures = {"source": model, "model": found.name, "data": pair.name, **evaluate_model(found, pair)}
    if as_json:
        return print_json(figures)
    evaluation_table(figures)


@command()
@click.argument("model")
@click.argument("data", default=DATA)
@click.option("--folds", default=5, show_default=True, type=Whole(2), help="Number of folds.")
@click.option("--repeats", default=0, show_default=True, type=Whole(0), help="Trainings of one fold with other seeds.")
@click.option("--out", type=FOLDER, help="Keep models, histories and out-of-fold probabilities here.")
@click.option("--force", is_flag=True, help="Replace the cross-validation in --out.")
@click.option("--workers", type=Whole(1), help="Folds at once.  [default: one a core]")
@training_options
@json_option
def crossval(
    model: str,
    data: str,
    folds: int,
    repeats: int,
    out: Path | None,
    force: bool,
    workers: int | None,
    seed: int,
    epochs: int | None,
    as_json: bool,
) -> None:
    """Cross-validate one model of the zoo.

    MODEL is its name (see bruit models); the folds are made of the training images of DATA, by default of mnist+course.

    \b
    Examples:
      bruit crossval cnn-plus
      bruit crossval dnn FOLDER --folds 10 --json
    """
    from bruit.cli.progress import BoardProgress
    from bruit.cli.tables import crossval_table
    from bruit.data.sources import load
    from bruit.training.crossval import cross_validate, summary
    from bruit.training.estimate import seconds_per_task, total
    from bruit.training.pool import Schedule, Task

    pair = load(data)
    with BoardProgress(words("{model}, {folds} folds", model=model, folds=folds)) as progress:

        def estimate(left: list[Task], schedule: Schedule) -> None:
            if left:
                progress.expect(total(seconds_per_task(left, pair.train, schedule), schedule))

        result = cross_validate(
            model,
            pair.train,
            k=folds,
            repeats=repeats,
            seed=seed,
            epochs=epochs,
            folder=out,
            force=force,
            workers=workers,
            on_begin=estimate,
            on_board=progress.board,
        )
    figures = summary(result, pair.train.labels)
    if as_json:
        return print_json(figures)
    crossval_table(figures)


@command()
@click.argument("runs", nargs=-1, required=True)
@json_option
def compare(runs: tuple[str, ...], as_json: bool) -> None:
    """Put the models of finished runs side by side.

    \b
    Examples:
      bruit compare RUN
      bruit compare monday tuesday --json
    """
    from bruit.cli.tables import comparison_table
    from bruit.studies.compare import compare as compare_runs

    compared = compare_runs(runs)
    if as_json:
        return print_json(compared)
    comparison_table(compared)


@command()
@click.argument("run", type=FOLDER)
@json_option
def report(run: Path, as_json: bool) -> None:
    """Write the report of a run again.

    It is made from the run folder alone, without the data or the models.

    \b
    Example:
      bruit report RUN
    """
    from bruit.studies.report import rebuild

    path = rebuild(run)
    if as_json:
        return print_json({"report": str(path)})
    say("The report: {path}", path=path)


@command()
@click.argument("model")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["onnx", "keras"]),
    help="Kind of file.  [default: keras where --out ends so, else onnx]",
)
@click.option("--out", required=True, type=FOLDER, help="The file.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def export(model: str, kind: Literal["onnx", "keras"] | None, out: Path, force: bool, as_json: bool) -> None:
    """Write a trained model for other programs.

    MODEL is RUN (its winner), RUN:NAME, RUN:NAME-folds, or a folder that bruit train or bruit crossval wrote. The file
    takes raw pixels 0…255, (N, H, W), and gives probabilities; classes and image size are in its metadata. Keras needs
    pip install -e '.[keras]'; several networks that read together, and one that reads several views of an image, are
    ONNX alone.

    \b
    Examples:
      bruit export RUN --out reader.onnx
      bruit export RUN:dnn-plus --format onnx --out dense.onnx --json
      bruit export RUN:cnn-plus --format keras --out reader.keras
    """
    from bruit.outside.export import export as export_model
    from bruit.studies.evaluate import find_model

    told = export_model(find_model(model), out, kind, force=force)
    if as_json:
        return print_json(told)
    say(
        "{model}: {size:.1f} MB, probabilities within {max_difference:.0e} of its own. The model is in {out}",
        **told,
        size=told["bytes"] / 1e6,
        out=out,
    )


@command()
@json_option
def models(as_json: bool) -> None:
    """List the models that bruit can train.

    \b
    Examples:
      bruit models
      bruit models --json
    """
    from bruit.cli.tables import zoo_table
    from bruit.models.zoo import describe_zoo

    described = describe_zoo()
    if as_json:
        return print_json(described)
    zoo_table(described)
