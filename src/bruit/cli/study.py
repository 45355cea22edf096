"""The main command. What is not typed is left to the library, which takes it from the run to resume, or by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bruit.cli.language import say, words
from bruit.cli.options import FOLDER, Whole, command, json_option, names, outside_options, print_json, training_options


@command()
@click.argument("data", required=False)
@click.option("--out", default="run", show_default=True, type=FOLDER, help="The run folder: report, results, models.")
@click.option(
    "--models", "models_", metavar="A,B,…", help="Models to train; all of the zoo by default (see bruit models)."
)
@click.option(
    "--crossval",
    "crossval_",
    metavar="A,B,…",
    help="Models to cross-validate, or none.  [default: cnn-plus,dnn-plus where trained]",
)
@click.option(
    "--learning-curve",
    is_flag=True,
    help="Would more images help? Train cnn-plus, or else the last of the models, on parts of them, too.",
)
@click.option(
    "--augment",
    metavar="auto|NAME|FILE.toml",
    help="Does noise in training help? Train cnn-plus, or else the last network, with a corruption or a mixture, too; "
    "auto takes the noise that the training images carry.",
)
@click.option(
    "--robustness", is_flag=True, help="How do they hold up under noise? Show the networks noisy test images, too."
)
@click.option("--folds", default=5, show_default=True, type=Whole(2), help="Folds of each cross-validation.")
@click.option("--repeats", default=2, show_default=True, type=Whole(0), help="Trainings of one fold with other seeds.")
@click.option(
    "--with",
    "outside",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .keras or .onnx model to compare with, as it is; never the winner. May be repeated.",
)
@click.option(
    "--best",
    is_flag=True,
    help="Take the time it needs: longer trainings, and five of the most promising network together.",
)
@click.option("--quick", is_flag=True, help="A sample, fewer epochs, 3 folds: to see what comes, not to believe it.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, as it was begun.")
@click.option("--force", is_flag=True, help="Replace the run in --out.")
@click.option("--workers", type=Whole(1), help="Trainings at once.  [default: one a core]")
@outside_options
@training_options
@json_option
def study(
    data: str | None,
    out: Path,
    models_: str | None,
    crossval_: str | None,
    learning_curve: bool,
    augment: str | None,
    robustness: bool,
    folds: int,
    repeats: int,
    outside: tuple[Path, ...],
    best: bool,
    quick: bool,
    resume: bool,
    force: bool,
    workers: int | None,
    scale: str | None,
    classes: str | None,
    seed: int,
    epochs: int | None,
    as_json: bool,
) -> None:
    """Train, cross-validate, evaluate, and write a report.

    DATA is mnist+course by default.

    \b
    Examples:
      bruit study
      bruit study --quick --out quick
      bruit study FOLDER --out RUN --models dnn,cnn,cnn-plus --crossval cnn-plus
      bruit study FOLDER --out RUN --with model.keras --scale 0-1
      bruit study FOLDER --out RUN --learning-curve --augment auto --robustness
      bruit study --resume                after Ctrl-C, a crash or a power cut
    """
    if best and quick:
        raise click.UsageError(words("--best takes the time it needs, --quick does not: take one of them"))
    if resume and force:
        raise click.UsageError(words("--resume goes on with the run in --out, --force replaces it: take one of them"))
    from bruit.cli.progress import StudyProgress
    from bruit.cli.tables import models_table, sentences
    from bruit.outside.brought import bring
    from bruit.studies.study import study as run_study

    source = click.get_current_context().get_parameter_source
    said: dict[str, Any] = {"folds": folds, "repeats": repeats, "epochs": epochs, "seed": seed, "quick": quick}
    said |= {"learning_curve": learning_curve, "robustness": robustness, "best": best}
    typed = {name: value for name, value in said.items() if source(name) is ParameterSource.COMMANDLINE}
    with StudyProgress(out) as progress:
        results = run_study(
            data,
            out,
            models=names(models_, None),
            crossval=names(crossval_, None),
            augment=augment,
            **typed,
            outside=[bring(one, scale=scale, classes=names(classes, None)) for one in outside] or None,
            resume=resume,
            force=force,
            workers=workers,
            on_stage=progress.stage,
            on_board=progress.board,
            on_sets=progress.sets,
        )
    if as_json:
        return print_json(results)
    models_table(results)
    sentences(results)
    _augmented(results.get("augmentation", {}))
    if results["quick"] and not quick:
        say("This run is a quick one, of a sample; for the whole study, add --force or choose another --out.")
    click.echo()
    say("The report: {path}", path=out / "report.html")


def _augmented(told: dict[str, Any]) -> None:
    """Whether noise in training helped, in a sentence."""
    from bruit.cli.tables import claim, numbers

    if "comparison" in told:
        row = told["comparison"]
        line = words(
            "{model}, with noise in training, against {base} on the {n:,} validation images: {difference} percentage "
            "points (95 % interval {interval})",
            model=row["a"],
            base=row["b"],
            n=told["n"],
            difference=numbers().points(row["difference"]),
            interval=numbers().points_range(*row["ci95"]),
        )
        low, high = row["ci95"]
        if low > 0:
            line += " " + words("The noise helped.")
        else:
            line += " " + words("The noise did harm.") if high < 0 else ""
    elif told:
        line = words("The training images carry no noise that is frequent and sure enough to augment them by.")
    else:
        return
    claim(line)
