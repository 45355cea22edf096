"""Models under noise, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bruit.cli.language import in_words, say, words
from bruit.cli.options import FOLDER, Whole, command, json_option, outside_options, print_json
from bruit.cli.options import names as listed


@command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--suite", default="mnist-c", show_default=True, help="mnist-c, severity, nmnist, course, or FILE.toml.")
@click.option("--data", default="mnist", show_default=True, help="The clean images of which the noisy ones are made.")
@click.option("--baseline", default=1, show_default=True, type=Whole(1), help="Number of the model that mCE refers to.")
@click.option("--seed", default=0, show_default=True, type=Whole(0), help="Same seed, same noise.")
@click.option("--csv", type=FOLDER, metavar="FILE", help="Write every figure as a table, too.")
@click.option("--figure", type=FOLDER, metavar="FILE", help="Draw the accuracies into FILE.png.")
@click.option("--curves", type=FOLDER, metavar="FILE", help="Draw accuracy against severity into FILE.png.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@outside_options
@json_option
def robustness(
    models: tuple[str, ...],
    suite: str,
    data: str,
    baseline: int,
    seed: int,
    csv: Path | None,
    figure: Path | None,
    curves: Path | None,
    force: bool,
    scale: str | None,
    classes: str | None,
    as_json: bool,
) -> None:
    """Test models on many noisy copies of the same images.

    MODEL is robust, RUN, RUN:NAME, RUN:NAME-folds, a folder that bruit train or bruit crossval wrote, FILE.keras or
    FILE.onnx. The suite is mnist-c (the fifteen corruptions of MNIST-C as published), severity (the same at every
    severity), nmnist, course, or a mixture FILE.toml. mCE is the mean error in units of the baseline's, relative mCE
    that of what noise adds to it.

    \b
    Examples:
      bruit robustness RUN
      bruit robustness RUN:cnn RUN:cnn-plus robust --suite severity --curves curves.png
      bruit robustness model.onnx --data FOLDER --scale 0-1 --csv figures.csv
    """
    from bruit.cli.progress import bar
    from bruit.report.files import refuse_file
    from bruit.report.robustness import no_severities, write_csv, write_curves, write_figure
    from bruit.studies.robustness import robustness as test
    from bruit.studies.robustness import suite_of

    for path, ending in ((csv, ".csv"), (figure, ".png"), (curves, ".png")):
        if path is not None:
            refuse_file(path, ending, force)
    if curves is not None and not any(one.severity for one in suite_of(suite)):
        raise no_severities(suite)
    options: dict[str, Any] = {"scale": scale, "classes": listed(classes, None)}
    with bar(words("Noisy sets")) as advance:
        results = test(models, suite, data, baseline=baseline - 1, seed=seed, **options, progress=advance)
    # First what took the time: a file that cannot be written must not cost it.
    if as_json:
        print_json(results)
    else:
        _table(results)
    for path, write in ((csv, write_csv), (figure, write_figure), (curves, write_curves)):
        if path is not None:
            write(results, path)
            if not as_json:
                say("Written: {path}", path=path)


def _table(results: dict[str, Any]) -> None:
    """A row for each set, a column for each model; below them what they come to, and what has been published."""
    from bruit.cli.tables import numbers, percent, show
    from bruit.locale import language
    from bruit.report.noise_words import seen_words

    models = results["models"]
    rows = [[one["key"], *(percent(models[name]["sets"][one["key"]]["accuracy"]) for name in models)]
            for one in results["sets"]]  # fmt: skip
    sums = [
        [words("clean"), *(percent(model["clean"]["accuracy"]) for model in models.values())],
        [words("mean"), *(percent(model["mean"]["accuracy"]) for model in models.values())],
        [
            words("95 % interval"),
            *(numbers().percent_range(*model["mean"]["accuracy_ci95"]) for model in models.values()),
        ],
        [words("worst"), *(f"{percent(m['worst']['accuracy'])} {m['worst']['set']}" for m in models.values())],
        ["NLL", *(numbers().decimal(model["mean"]["nll"], 3) for model in models.values())],
        ["ECE", *(percent(model["mean"]["ece"]) for model in models.values())],
        ["mCE", *(_or_dash(model["mce"]) for model in models.values())],
        [words("relative mCE"), *(_or_dash(model["relative_mce"]) for model in models.values())],
    ]
    title = words(
        "{suite}, {n:,} images of {data} in each set", **{key: results[key] for key in ("suite", "n", "data")}
    )
    show(title, ("Accuracy on", *models), [*sums, *rows], words("mCE: 1 is as bad as {name}", name=results["baseline"]))
    left_out = results["models"][results["baseline"]]["left_out"]
    if left_out:
        say("relative mCE is without {names}, where {name} reads no less than on clean images",
            names=", ".join(left_out), name=results["baseline"])  # fmt: skip
    if results["models"][results["baseline"]]["mce"] is None:
        say("there is no mCE: {name} makes no error on one of the corruptions", name=results["baseline"])
    say("Seen in training:")
    for name, model in models.items():
        say("· {name}: {seen}", name=name, seen=seen_words(model, language()))
    if results["published"]:
        say("Published, each in its own setting:")
    for row in results["published"]:
        say(
            "· {accuracy} {who} ({set}): {setting} [{source}]",
            accuracy=percent(row["accuracy"]),
            who=row["who"],
            set=row["set"] or words("mean"),
            setting=in_words(row["setting"]),
            source=in_words(row["source"]),
        )


def _or_dash(value: float | None) -> str:
    from bruit.cli.tables import numbers

    return "–" if value is None else numbers().decimal(value, 3)
