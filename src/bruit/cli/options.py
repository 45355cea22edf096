"""What the commands share."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """--json, the same on every command."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON, and only that, on standard output."
    )(function)


def training_options(function: F) -> F:
    """The options that every training command takes."""
    function = click.option(
        "--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same result."
    )(function)
    return click.option(
        "--epochs", type=click.IntRange(1), help="Epochs for every network, instead of its recipe's own."
    )(function)


def print_json(value: Any) -> None:
    """The one way in which results reach programs."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False))


def names(text: str | None, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """A comma-separated list of model names; `none` is the empty one."""
    if text is None:
        return otherwise
    return () if text == "none" else tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def how_to_resume(arguments: list[str]) -> str:
    """What to add to a command that was stopped."""
    if "study" not in arguments:
        return ""
    again = arguments if "--resume" in arguments else [*arguments, "--resume"]
    return f"; nothing is lost, go on with: bruit {shlex.join(argument for argument in again if argument != '--force')}"
