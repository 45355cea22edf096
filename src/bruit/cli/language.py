"""The command line in the language of who calls it: help, headings and messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from inspect import cleandoc
from typing import Any, TypeVar

import click

from bruit.locale import LANGUAGES, Sentence, language, translator

C = TypeVar("C", bound=click.Command)
LANG = click.Option(
    ["--lang"], type=click.Choice(LANGUAGES), expose_value=False, help="Language.  [default: that of the environment]"
)
DEBUG = click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the whole traceback of an error.")


class Command(click.Command):
    """A command with help in the reader's language, and the options that all of them have."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params += [LANG, DEBUG]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # A path would take it for the folder one is in; it mostly is a variable of a script that is not set.
        if any(not arg or re.fullmatch("--[a-z-]+=", arg) for arg in args):
            raise click.UsageError(words("one of the arguments is empty; the folder that you are in is “.”"), ctx)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        return click.Command.get_help(_translated(self), ctx)


class LanguageGroup(click.Group):
    """The same of a group."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [in_words(piece) for piece in super().collect_usage_pieces(ctx)]

    def get_help(self, ctx: click.Context) -> str:
        return click.Group.get_help(_translated(self), ctx)


def words(template: str, /, **values: Any) -> str:
    """One sentence in the language of the person at this machine: `words("{n:,} images", n=n)`."""
    return Sentence(template, **values).said(language())


def say(template: str, /, **values: Any) -> None:
    """The same on standard output."""
    click.echo(words(template, **values))


def asked_for(arguments: Sequence[str]) -> str | None:
    """The language that --lang names, which must be known before the arguments are read: errors are said in it."""
    asked = None
    for place, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option == "--lang":
            asked = value if equals else next(iter(arguments[place + 1 :]), "")
    return asked if asked in LANGUAGES else None


def in_words(text: str) -> str:
    """A help text, paragraph by paragraph: so long is what the catalogue translates."""
    gettext = translator(language()).gettext
    return "\n\n".join(gettext(part) if part.strip() else part for part in text.split("\n\n"))


def _translated(command: C) -> C:
    twin = copy(command)
    twin.help = in_words(cleandoc(command.help or ""))
    twin.options_metavar = in_words(command.options_metavar or "")
    twin.params = [_in_words(parameter) for parameter in command.params]
    twin._help_option = None  # click keeps it in the language in which it was first asked for
    return twin


def _in_words(parameter: click.Parameter) -> click.Parameter:
    text = getattr(parameter, "help", None)
    if not text:
        return parameter
    twin = copy(parameter)
    twin.help = in_words(text)
    return twin
