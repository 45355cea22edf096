"""Exit codes, errors in one line, help."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.cli import COMMANDS, main
from bruit.cli import bruit as group
from bruit.errors import DataError

commands = importlib.import_module("bruit.cli.commands")
WHOLE_STUDY = ("--models", "logistic", "--crossval", "none", "--workers", "1")


def test_the_version(cli) -> None:
    done = cli("--version")
    assert (done.code, done.out, done.err) == (0, f"bruit {bruit.__version__}\n", "")


def test_help_names_every_command_as_its_own_help_does(cli) -> None:
    done = cli("--help")
    assert (done.code, done.err) == (0, "")
    for name, line in COMMANDS.items():
        assert f"  {name} " in done.out
        assert line in done.out
        assert cli(name, "--help").out.splitlines()[2].strip() == line


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_examples_and_json(cli, name: str, flag: str) -> None:
    done = cli(name, flag)
    assert done.code == 0
    examples = done.out.partition("Example")[2]
    assert f"    bruit {name}" in examples
    assert "--json" in done.out


def test_every_command_can_be_called() -> None:
    context = group.make_context("bruit", ["models"])
    assert group.list_commands(context) == list(COMMANDS)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
    assert group.get_command(context, "FOLDER") is None


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("studdy",),
        ("study", "--fold", "x"),
        ("study", "--folds", "1"),
        ("study", "--epochs", "0"),
        ("study", "--workers", "0"),
        ("check", "mnist", "--fail-on", "info"),
        ("noise", "mnist", "--recipe", "course"),
        ("noise", "mnist", "--out", "there"),
        ("train", "dnn"),
        ("crossval",),
        ("evaluate",),
        ("compare",),
        ("report",),
        ("models", "more"),
        ("check", ""),
        ("convert", "mnist", ""),
        ("study", "--out="),
    ],
)
def test_wrong_usage_is_2(cli, wrong: tuple[str, ...]) -> None:
    done = cli(*wrong)
    assert done.code == 2
    assert done.out == ""
    assert "Usage: bruit" in done.err
    assert "Traceback" not in done.err


# One bad input each: what is different from a good folder, and what is said.
NAN = np.full((600, 28, 28), 0.5, np.float32)
NAN[7, 3, 3] = np.nan
BAD = {
    "a missing file": ({"test_labels": None}, "lacks test_labels.npy; expected train_images.npy, train_labels.npy"),
    "counts that differ": ({"train_labels": np.arange(599) % 10}, "one training label for each of the 600 images"),
    "fractions": ({"train_labels": np.arange(600) % 10 + 0.5}, "expected whole numbers as training labels"),
    "negative labels": ({"train_labels": np.arange(600) % 10 - 1}, "expected training labels of 0 or more"),
    "unseen labels": ({"test_labels": np.full(200, 11)}, "test labels 11 never occur in training"),
    "NaN": ({"train_images": NAN}, "training images hold NaN or infinity, first in image 7"),
    "no image": ({"train_images": np.zeros((0, 28, 28))}, "expected at least one training image"),
    "one class": ({"train_labels": np.zeros(600, int), "test_labels": np.zeros(200, int)}, "at least two classes"),
    "differing sizes": ({"test_images": np.zeros((200, 16, 16), np.uint8)}, "28 × 28 and 16 × 16"),
    "objects": ({"train_labels": np.array([{}] * 600)}, "holds Python objects"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_data_is_one_line(cli, npy_folder, tmp_path: Path, bad: str) -> None:
    instead, expected = BAD[bad]
    done = cli("study", npy_folder(**instead), "--out", tmp_path / "run", *WHOLE_STUDY)
    assert expected in done.problem()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("keep", "expected"),
    [(0, "is an empty file"), (70, "is not a whole .npy file"), (5000, "is truncated: its header promises")],
)
def test_a_damaged_file_is_one_line(cli, npy_folder, tmp_path: Path, keep: int, expected: str) -> None:
    folder = npy_folder()
    path = folder / "test_images.npy"
    path.write_bytes(path.read_bytes()[:keep])
    for command in (("study", folder, "--out", tmp_path / "run"), ("crossval", "dnn", folder)):
        assert expected in cli(*command).problem()


def test_too_few_images_for_the_folds_is_one_line(cli, npy_folder, tmp_path: Path) -> None:
    told = cli("crossval", "logistic", npy_folder(), "--folds", "61").problem()
    assert told.startswith("class 0 has 60 of 600 training images; 61 folds")


def test_unknown_names_are_one_line(cli, npy_folder, tmp_path: Path) -> None:
    there, out = npy_folder(), tmp_path / "out"
    for command in (
        ("study", there, "--out", out, "--models", "dnn,rnn"),
        ("study", there, "--out", out, "--models", "dnn", "--crossval", "rnn"),
        ("train", "rnn", there, "--out", out),
        ("crossval", "rnn", there),
        ("crossval", "rnn", there, "--out", out),
    ):
        assert cli(*command).problem().startswith("no model is called rnn; choose among logistic, knn, dnn")
    for command in (("study", "nowhere", "--out", out), ("evaluate", "nowhere", there), ("compare", "nowhere")):
        assert "nowhere" in cli(*command).problem()
    assert "unknown recipe 'rain'" in cli("noise", there, "--recipe", "rain", "--out", out).problem()
    assert "received none" in cli("study", there, "--out", out, "--models", "none").problem()
    assert not out.exists()


def test_an_output_that_is_taken_is_one_line(cli, npy_folder, finished, tmp_path: Path) -> None:
    there = npy_folder()
    foreign, file = tmp_path / "foreign", tmp_path / "file"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    file.write_text("mine")
    for out, expected in (
        (finished.run, "holds a run already; add --resume to go on with it, --force to replace it"),
        (foreign, "holds other files (thesis.txt)"),
        (file, "is a file; give --out a folder"),
        (file / "run", "Not a directory; choose another --out"),
    ):
        assert expected in cli("study", there, "--out", out, *WHOLE_STUDY).problem()
    for out, expected in (
        (foreign, "holds other files (thesis.txt)"),
        (file, "is a file; give --out a folder"),
        (file / "fit", "Not a directory"),
    ):
        assert expected in cli("train", "logistic", there, "--out", out).problem()
        assert expected in cli("crossval", "logistic", there, "--out", out, "--workers", "1").problem()
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]


def test_debug_shows_the_whole_error(npy_folder) -> None:
    with pytest.raises(DataError, match="lacks test_labels"):
        main(["--debug", "crossval", "dnn", str(npy_folder(test_labels=None))])


def run_bruit(*arguments: str | Path, **settings) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bruit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **settings)


def test_a_traceback_comes_only_with_debug(tmp_path: Path) -> None:
    command = ("noise", tmp_path, "--recipe", "course", "--out", tmp_path / "out")
    plain, debug = (run_bruit(*flag, *command) for flag in ([], ["--debug"]))
    assert (plain.returncode, debug.returncode) == (1, 1)
    assert plain.stderr.startswith(f"bruit: {tmp_path} holds nothing that bruit reads; expected ")
    assert plain.stderr.count("\n") == 1
    assert debug.stderr.startswith("Traceback")
    assert "DataError" in debug.stderr


def test_what_nobody_expected_is_one_line_too(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("first line\n  second line")

    monkeypatch.setattr("bruit.models.zoo.describe_zoo", fail)
    told = cli("models").problem()
    assert told == "unexpected RuntimeError: first line second line; run it again with bruit --debug for details"
    with pytest.raises(RuntimeError):
        main(["--debug", "models"])


def test_a_missing_part_is_named_with_what_installs_it(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bruit.models.zoo", None)
    assert cli("models").problem().endswith("in the folder of bruit: pip install -e '.[train]'")


def test_ctrl_c_is_130_and_says_how_to_go_on(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bruit.studies.study.study", interrupt)
    monkeypatch.setattr("bruit.data.sources.load", interrupt)
    done = cli("study", "my data", "--out", "run", "--force")
    assert (done.code, done.out) == (130, "")
    expected = "bruit: stopped; nothing is lost, go on with: bruit study 'my data' --out run --resume"
    assert done.err.split() == expected.split()
    done = cli("crossval", "dnn", "study")
    assert (done.code, done.err.strip()) == (130, "bruit: stopped")


def test_a_signal_that_a_library_takes_for_its_own_failure(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def swallow(*args: object, **named: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("Invalid affine transformation matrix") from None

    monkeypatch.setattr("bruit.data.sources.load", swallow)
    done = cli("crossval", "dnn", "study")
    assert (done.code, done.err.strip()) == (130, "bruit: stopped")


def test_a_signal_while_python_tidies_up_is_not_lost(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0)  # where the handler runs

    def work(*_: object, **__: object) -> None:
        Dropped()
        time.sleep(20)

    monkeypatch.setattr("bruit.models.zoo.describe_zoo", work)
    done = cli("models")
    assert (done.code, done.out) == (130, "")
    assert done.err.strip() == "bruit: stopped"


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_already_leaving_shows_no_traceback(what: signal.Signals) -> None:
    code = f"import atexit, os; atexit.register(os.kill, os.getpid(), {int(what)})"
    code += "; from bruit.__main__ import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (-what, "")


def test_a_program_that_is_stopped_while_it_is_imported_shows_no_traceback() -> None:
    code = """
import importlib.abc, signal, sys

class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "bruit.cli":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Stop())
from bruit.__main__ import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "bruit", "--help"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_is_one_line_and_no_half_file(npy_folder, tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    out = tmp_path / "noisy"
    done = run_bruit("noise", npy_folder(), "--recipe", "course", "--out", out, preexec_fn=limit)
    assert (done.returncode, done.stdout) == (1, "")
    path = out / "train_images.npy"
    assert done.stderr == f"bruit: cannot write {path}: File too large; free some space or choose another place\n"
    assert list(out.iterdir()) == []
