"""What no reading of foreign bytes may do, and the means to catch one that does it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import bruit

SOURCE = str(Path(bruit.__file__).parent)
STARTING = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect")
RUNNING = ("exec", "import", "ctypes.dlopen", "pickle.find_class", "marshal.loads")
CHANGING = ("shutil.rmtree", "os.remove", "os.rename", "os.mkdir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Broken(BaseException):
    """A rule that was not kept. No `except Exception` of a reader may hide it."""


class Guard:
    """An audit hook that lets nothing but reading happen while it is on. It can be added once and never removed."""

    def __init__(self) -> None:
        self.on = self.renders = False
        self.may_write: tuple[str, ...] = ()
        sys.addaudithook(self.hear)

    def hear(self, event: str, about: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, _, flags = about
            if flags & WRITING and path != os.devnull and not self.may_change(path):
                self.forbid(f"opens {path!r} for writing")
        elif event == "compile":
            # NumPy parses headers by ast.literal_eval, which compiles nothing to run.
            if about[1] != "<unknown>" and not (self.renders and str(about[1]).startswith(SOURCE)):
                self.forbid(f"compiles {about[1]!r}")
        elif (
            event in STARTING
            or (event in RUNNING and not self.renders)
            or (event in CHANGING and not self.may_change(about[0]))
        ):
            self.forbid(f"{event} {str(about)[:120]}")

    def may_change(self, path: object) -> bool:
        # An open file's number, and a name within an open folder's, are of what was opened before.
        return bool(self.may_write) and (
            not isinstance(path, str | bytes) or not os.path.isabs(path) or os.fsdecode(path).startswith(self.may_write)
        )

    def forbid(self, what: str) -> None:
        self.on = False
        raise Broken(what)


GUARD = Guard()


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Break the body off after so much processor time, or ten times as long in all: other programs may be busy."""

    def ring(number: int, frame: object) -> None:
        raise Broken(f"took more than {seconds} s")

    timers = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, 10 * seconds))
    before = [signal.signal(what, ring) for what, _, _ in timers]
    for _, timer, most in timers:
        signal.setitimer(timer, most)
    try:
        yield
    finally:
        for (what, timer, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(what, handler)


def held(what: str) -> int:
    """Bytes of memory that this process holds ("VmRSS"), or held at most ("VmHWM", since `forget_the_most`)."""
    try:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition(f"{what}:")[2].split()[0])
    except (OSError, IndexError):  # no Linux: the most that it ever held
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_the_most() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def give_back() -> None:
    """Have glibc give back what is free, so that what is left is held by somebody."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
