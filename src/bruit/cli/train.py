"""Training one model, from the beginning or from another model."""

from __future__ import annotations

from pathlib import Path

import click

from bruit.cli.language import say, words
from bruit.cli.options import FOLDER, command, json_option, print_json, training_options


@command()
@click.argument("model", required=False)
@click.argument("data", required=False)
@click.option("--out", required=True, type=FOLDER, help="Folder for the model.")
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    help="Fine-tune this model: robust, RUN, RUN:NAME, or a folder that bruit train wrote.",
)
@click.option("--resume", is_flag=True, help="Go on from the last finished epoch.")
@click.option("--force", is_flag=True, help="Replace the model in --out.")
@training_options
@json_option
def train(
    model: str | None,
    data: str | None,
    out: Path,
    start: str | None,
    resume: bool,
    force: bool,
    seed: int,
    epochs: int | None,
    as_json: bool,
) -> None:
    """Train one model of the zoo.

    MODEL is its name (see bruit models); with --from it may be left out. It learns from the training images of DATA, by
    default of mnist+course; the test images are not used.

    \b
    Examples:
      bruit train cnn-plus --out reader
      bruit train dnn FOLDER --out dense --epochs 5
      bruit train FOLDER --from robust --out mine
      bruit evaluate reader mnist+course
    """
    from bruit.cli.progress import TrainProgress
    from bruit.cli.tables import numbers, percent
    from bruit.data.sources import DEFAULT, load
    from bruit.models.zoo import ZOO
    from bruit.studies.evaluate import find_model
    from bruit.studies.noise import seen_in
    from bruit.studies.train import train as train_model
    from bruit.training.device import choose_precision
    from bruit.training.estimate import images_seen, seconds_per_image
    from bruit.training.pool import Schedule

    if start is not None and data is None and model not in ZOO:
        model, data = None, model
    if start is None and model is None:
        raise click.UsageError(words("missing MODEL, the name of one of the zoo; see bruit models"))
    before = None if start is None else find_model(start)
    name = model or (before.name if before else "")
    pair = load(data or DEFAULT)
    with TrainProgress(name) as progress:

        def estimate() -> None:
            speed = seconds_per_image(name, pair.train, Schedule.plan(1, choose_precision()))
            progress.expect(speed * images_seen(name, len(pair.train), epochs, fine=before is not None))

        summary = train_model(
            name,
            pair.train,
            out,
            start=before,
            seed=seed,
            epochs=epochs,
            seen=seen_in(data or DEFAULT, pair),
            resume=resume,
            force=force,
            on_begin=estimate,
            on_progress=progress.show,
        )
    if as_json:
        return print_json(summary)
    validation, began = summary["validation"], summary["start"]
    if began:
        say("It went on from {source} (weights {digest}).", source=began["source"], digest=began["digest"][:12])
        if began["new_classes"]:
            say("Classes that are new to it: {classes}.", classes=", ".join(began["new_classes"]))
    say(
        "{model}: {accuracy} of {n:,} validation images right, trained in {time}. The model is in {out}",
        model=name,
        accuracy=percent(validation["accuracy"]),
        n=validation["n"],
        time=numbers().duration(summary["train"]["seconds"]),
        out=out,
    )
