"""From any format to the ones that are written."""

from __future__ import annotations

from pathlib import Path

import click

from bruit.cli.language import say
from bruit.cli.options import FOLDER, command, json_option, print_json


@command()
@click.argument("data", metavar="IN")
@click.argument("out", type=FOLDER)
@click.option("--to", type=click.Choice(["npy", "npz", "csv", "idx"]), help="The format.  [default: as OUT is called]")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
def convert(data: str, out: Path, to: str | None, force: bool, as_json: bool) -> None:
    """Write a data set in another format.

    IN is any DATA. OUT is a folder, for four .npy files, or a file called .npz, for an archive with the keys x_train,
    y_train, x_test and y_test, as Keras has it. With --to csv the folder gets train.csv and test.csv, as Kaggle has
    them, with --to idx four files as MNIST is published. Images become uint8 (N, H, W).

    \b
    Examples:
      bruit convert mnist.npz digits
      bruit convert scans/ scans.npz --force
      bruit convert digits.mat digits --to csv
      bruit convert mnist+course noisy.npz --json
    """
    from bruit.cli.tables import findings_lines
    from bruit.data.sources import load
    from bruit.data.written import refuse_place, write_data

    refuse_place(out, force, to)
    pair = load(data)
    files = write_data(pair, out, force, to)
    height, width = pair.train.shape
    if as_json:
        described = {
            "name": pair.name,
            "files": [str(file) for file in files],
            "train": len(pair.train),
            "test": len(pair.test),
            "size": [height, width],
            "classes": list(pair.classes),
            "findings": [{"code": one.code, "severity": one.severity, "message": one.message} for one in pair.findings],
        }
        return print_json(described)
    findings_lines(pair.findings)
    say(
        "{train:,} training and {test:,} test images of {height} × {width} pixels are in {out}",
        train=len(pair.train),
        test=len(pair.test),
        height=height,
        width=width,
        out=out,
    )
