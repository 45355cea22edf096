"""Other people's machines: their terminals, languages, folders, and homes that nobody may write to."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bruit.cli import COMMANDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes terminals and locales as Unix has them")
ODD = "é 数 🎲 [red]:dog:\nsecond line"
# Of C Python makes C.UTF-8; then ASCII, without Python's ways around it, and output in an encoding of the nineties.
LOCALES = {
    "C": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Latin-1": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1"},
}
NO_HOME = {"HOME": "/dev/null/home", "XDG_CACHE_HOME": "/dev/null/cache", "XDG_CONFIG_HOME": "/dev/null/config"}


# Several commands in one process, each with its output in files of its own: what they import takes seconds.
DRIVER = """
import os, sys
from bruit.cli import main
for number, arguments in enumerate(" ".join(sys.argv[2:]).split(" \v ")):
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.flush()
        os.dup2(os.open(os.path.join(sys.argv[1], f"{number}.{descriptor}"), os.O_CREAT | os.O_WRONLY), descriptor)
    try:
        main(arguments.split("\a"))
    except SystemExit as left:
        with open(os.path.join(sys.argv[1], f"{number}.code"), "w") as file:
            file.write(str(left.code))
"""


def run(*arguments: str | Path, code: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m bruit`, or instead of it `code`, with nothing of this machine's language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    command = [sys.executable, *(["-c", code] if code else ["-m", "bruit"]), *map(os.fsencode, arguments)]
    return subprocess.run(command, capture_output=True, timeout=240, env=kept | environment, check=False)


def run_all(calls: list[tuple[str | Path, ...]], place: Path, **environment: str) -> Iterator[tuple[int, bytes, bytes]]:
    """(exit code, standard output, standard error) of each call."""
    place.mkdir()
    run(place, " \v ".join("\a".join(map(str, call)) for call in calls), code=DRIVER, **environment)
    for number in range(len(calls)):
        out, err = ((place / f"{number}.{descriptor}").read_bytes() for descriptor in (1, 2))
        yield int((place / f"{number}.code").read_text()), out, err


@pytest.mark.parametrize("locale", LOCALES)
def test_odd_names_work_in_every_command_and_locale(npy_folder, tmp_path: Path, locale: str) -> None:
    data = npy_folder(folder=f"{ODD}/data")
    place = tmp_path / ODD
    study = ("--models", "logistic", "--crossval", "logistic", "--folds", "3", "--repeats", "0")
    calls: dict[str, tuple[str | Path, ...]] = {
        "check": (data,),
        "noise": (data, "--recipe", "course", "--out", place / "noisy é"),
        "corruptions": ("--figure", place / "é.png"),
        "datasets": (),
        "convert": (data, place / "à.npz"),
        "train": ("dnn", data, "--epochs", "1", "--out", place / "model 🎲"),
        "evaluate": (place / "model 🎲", data),
        "robustness": (place / "model 🎲", "--data", data, "--suite", "course"),
        "crossval": ("logistic", data, "--folds", "2", "--workers", "1", "--out", place / "folds"),
        "study": (data, "--out", place / "run\n🎲", "--workers", "1", *study),
        "compare": (place / "run\n🎲",),
        "report": (place / "run\n🎲", "--lang", "fr"),
        "export": (place / "model 🎲", "--out", place / "é.onnx"),
        "predict": (data / "test_images.npy", place / "7 é.png", "--model", place / "model 🎲", "--show", place / "vu"),
        "explain": (place / "7 é.png", "--figure", place / "pourquoi é.png"),
        "models": (),
        "completion": ("bash",),
    }
    Image.fromarray(np.load(data / "test_images.npy")[0]).save(place / "7 é.png")
    assert set(calls) == set(COMMANDS) - {"serve"}  # which does not end by itself
    as_json = ("noise", "crossval", "compare", "models", "evaluate", "report", "datasets", "predict", "explain")
    asked = [(name, *rest, *(["--json"] if name in as_json else [])) for name, rest in calls.items()]
    asked.append(("evaluate", place / "nothing", data))
    *done, last = run_all(asked, tmp_path / "said", **LOCALES[locale], BRUIT_CACHE=str(place / "cache"))
    for name, (status, out, err) in zip(calls, done, strict=True):
        assert status == 0, (name, err)
        assert b"Warning" not in err, name
        if name in as_json:
            json.loads(out.decode("utf-8"))
    assert 'lang="fr"' in (place / "run\n🎲" / "report.html").read_text("utf-8")
    assert last[:2] == (1, b"")
    assert last[2].startswith(b"bruit: ")
    assert last[2].count(b"\n") == 1


def test_names_are_not_taken_for_styles(cli, npy_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = Path("[red]:dog:")
    done = cli("study", npy_folder(), "--out", out, "--models", "logistic", "--crossval", "none", "--workers", "1")
    assert done.code == 0
    assert f"The report grows in {out}/report.html" in done.err
    assert f"  {out}  " in cli("compare", out).out


def on_terminal(*arguments: str | Path, width: int = 80, **environment: str) -> str:
    """All that a command writes on a terminal."""
    pty, fcntl, struct, termios = (importlib.import_module(name) for name in ("pty", "fcntl", "struct", "termios"))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "bruit", *map(str, arguments)],
        stdin=slave, stdout=slave, stderr=slave, env=kept | environment,
    )  # fmt: skip
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        said += part
    os.close(master)
    assert process.wait() == 0, said
    return said.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*(?<![0-9])(3[0-8]|4[0-8]|9[0-7])[;m]")


def test_colours_are_for_terminals_whose_readers_want_them(npy_folder, tmp_path: Path) -> None:
    command = ("noise", npy_folder(), "--recipe", "course", "--force", "--out", tmp_path / "noisy")
    assert COLOUR.search(on_terminal(*command, TERM="xterm-256color"))
    assert not COLOUR.search(on_terminal(*command, TERM="xterm-256color", NO_COLOR="1"))
    for environment in ({}, {"TERM": "xterm-256color"}):
        done = run(*command, **environment)
        assert b"\x1b" not in done.stdout + done.stderr
        assert b"\x1b" not in run("models", **environment).stdout


@pytest.mark.parametrize("width", [20, 80])
def test_a_terminal_that_can_do_nothing_gets_plain_lines(npy_folder, tmp_path: Path, width: int) -> None:
    command = ("noise", npy_folder(), "--recipe", "course", "--force", "--out", tmp_path / "noisy")
    for said in (on_terminal(*command, TERM="dumb", width=width), on_terminal("models", TERM="dumb", width=width)):
        assert "\x1b" not in said
        assert not re.search(r"\r(?!\n|\r)", said)
    assert "cnn-plus" in said


def test_a_long_training_is_followed_on_such_a_terminal_too(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    from bruit.cli import progress
    from bruit.training.member import Progress

    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(progress, "LINE_SECONDS", -1.0)
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    with progress.TrainProgress("dnn") as bars:
        bars.show(Progress(5, 10, 1, 0.5, 0.8))
    assert capsys.readouterr().err == "dnn: 50%, epoch 1 · loss 0.500 · accuracy 80.0%\n"


def test_a_home_and_a_temporary_folder_that_cannot_be_written(npy_folder, tmp_path: Path) -> None:
    study = ("--models", "dnn", "--epochs", "1", "--crossval", "none", "--workers", "1")
    done = run("study", npy_folder(), "--out", tmp_path / "run", *study, **NO_HOME, TMPDIR="/dev/null/tmp")
    assert done.returncode == 0
    said = done.stderr.decode()
    assert not re.search("warn|matplotlib|cache|/dev/null", said, re.IGNORECASE), said
    assert (tmp_path / "run" / "report.html").is_file()


def test_no_temporary_folder_at_all_is_one_line(npy_folder, tmp_path: Path) -> None:
    nowhere = "import tempfile\ntempfile._candidate_tempdir_list = lambda: ['/dev/null/tmp']\n"
    nowhere += "from bruit.cli import main\nmain()"
    done = run("crossval", "logistic", npy_folder(), "--folds", "2", code=nowhere)
    assert done.returncode == 1
    expected = "bruit: no folder for temporary files can be written; name one that can in TMPDIR (on Windows in TEMP)\n"
    assert done.stderr.decode() == expected


@pytest.mark.parametrize("arguments", [("--help",), ("models", "--json"), ("evaluate", "nowhere"), ("nonsense",)])
def test_python_m_bruit_is_bruit(cli, arguments: tuple[str, ...]) -> None:
    here, there = cli(*arguments), run(*arguments, COLUMNS="100", LANGUAGE="en", PYTHONUTF8="1")
    assert (here.code, here.out, here.err) == (there.returncode, there.stdout.decode(), there.stderr.decode())
