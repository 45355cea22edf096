"""The command that says why a digit was read as it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bruit.cli.language import say
from bruit.cli.options import FOLDER, Whole, command, json_option, names, outside_options, print_json, standard_input

if TYPE_CHECKING:
    from bruit.reading.explain import Explanation


@command()
@click.argument("image")
@click.option("--model", default="robust", show_default=True, help="RUN, RUN:NAME, a trained model's folder or file.")
@click.option("--data", default="mnist", show_default=True, help="Where the most similar training images come from.")
@click.option("--nearest", default=5, show_default=True, type=Whole(0), help="How many of them.")
@click.option("--figure", type=FOLDER, metavar="FILE", help="Draw it all into FILE.png.")
@click.option("--force", is_flag=True, help="Replace a figure that is there.")
@outside_options
@json_option
def explain(
    image: str,
    model: str,
    data: str,
    nearest: int,
    figure: Path | None,
    force: bool,
    scale: str | None,
    classes: str | None,
    as_json: bool,
) -> None:
    """Say why a digit is read as it is.

    Which pixels spoke for it, found by covering them, and the training images most like it. IMAGE is an image file, or
    - for standard input.

    \b
    Examples:
      bruit explain digit.png
      bruit explain digit.png --model RUN --data FOLDER --figure why.png
    """
    from bruit.reading.explain import explain as explain_picture
    from bruit.reading.inputs import one_picture
    from bruit.reading.reader import Reader

    if figure is not None:
        from bruit.report.files import refuse_file

        refuse_file(figure, ".png", force)
    picture = one_picture(image, standard_input())
    reader = Reader.load(model, scale=scale, classes=names(classes, None))
    known = None
    if nearest:
        from bruit.data.sources import load

        known = load(data).train
    explanations = explain_picture(reader, picture, known, nearest)
    if figure is not None:
        from bruit.files import write_atomically
        from bruit.reading.heat import figure as drawn

        write_atomically(figure, lambda file: drawn(explanations).save(file, "PNG"))
    if as_json:
        return print_json([as_plain(image, one) for one in explanations])
    for one in explanations:
        show(one)
    if figure is not None:
        say("The figure: {path}", path=figure)


def as_plain(file: str, one: Explanation) -> dict[str, Any]:
    """An explanation as JSON has it."""
    digit = one.digit
    return {
        "file": file,
        "digit": digit.label,
        "confidence": digit.confidence,
        "runner_up": digit.runner_up,
        "runner_up_confidence": digit.runner_up_confidence,
        **({"box": list(digit.box)} if digit.box else {}),
        "heat": [[round(float(value), 4) for value in row] for row in one.heat],
        "nearest": [
            {"index": near.index, "label": near.label, "similarity": round(near.similarity, 4)} for near in one.nearest
        ],
    }


def show(one: Explanation) -> None:
    """For people: the digit in colours, where the terminal has them, and what is like it."""
    import numpy as np

    from bruit.cli.tables import make_console, percent
    from bruit.reading.heat import coloured

    digit, console = one.digit, make_console()
    say(
        "{digit}, {confidence:.2%} sure; else {runner_up}, {likely:.2%}",
        digit=digit.label,
        confidence=digit.confidence,
        runner_up=digit.runner_up,
        likely=digit.runner_up_confidence,
    )
    if console.is_terminal and console.color_system == "truecolor":
        from rich.color import Color
        from rich.style import Style
        from rich.text import Text

        pixels = coloured(digit.seen, one.heat)
        pixels = np.concatenate([pixels, pixels[-1:]])[: len(pixels) // 2 * 2]
        for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
            line = Text()
            for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
                line.append("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
            console.print(line)
        say("orange spoke for it, blue against it")
    if one.nearest:
        like = ", ".join(f"{near.label} ({near.index}, {percent(near.similarity)})" for near in one.nearest)
        say("Most like it, of the training images (number, correlation): {like}", like=like)
