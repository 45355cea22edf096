"""What the commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from bruit.cli.language import Command, words
from bruit.shell import typed

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
FOLDER = click.Path(path_type=Path)


class Whole(click.IntRange):
    """Whole numbers of `min` or more, called so in the reader's language."""

    @property
    def name(self) -> str:  # type: ignore[override]
        return words("whole number")

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "N"


# Those of bruit.outside.brought, which a --help need not import.
SCALES = ("0-255", "0-1", "-1-1", "mnist")
command = partial(click.command, cls=Command)


def json_option(function: F) -> F:
    """--json, the same on every command."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON, and only that, on standard output."
    )(function)


def training_options(function: F) -> F:
    """The options that every training command takes."""
    function = click.option("--seed", default=0, show_default=True, type=Whole(0), help="Same seed, same result.")(
        function
    )
    return click.option("--epochs", type=Whole(1), help="Epochs for every network, instead of its recipe's own.")(
        function
    )


def outside_options(function: F) -> F:
    """What has to be said of models of other programs."""
    function = click.option(
        "--classes", metavar="A,B,…", help="Names of a file's outputs, if it does not say them.  [default: 0,1,…]"
    )(function)
    return click.option(
        "--scale",
        type=click.Choice(SCALES),
        help="What a file's pixels were in training, if it does not say it; mnist: PyTorch's mean and deviation.",
    )(function)


def print_json(value: Any) -> None:
    """The one way in which results reach programs: JSON is UTF-8, or ASCII where the output is in another encoding."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=not writes_utf()))


def standard_input() -> BinaryIO:
    """Standard input as bytes; nothing where it is closed."""
    return BytesIO() if sys.stdin is None else sys.stdin.buffer


def writes_utf() -> bool:
    """Whether standard output takes every letter."""
    return "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()


def names(text: str | None, otherwise: T) -> tuple[str, ...] | T:
    """A comma-separated list of model names; `none` is the empty one."""
    if text is None:
        return otherwise
    return () if text == "none" else tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def how_to_resume(arguments: list[str]) -> str:
    """What to say to whoever stopped a command, which perhaps can go on."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    kept = command == "crossval" and any(argument.partition("=")[0] == "--out" for argument in arguments)
    if command == "datasets" and "fetch" in arguments:
        return words("stopped; nothing is lost, go on with: {command}", command=typed(["bruit", *arguments]))
    if command not in ("study", "train") and not kept:
        return words("stopped")
    again = [argument for argument in arguments if argument not in ("--force", "--resume")]
    # A cross-validation goes on with what is in its --out without being told to.
    again = ["bruit", *again, *([] if kept else ["--resume"])]
    return words("stopped; nothing is lost, go on with: {command}", command=typed(again))
