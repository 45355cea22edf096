"""The Tab key, in real shells."""

from __future__ import annotations

import importlib
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bruit.cli import COMMANDS, in_words
from bruit.cli import bruit as group
from bruit.cli.completion import CORRUPTIONS as KNOWN
from bruit.cli.completion import DATA, MODELS, RECIPES, SUITES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no completion for the shells of Windows")
pty = pytest.importorskip("pty")
SETTINGS = {"bash": ["--noprofile", "--norc", "-i"], "zsh": ["-f", "-i"]}
BEFORE = {"bash": "", "zsh": "autoload -Uz compinit; compinit -D -u; "}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program called bruit on the PATH."""
    program = tmp_path / "bin" / "bruit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bruit "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    here = tmp_path / "here"
    (here / "scans").mkdir(parents=True)
    return here


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, shell: str, place: Path) -> None:
        self.master, slave = pty.openpty()
        self.shell = subprocess.Popen(
            [shell, *SETTINGS[shell]], stdin=slave, stdout=slave, stderr=slave, cwd=place, start_new_session=True,
            env=os.environ | {"TERM": "xterm", "PS1": "% ", "COLUMNS": "200", "LINES": "50"},
        )  # fmt: skip
        os.close(slave)
        self.type(f'{BEFORE[shell]}eval "$(bruit completion {shell})"; echo re""ady\n')
        self.read_until(r"ready")

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read_until(self, expected: str, seconds: float = 30) -> str:
        text, end = "", time.monotonic() + seconds
        while not re.search(expected, plain(text)):
            left = end - time.monotonic()
            assert left > 0, f"expected {expected}, received {plain(text)!r}"
            if select.select([self.master], [], [], left)[0]:
                text += os.read(self.master, 4096).decode(errors="replace")
        return plain(text)

    def completes(self, typed: str, expected: str) -> None:
        """`typed` and the Tab key become `expected`."""
        self.type(typed + "\t")
        self.read_until(re.escape(expected))
        self.type("\x15")  # Ctrl-U clears the line

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self.master)


def plain(text: str) -> str:
    """Without the terminal's control sequences, and with what zsh deletes deleted."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r|\x07", "", text)


@pytest.fixture(params=SETTINGS)
def terminal(request: pytest.FixtureRequest, place: Path) -> Iterator[Terminal]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    opened = Terminal(request.param, place)
    yield opened
    opened.close()


def test_tab_completes_in_bash_and_in_zsh(terminal: Terminal) -> None:
    terminal.completes("bruit cross", "bruit crossval ")
    terminal.completes("bruit study --qui", "--quick")
    terminal.completes("bruit train cnn-", "cnn-plus")
    terminal.completes("bruit study --models knn,logis", "knn,logistic")
    terminal.completes("bruit check sca", "scans")
    terminal.completes("bruit evaluate sca", "scans")
    terminal.completes("bruit check mnist+", "mnist+course")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_tab_completes_in_fish(place: Path) -> None:
    def completed(typed: str) -> list[str]:
        code = f"bruit completion fish | source; complete -C {typed!r}"
        done = subprocess.run(
            ["fish", "--no-config", "-c", code], capture_output=True, text=True, timeout=60, cwd=place, check=True
        )
        assert done.stderr == ""
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    assert sorted(completed("bruit ")) == sorted(COMMANDS)
    assert "--quick" in completed("bruit study --")
    assert completed("bruit train cnn") == ["cnn", "cnn-plus"]
    assert completed("bruit evaluate sca") == ["scans/"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_alone(cli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.code == 0
    assert "_BRUIT_COMPLETE" in done.out
    assert cli("completion", shell, "--json").json == {"shell": shell, "script": done.out.removesuffix("\n")}
    assert cli("completion", "tcsh").code == 2


def test_commands_are_completed_with_their_words() -> None:
    with group.make_context("bruit", [], resilient_parsing=True) as context:
        items = group.shell_complete(context, "")
    assert [(item.value, item.help) for item in items] == [(name, in_words(COMMANDS[name])) for name in COMMANDS]


def test_the_names_that_are_completed_are_the_ones_that_there_are() -> None:
    from bruit.data.sources import NAMES
    from bruit.models.zoo import ZOO

    assert (tuple(ZOO), NAMES) == (MODELS, DATA)


def test_what_is_completed_by_name_is_in_the_commands() -> None:
    """A parameter that is called otherwise would no longer be completed."""
    commands = importlib.import_module("bruit.cli.commands")
    there = {parameter.name for name in COMMANDS for parameter in getattr(commands, name).params}
    assert {"data", "model", "models_", "crossval_", "runs"} <= there


def test_pressing_tab_loads_nothing_heavy() -> None:
    code = (
        "import os, sys\n"
        "os.environ.update(_BRUIT_COMPLETE='bash_complete', COMP_WORDS='bruit train cnn-', COMP_CWORD='2')\n"
        "from bruit.cli import main\n"
        "try:\n    main([])\nexcept SystemExit:\n    pass\n"
        "assert not {'numpy', 'torch', 'rich', 'babel'} & set(sys.modules), sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "plain,cnn-plus\n"


def test_what_is_known_without_importing_it_is_what_there_is() -> None:
    from bruit.noise.recipes import RECIPES as THERE
    from bruit.noise.registry import CORRUPTIONS
    from bruit.studies import robustness

    assert set(KNOWN) == set(CORRUPTIONS)
    assert set(RECIPES) == {name for name in THERE if "/" not in name} | {"mnist-c"}
    assert SUITES == robustness.SUITES


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["noise", "mnist", "--recipe"], "fo", ["fog"]),
        (["robustness", "robust", "--suite"], "sev", ["severity"]),
        (["robustness"], "ro", ["robust"]),
        (["evaluate"], "ro", ["robust"]),
        (["study", "--augment"], "au", ["auto"]),
    ],
)
def test_names_that_options_and_arguments_take(words, incomplete, expected) -> None:
    from click.shell_completion import ShellComplete

    found = ShellComplete(group, {}, "bruit", "_BRUIT_COMPLETE").get_completions(words, incomplete)
    assert [item.value for item in found] == expected
