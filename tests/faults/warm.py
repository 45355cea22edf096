"""A process with all of bruit imported that forks a child for each command line it is sent: trials cost no start-up.

Run by `harness.Warm`. A line of JSON in: {"arguments", "cwd", "out", "err", "faults", "user"}; two lines out: the
child's process id (it leads a process group of its own), and how it ended, as subprocess.Popen.returncode has it.
"""

from __future__ import annotations

import atexit
import errno
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bruit.__main__ import main

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
EVENTS = {"os.rename": "rename", "os.mkdir": "mkdir", "os.remove": "unlink"}


class Faults:
    """What is to go wrong in this process.

    count   report on standard error how many of each kind of step there were: {"fsync": 12, …}
    step    [kind, k, what]: at the kth step of a kind, counted from 0, raise the error of that name, or be killed
    deny    a path that may not be opened
    largest bytes of one file, above which writing fails
    silent  no reports: for trials that are not about them
    nowhere no folder for temporary files
    """

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted, self.counts = wanted, dict.fromkeys(("open", "write", "fsync", "rename", "mkdir", "unlink"), 0)
        kind, k, what = wanted.get("step", (None, 0, ""))
        self.kind, self.k, self.what = kind, k, what
        self.denied = self.file_at(wanted["deny"]) if "deny" in wanted else None
        # Held open, so that no other file gets its number once it is deleted.
        self.held = os.open(wanted["deny"], os.O_RDONLY) if self.denied is not None else None

    def arm(self) -> None:
        if self.wanted.get("silent"):
            from bruit.studies import study

            study._report = lambda run, results: None
        if self.wanted.get("nowhere"):
            tempfile._candidate_tempdir_list = lambda: ["/proc/nowhere"]
        if "largest" in self.wanted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.wanted["largest"], resource.RLIM_INFINITY))
        if self.kind or "deny" in self.wanted or "count" in self.wanted:
            sys.addaudithook(self.hear)
            self.watch(os, "fsync", "fsync")
            self.watch_writes()

    @staticmethod
    def file_at(path: Any) -> tuple[int, int] | None:
        with suppress(OSError):
            there = os.stat(path)
            return there.st_dev, there.st_ino
        return None

    def hear(self, event: str, about: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = about
            # What takes the place of an unreadable file is another file.
            if self.denied and isinstance(path, str | bytes) and self.file_at(path) == self.denied:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            if flags & WRITING and isinstance(path, str | bytes) and not os.fsdecode(path).startswith("/dev/"):
                self.happens("open", os.fsdecode(path))
        elif event in EVENTS:
            self.happens(EVENTS[event], os.fsdecode(about[0]))

    def watch(self, owner: Any, name: str, kind: str) -> None:
        real = getattr(owner, name)

        def watched(*args: Any, **named: Any) -> Any:
            self.happens(kind, None)
            return real(*args, **named)

        setattr(owner, name, watched)

    def watch_writes(self) -> None:
        real = tempfile.NamedTemporaryFile

        def make(*args: Any, **named: Any) -> Any:
            file = real(*args, **named)
            self.watch(file, "write", "write")
            return file

        tempfile.NamedTemporaryFile = make

    def happens(self, kind: str, path: str | None) -> None:
        now = self.counts[kind]
        self.counts[kind] += 1
        if kind != self.kind or now != self.k:
            return
        if self.what == "SIGKILL":
            os.killpg(0, signal.SIGKILL)
        number = getattr(errno, self.what)
        raise OSError(number, os.strerror(number), path)


def child(order: dict[str, Any]) -> None:
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order.get("environment", {}))
    tempfile.tempdir = None
    if order.get("user"):
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    os.chdir(order["cwd"])
    sys.argv = ["bruit", *order["arguments"]]
    faults = Faults(order["faults"])
    code: object = 70
    try:
        faults.arm()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        main()
    except SystemExit as left:
        code = left.code
    except BaseException:
        traceback.print_exc()
    finally:
        faults.kind = None
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        if "count" in order["faults"]:
            print(json.dumps(faults.counts), file=sys.stderr)
        sys.stderr.flush()
        # Not by sys.exit: libraries would wait for threads that were not forked with their memory.
        os._exit(code if isinstance(code, int) else 71)


def serve() -> None:
    """Do once what commands do, so that it is imported and found out; then fork them."""
    import sklearn.neighbors  # noqa: F401

    import bruit.cli.commands  # noqa: F401
    from bruit import DataPair, Dataset, study

    images, labels = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8), np.arange(24) % 2
    pair = DataPair("any", *(Dataset(images, labels, ("0", "1"), np.arange(24) + start) for start in (0, 24)))
    with tempfile.TemporaryDirectory() as folder:
        settings = {"models": ("logistic", "dnn"), "crossval": ("dnn",), "folds": 2, "repeats": 1, "epochs": 1}
        study(pair, Path(folder, "run"), workers=1, **settings)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command line has begun
            os.setpgid(0, 0)
            child(json.loads(line))
        with suppress(OSError):  # whichever of the two comes first
            os.setpgid(pid, pid)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
