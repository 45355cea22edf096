"""The data doctor's command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from bruit.cli.options import Whole, command, json_option, print_json

if TYPE_CHECKING:
    from bruit.training.pool import Schedule, Task


@command()
@click.argument("data", default="mnist+course")
@click.option("--labels", is_flag=True, help="Look for wrong labels too, by networks trained on folds: minutes.")
@click.option(
    "--labels-by",
    type=click.Choice(["margin", "cleanlab"]),
    help="Look for wrong labels, ranked by their margin, or by cleanlab if it is installed.  [default: margin]",
)
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
    fail_on: Literal["warning", "error"] | None,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> int:
    """Examine a data set before a model learns from it.

    Ranges and scales, blank images, copies within and across the splits, classes, polarity, drift from training to
    test images. Each finding has a figure, examples and a remedy. Images without labels, as one .npy file, are
    examined as far as that goes. DATA is mnist+course by default.

    \b
    Examples:
      bruit check FOLDER
      bruit check FOLDER --labels
      bruit check images.npy
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
    return int(fail_on is not None and bool(checkup.at_least(fail_on)))
