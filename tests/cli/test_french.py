"""The whole command line in French: help, errors, tables, progress, report."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bruit.cli import COMMANDS

# Words that no French sentence has.
ENGLISH = re.compile(r"\b(the|of|and|with|which|are|is|was|were|by|from|it|its|that|this|they|not|has|have|to)\b", re.I)
OPTION = re.compile(r"--[a-z-]+")
STUDY = ("--models", "logistic,dnn", "--crossval", "dnn", "--epochs", "1", "--folds", "2", "--repeats", "1")


class Prose(HTMLParser):
    """What a page says: its text, and what its attributes say to who cannot see it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img", "br", "path", "use"):
            self.inside.append(tag)
        self.said += [value for name, value in attrs if name in ("alt", "title", "aria-label") and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"style", "code", "script"} & set(self.inside) and data.strip():
            self.said.append(data.strip())


def english(lines: list[str]) -> list[str]:
    return [line for line in lines if ENGLISH.search(OPTION.sub("", line))]


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)], ids=lambda arguments: " ".join(arguments))
def test_help_is_in_french(cli, arguments) -> None:
    done = cli(*arguments, "--help", "--lang", "fr")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage\N{NO-BREAK SPACE}: bruit")
    assert english(done.out.splitlines()) == []


def test_the_environment_is_respected(cli, monkeypatch) -> None:
    monkeypatch.delenv("LANGUAGE")
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert english(cli("--help").out.splitlines()) == []
    assert "Usage: bruit" in cli("--help", "--lang", "en").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("evaluate", "nowhere"), 1),
        (("check", "nowhere"), 1),
        (("study", "--models", "rnn"), 1),
        (("nonsense",), 2),
        (("study", "--nonsense"), 2),
        (("study", "--resume", "--force"), 2),
        (("noise", "mnist"), 2),
        (("crossval", "dnn", "--folds", "1"), 2),
        (("crossval", "dnn", "--folds", "five"), 2),
        (("check", ""), 2),
        (("export", "RUN", "--format", "doc", "--out", "x"), 2),
    ],
)
def test_what_is_wrong_is_said_in_french(cli, arguments, code) -> None:
    done = cli(*arguments, "--lang=fr")
    assert (done.code, done.out) == (code, "")
    assert english(done.err.splitlines()) == []


def test_a_study_in_french(cli, npy_folder, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = cli("study", npy_folder(), "--out", run, *STUDY, "--lang", "fr")
    assert done.code == 0, done.err
    assert english([line for line in [*done.out.splitlines(), *done.err.splitlines()] if str(run) not in line]) == []

    page = (run / "report.html").read_text("utf-8")
    assert '<html lang="fr">' in page
    assert english(Prose(page).said) == []
    assert re.search(r"\d,\d\d\N{NO-BREAK SPACE}%", page)
    assert not re.search(r"\d\.\d\d%", page)

    assert cli("report", run, "--lang", "en").code == 0
    again = (run / "report.html").read_text("utf-8")
    assert '<html lang="en">' in again
    assert len(english(Prose(again).said)) > 30
    assert cli("report", run, "--lang", "fr").code == 0
    assert (run / "report.html").read_text("utf-8") == page


@pytest.mark.parametrize("arguments", [("models",), ("check", "{data}"), ("convert", "{data}", "{out}.npz")])
def test_tables_are_in_french(cli, npy_folder, tmp_path, arguments) -> None:
    places = {"data": npy_folder(), "out": tmp_path / "out"}
    done = cli(*(argument.format(**places) for argument in arguments), "--lang", "fr")
    assert done.code == 0
    assert english([line.replace(str(tmp_path), "") for line in done.out.splitlines()]) == []
