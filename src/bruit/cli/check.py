"""The data doctor's command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from bruit.cli.language import in_words, words
from bruit.cli.options import Whole, command, json_option, print_json

if TYPE_CHECKING:
    from bruit.studies.noise_in import Noise, Share
    from bruit.training.pool import Schedule, Task


@command()
@click.argument("data", default="mnist+course")
@click.option("--labels", is_flag=True, help="Look for wrong labels too, by networks trained on folds: minutes.")
@click.option(
    "--labels-by",
    type=click.Choice(["margin", "cleanlab"]),
    help="Look for wrong labels, ranked by their margin, or by cleanlab if it is installed.  [default: margin]",
)
@click.option("--noise", is_flag=True, help="Estimate which corruptions the images carry, and how severely.")
@click.option(
    "--fail-on", type=click.Choice(["warning", "error"]), help="Exit with 1 if a finding is as bad as this, or worse."
)
@click.option("--seed", default=0, show_default=True, type=Whole(0), help="Of the networks of --labels.")
@click.option("--workers", type=Whole(1), help="Trainings of --labels at once.  [default: one a core]")
@json_option
def check(
    data: str,
    labels: bool,
    labels_by: str | None,
    noise: bool,
    fail_on: Literal["warning", "error"] | None,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> int:
    """Examine a data set before a model learns from it.

    Ranges and scales, blank images, copies within and across the splits, classes, polarity, drift from training to
    test images. Each finding has a figure, examples and a remedy. Images without labels, as one .npy file, are
    examined as far as that goes. DATA is mnist+course by default. --noise needs no labels; what it tells apart, and
    what it confuses, was measured on MNIST (docs/noise.md).

    \b
    Examples:
      bruit check FOLDER
      bruit check FOLDER --labels
      bruit check images.npy --noise
      bruit check FOLDER --fail-on error --json
    """
    from bruit.cli.progress import CheckProgress
    from bruit.cli.tables import findings_table
    from bruit.data.sources import load_to_check
    from bruit.studies.check import check as check_data

    read = load_to_check(data)
    with CheckProgress() as progress:

        def estimate(left: list[Task], schedule: Schedule) -> None:
            from bruit.training.estimate import seconds_per_task, total

            progress.expect(total(seconds_per_task(left, read.splits["train"], schedule), schedule))

        checkup = check_data(
            read,
            labels=labels or labels_by is not None,
            labels_by=labels_by or "margin",
            noise=noise,
            seed=seed,
            workers=workers,
            on_progress=progress.checks,
            on_begin=estimate,
            on_board=progress.board,
        )
    if as_json:
        print_json(checkup.as_dict())
    else:
        findings_table(checkup)
        for split, found in (checkup.noise or {}).items():
            _noise_table(in_words(split) if len(checkup.n) > 1 else checkup.name, found)
    return int(fail_on is not None and bool(checkup.at_least(fail_on)))


def _noise_table(called: str, noise: Noise) -> None:
    """What the images carry, the most frequent first, and how far one can trust it."""
    from bruit.cli.tables import numbers, percent, show

    rows = [
        [
            one.name,
            percent(one.share),
            numbers().percent_range(*one.ci95),
            _severity(one),
            percent(one.recognised),
            words("{name}, {share}", name=one.taken_for[0], share=percent(one.taken_for[1])),
        ]
        for one in noise.shares
    ]
    columns = ("Corruption", "Share", "95 % interval", "Severity", "Recognised", "Else taken for")
    caption = words(
        "Recognised: of single MNIST digits under it. Each image is taken to carry one corruption, or none. What "
        "less than 5 % carry is left out: it may be a mistake."
    )
    if noise.resized:
        caption += " " + words("The images were made 28 × 28 first: noise in single pixels may be taken for another.")
    if not noise.alike:
        caption += " " + words(
            "They share only {overlap} of their grey levels with MNIST under this noise: there may be several "
            "corruptions on one image, or none of these.",
            overlap=percent(noise.overlap),
        )
    show(words("{name}: noise in {n:,} of the images", name=called, n=noise.n), columns, rows, caption)


def _severity(share: Share) -> str:
    """The mean severity, and the range of those that a tenth or more of the images under the corruption have."""
    from bruit.cli.tables import numbers

    if share.severity is None:
        return "–"
    seen = [at for at, part in share.severities.items() if part >= 0.1]
    mean = numbers().decimal(share.severity, 1)
    return f"{mean} ({min(seen)}–{max(seen)})" if len(seen) > 1 else mean
