"""What the trials share: commands in forked children, runs that should be alike, and what may be said of a fault."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bruit.seals import broken

# `make faults` tries everything; the test suite a selection, drawn by the same seeds.
FULL = os.environ.get("FAULTS") == "full"
TIMES = ("seconds", "created", "command", "images_per_second")
MODELS = ("--models", "logistic,dnn", "--crossval", "dnn", "--folds", "2", "--repeats", "1", "--epochs", "2")


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code (negative: the signal), and what it said."""

    code: int
    out: str
    err: str

    def refused(self) -> str:
        """The one line of a problem that was foreseen."""
        lines = [line for line in self.err.splitlines() if line.startswith("bruit: ")]
        assert (self.code, len(lines)) == (1, 1), self
        assert self.err.endswith(lines[0] + "\n"), self
        assert not any(word in self.err for word in ("Traceback", "unexpected", "Exception ignored")), self
        return lines[0]


class Child:
    """A command that runs."""

    def __init__(self, server: Any, pid: int, out: Path, err: Path) -> None:
        self.server, self.pid, self.out, self.err = server, pid, out, err

    def kill(self, what: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the command and all that it started, if it is not done yet."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, what)

    def wait(self, seconds: float = 120) -> Ended:
        if not select.select([self.server.stdout], [], [], seconds)[0]:
            self.kill()
            raise AssertionError(f"not done after {seconds} s: {self.err.read_text()}")
        code = int(self.server.stdout.readline())
        return Ended(code, self.out.read_text("utf-8"), self.err.read_text("utf-8"))


class Warm:
    """A server of forked children, see warm.py."""

    def __init__(self) -> None:
        # The server's own, so that what a killed child leaves there is in nobody's way.
        self.folder = tempfile.TemporaryDirectory(prefix="faults-")
        os.chmod(self.folder.name, 0o777)
        self.n = 0
        self.server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": self.folder.name, "OMP_NUM_THREADS": "1", "COLUMNS": "400", "LANGUAGE": "en"},
        )

    def start(
        self,
        *arguments: str | Path,
        cwd: str | Path = "/",
        environment: dict[str, str] | None = None,
        user: int | None = None,
        **faults: Any,
    ) -> Child:
        self.n += 1
        out, err = (Path(self.folder.name, f"{self.n}.{kind}") for kind in ("out", "err"))
        order = {
            "arguments": [str(one) for one in arguments],
            "cwd": str(cwd),
            "out": str(out),
            "err": str(err),
            "environment": environment or {},
            "user": user,
            "faults": faults,
        }
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return Child(self.server, int(self.server.stdout.readline()), out, err)

    def run(self, *arguments: str | Path, **more: Any) -> Ended:
        return self.start(*arguments, **more).wait()

    def close(self) -> None:
        self.server.stdin.close()
        self.server.wait(10)
        self.server.stdout.close()
        self.folder.cleanup()


def study(data: Path, run: Path, *more: str, workers: int = 1) -> list[str]:
    """The command line of a study of two models, one cross-validated, that takes about a second."""
    return ["study", str(data), "--out", str(run), *MODELS, "--workers", str(workers), *more]


def resume(run: Path, workers: int = 1) -> list[str]:
    return ["study", "--out", str(run), "--resume", "--workers", str(workers)]


def without_times(value: Any) -> Any:
    """Plain values less what may differ between two runs that computed the same."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def content(path: Path) -> Any:
    """What a file of a run says, times aside; None where nothing of it can be compared."""
    if path.name in ("lock", "session.json", "SHA256SUMS", "report.html", "study.toml"):
        return None
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text("utf-8")))
    if path.suffix == ".jsonl":
        return [without_times(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return path.read_bytes()


def files(run: Path) -> list[str]:
    return sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if not path.is_dir())


def assert_alike(run: Path, whole: Path, figures: bool = True) -> None:
    """The two runs hold the same files, with the same in them, times aside; and `run` is sealed."""
    kept = [name for name in files(whole) if figures or not name.startswith(("figures/", "report.html"))]
    there = [name for name in files(run) if figures or not name.startswith(("figures/", "report.html"))]
    assert there == kept
    for name in kept:
        assert content(run / name) == content(whole / name), name
    assert broken(run) == []


def wait_for(happened: Any, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"{what} took more than {seconds} s"
        time.sleep(0.02)
