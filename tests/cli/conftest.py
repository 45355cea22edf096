"""The command line, called as a person would but in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bruit.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of standard output, which must be one JSON value."""
        return json.loads(self.out)

    def problem(self) -> str:
        """What is said after `bruit: `, when the command failed as it should: in one line, with exit code 1."""
        assert self.code == 1
        assert self.out == ""
        (line,) = (line for line in self.err.splitlines() if line.startswith("bruit: "))
        assert self.err.endswith(line + "\n")
        assert "Traceback" not in self.err
        return line.removeprefix("bruit: ")


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LANGUAGE", "en")  # --lang sets it for the rest of a process

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        code = left.value.code
        assert isinstance(code, int)
        return Outcome(code, *capsys.readouterr())

    return run
