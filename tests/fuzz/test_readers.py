"""A few inputs for every reader of foreign bytes, and the rules they are held to; `make fuzz` tries 200,000."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzzer import Target, fuzz, reading
from rules import Broken
from targets import all_targets

TARGETS = {target.name: target for target in all_targets()}


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUIT_MAX_BYTES", "1M")
    monkeypatch.setenv("BRUIT_MAX_PIXELS", "1M")


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, about layers of no width
@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    tried = fuzz(TARGETS[name], tmp_path / "read", max(2, 40 // TARGETS[name].cost))
    assert tried.broken == []
    assert tried.outcomes


CODE = compile("1", "code.py", "exec")
BAD: dict[str, Callable[[Path], object]] = {
    "exec": lambda folder: exec(CODE),
    "compiles": lambda folder: compile("1", "code.py", "exec"),
    "import": lambda folder: __import__("antigravity"),
    "os.system": lambda folder: os.system("true"),
    "subprocess.Popen": lambda folder: subprocess.run(["true"]),
    "for writing": lambda folder: (folder / "new").write_text("x"),
    "os.remove": lambda folder: (folder / "x").unlink(),
    "took more than": lambda folder: time.sleep(9),
    "ZeroDivisionError": lambda folder: 1 / 0,
}


@pytest.mark.parametrize("what", BAD)
def test_a_reader_that_does_more_than_read_is_caught(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzzer.SECONDS", 0.2)
    (tmp_path / "x").touch()
    with pytest.raises(Broken, match=what):
        reading(Target("bad", "x", (b"",), BAD[what]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_reader_that_fills_the_memory_is_caught(tmp_path: Path) -> None:
    target = Target("greedy", "x", (b"",), lambda folder: len(b"x" * 2**28) if (folder / "x").read_bytes() else 0)
    ((what, _),) = fuzz(target, tmp_path / "read", 3).broken
    assert "MiB" in what
