"""The reading command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bruit.cli.language import words
from bruit.cli.options import FOLDER, Whole, command, json_option, names, outside_options, standard_input
from bruit.locale import language, printable

if TYPE_CHECKING:
    from bruit.cli.readings import Output
    from bruit.errors import BruitError
    from bruit.reading.inputs import Input
    from bruit.reading.reader import Digit, Reader, Reading

# Pictures that are read at once.
AT_ONCE = 64


@command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE…")
@click.option("--model", default="robust", show_default=True, help="RUN, RUN:NAME, a trained model's folder or file.")
@click.option("--top-k", default=2, show_default=True, type=Whole(1), help="How many likely digits to tell.")
@click.option(
    "--min-confidence",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="What is read with less is unsure, not a guess.",
)
@click.option("--single", is_flag=True, help="Take each picture for one digit, however wide it is.")
@click.option("--show", type=FOLDER, metavar="FOLDER", help="Write what the model saw there, a PNG for each digit.")
@click.option("--threads", type=Whole(1), help="To compute with.  [default: one a core]")
@outside_options
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, and only that, on standard output.")
@json_option
def predict(
    images: tuple[str, ...],
    model: str,
    top_k: int,
    min_confidence: float,
    single: bool,
    show: Path | None,
    threads: int | None,
    scale: str | None,
    classes: str | None,
    as_csv: bool,
    as_json: bool,
) -> int:
    """Read the digits in images.

    IMAGE is an image file (PNG, JPEG, TIFF, BMP, WebP, GIF), a folder of them, a pattern as "scans/*.png", an .npy,
    .npz, .mat, CSV or IDX file of many images, or - for standard input. Photos, scans and drawings are prepared as
    MNIST was; several digits in one picture are read from left to right. An image that cannot be read is named, the
    others are read, and the exit code is 1.

    \b
    Examples:
      bruit predict digit.png
      bruit predict scans --min-confidence 0.9 --csv
      bruit predict images.npy --model RUN --json
    """
    from bruit.cli import readings
    from bruit.reading.inputs import inputs
    from bruit.reading.reader import Reader

    if not 0 <= min_confidence <= 1:  # nan is in every range
        raise click.UsageError(words("expected min_confidence of 0 to 1, received {value}", value=min_confidence))
    if show is not None and show.exists() and not show.is_dir():
        raise click.UsageError(words("expected a folder for --show, received the file {path}", path=show))
    if as_csv and as_json:
        raise click.UsageError(words("--csv and --json are two ways of printing; take one of them"))
    reader = Reader.load(model, threads=threads, scale=scale, classes=names(classes, None))
    kind = readings.Json if as_json else readings.Csv if as_csv else readings.Table
    output = kind(reader.classes, top_k, min_confidence)
    return read_all(reader, list(inputs(images, standard_input())), output, several=not single, show=show)


def read_all(reader: Reader, given: Sequence[Input], output: Output, *, several: bool, show: Path | None) -> int:
    """Read everything, tell what is read as it is read, and what is not; the exit code."""
    from bruit.reading.stacks import read_stack

    failed = False

    def tell(name: str, reading: Reading, index: int | None = None) -> None:
        nonlocal failed
        if reading.problem is not None:
            failed = True
            refuse(name, index, reading.problem)
        output.reading(name, reading, index)
        if show is not None:
            for digit in reading.digits:
                write_seen(show, name if index is None else f"{name}-{index}", digit)

    done, total = 0, sum(map(len, given))
    with bar_of_many(words("Reading"), total) as advance:
        for group in grouped(given):
            first = group[0]
            if first.problem is not None:
                failed = True
                refuse(first.name, None, first.problem)
            elif first.stack is None:
                pictures = [one.picture for one in group if one.picture is not None]
                for one, reading in zip(group, reader.read(pictures, several=several), strict=True):
                    tell(one.name, reading)
            elif show is not None:
                for index, image in enumerate(first.stack):
                    tell(first.name, reader.read(image, several=False)[0], index)
            else:
                for block in read_stack(reader, first.stack):
                    output.block(first.name, block)
                    for at, why in block.problems.items():
                        failed = True
                        refuse(first.name, block.start + at, why)
                    advance(done + block.start + len(block.probabilities), total)
            done += sum(map(len, group))
            advance(done, total)
    output.end()
    return int(failed)


def grouped(given: Sequence[Input]) -> Iterator[list[Input]]:
    """Pictures that follow each other together, as many as are read at once; everything else by itself."""
    pictures: list[Input] = []
    for one in given:
        if one.picture is not None:
            pictures.append(one)
        if pictures and (one.picture is None or len(pictures) == AT_ONCE):
            yield pictures
            pictures = []
        if one.picture is None:
            yield [one]
    if pictures:
        yield pictures


def refuse(name: str, index: int | None, why: BruitError) -> None:
    """Say what could not be read."""
    said = why.said(language())
    if index is not None or name not in said:
        said = words("{name}: {why}", name=name if index is None else f"{name}[{index}]", why=said)
    click.echo(f"bruit: {printable(said)}", err=True)


@contextmanager
def bar_of_many(title: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar where there is something to wait for."""
    if total <= AT_ONCE:
        yield lambda done, total: None
        return
    from bruit.cli.progress import bar

    with bar(title) as advance:
        yield advance


def write_seen(folder: Path, name: str, digit: Digit) -> None:
    """What the model saw of a digit, as a PNG of a name that is free."""
    from PIL import Image

    from bruit.data.image_folder import SUFFIXES
    from bruit.files import write_atomically

    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(name).stem if name.lower().endswith(SUFFIXES) else Path(name).name
    path = next(path for n in count(1) if not (path := folder / f"{stem}-{n}.png").exists())
    write_atomically(path, lambda file: Image.fromarray(digit.seen).save(file, "PNG"))
