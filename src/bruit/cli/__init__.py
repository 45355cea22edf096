"""The command line: thin commands over the library. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import _thread
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from bruit import __version__
from bruit.cli.language import DEBUG, LANG, LanguageGroup, asked_for, in_words, words
from bruit.errors import BruitError
from bruit.locale import language, mark, speak

# Their first lines, so that `bruit --help` need not import them: start-up is felt at every call.
COMMANDS = {
    "study": "Train, cross-validate, evaluate, and write a report.",
    "check": "Examine a data set before a model learns from it.",
    "noise": "Make a noisy copy of a data set.",
    "corruptions": "List the ways in which bruit can damage images.",
    "datasets": "List public data sets, or fetch one of them.",
    "convert": "Write a data set in another format.",
    "predict": "Read the digits in images.",
    "explain": "Say why a digit is read as it is.",
    "train": "Train one model of the zoo.",
    "evaluate": "Test a trained model.",
    "robustness": "Test models on many noisy copies of the same images.",
    "crossval": "Cross-validate one model of the zoo.",
    "compare": "Put the models of finished runs side by side.",
    "report": "Write the report of a run again.",
    "export": "Write a trained model for other programs.",
    "serve": "Serve a page to draw digits on, and an HTTP interface.",
    "models": "List the models that bruit can train.",
    "completion": "Print what makes a shell complete bruit's commands.",
}


class Group(LanguageGroup):
    """Commands in the order of their use, imported when one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module("bruit.cli.commands"), cmd_name)
        if ctx.resilient_parsing:  # someone pressed Tab
            from bruit.cli.completion import teach

            teach(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [CompletionItem(name, help=in_words(COMMANDS[name])) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(words("Commands")):
            formatter.write_dl([(name, in_words(summary)) for name, summary in COMMANDS.items()])


@click.group(
    cls=Group, subcommand_metavar=mark("COMMAND [ARGS]…"), context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="bruit %(version)s")
def bruit() -> None:
    """Noisy digit images: which network reads them, how far to trust it.

    \b
    Examples:
      bruit study                       the main job, on the embedded noisy MNIST
      bruit study --quick               the same on a sample, in about a minute
      bruit study FOLDER --out RUN      on your own images
      bruit check FOLDER                what is wrong with the data
      bruit evaluate RUN FOLDER         a trained model on other images

    \b
    Every command takes --lang fr (or en) and --help.

    DATA is a folder with train_images.npy, train_labels.npy, test_images.npy and test_labels.npy, an .npz, .mat or CSV
    file, IDX files, folders of images (docs/formats.md), or a name: mnist, mnist+course, or a public set that was
    fetched (bruit datasets). Exit code 0: done, 1: a problem, said in one line, 2: wrong usage.
    """


bruit.params += [LANG, DEBUG]


def one_line(text: str) -> str:
    """`text` without line breaks; the no-break spaces of French stay."""
    return re.sub(r"[ \t\r\n\v\f]+", " ", text).strip(" ")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; an error is one line, unless --debug."""
    with _signals() as stopped_by:
        _run(sys.argv[1:] if arguments is None else arguments, stopped_by)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Ctrl-C and the signal of a machine that shuts down, both as KeyboardInterrupt; and in the list, as it may be lost
    in a library that takes it for a failure of its own.
    """
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    defaults = (signal.default_int_handler, signal.SIG_DFL)
    now = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in now.items() if handler in defaults}
    for number in before:
        signal.signal(number, stop)
    unraisable = sys.unraisablehook

    def again(lost: sys.UnraisableHookArgs) -> None:
        # Python drops what is raised while it tidies up after an object; it has to be raised once more, after that.
        if received and isinstance(lost.exc_value, KeyboardInterrupt):
            threading.Timer(0.01, _send, [received[-1]]).start()
        else:
            unraisable(lost)

    sys.unraisablehook = again
    try:
        yield received
    finally:
        sys.unraisablehook = unraisable
        for number, handler in before.items():
            signal.signal(number, handler)


def _send(number: int) -> None:
    """A signal to the thread that waits for it; where there is no such way it arrives when that thread goes on."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _run(arguments: list[str], stopped_by: list[int]) -> NoReturn:
    debug = "--debug" in arguments
    speak(asked_for(arguments) or language())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that knows no × must not end an hour's work
            stream.reconfigure(errors="backslashreplace")
    try:
        result: Any = bruit.main(arguments, prog_name="bruit", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _stopped(arguments, stopped_by)
    except BrokenPipeError:
        # Whoever read our output has enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except BruitError as error:
        if debug:
            raise
        click.echo(f"bruit: {one_line(error.said(language()))}", err=True)
        sys.exit(1)
    except ImportError as error:
        if debug:
            raise
        missing = words(
            "{error}; install what training needs, in the folder of bruit: pip install -e '.[train]'", error=error
        )
        click.echo(f"bruit: {missing}", err=True)
        sys.exit(1)
    except Exception as error:
        if stopped_by:
            _stopped(arguments, stopped_by)
        if debug:
            raise
        click.echo(f"bruit: {_unexpected(error)}", err=True)
        sys.exit(1)


def _stopped(arguments: list[str], by: list[int]) -> NoReturn:
    from bruit.cli.options import how_to_resume

    click.echo(f"bruit: {how_to_resume(arguments)}", err=True)
    sys.exit(128 + (by or [signal.SIGINT])[0])


def _unexpected(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and "temporary" in (error.strerror or ""):  # tempfile found no place
        return words("no folder for temporary files can be written; name one that can in TMPDIR (on Windows in TEMP)")
    if isinstance(error, OSError) and error.strerror:
        failed = words(
            "cannot read or write {where}: {error.strerror}; make room, or choose another place (for temporary files "
            "TMPDIR)",
            where=error.filename or words("a file"),
            error=error,
        )
        return one_line(failed)
    what = one_line(f"{type(error).__name__}: {error}")
    return words("unexpected {what}; run it again with bruit --debug for details", what=what)
