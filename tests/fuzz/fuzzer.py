"""A small coverage-guided fuzzer for readers of foreign bytes, and the rules that each reading must keep.

An input that reaches a line of bruit, or an outcome, that none before it did is kept and changed further. While a
reader reads, nothing may be executed, started, connected or written; it has two seconds, and 64 MiB of memory.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from rules import GUARD, SOURCE, Broken, alarm, forget_the_most, give_back, held

from bruit.errors import BruitError

# What one reading may take, in processor time and bytes; and one that makes a report.
SECONDS, MEMORY = 2.0, 64 * 2**20
REPORT_SECONDS, REPORT_MEMORY = 10.0, 128 * 2**20
INTERESTING = (0, 1, 2, 7, 8, 16, 127, 128, 255, 256, 1024, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
NUMBERS = ("0", "-1", "1", "255", "256", "4294967295", "99999999999999999999", "1e999", "-1e308", "NaN", "0.5", "")
VALUES = (None, True, 0, -1, 10**6, 10**20, 1e308, "", "x", "../x", "é\n", [], {}, [[]], {"a": 1})


@dataclass(frozen=True)
class Target:
    """A reader of foreign bytes.

    seeds   whole files to begin with
    read    called with a folder, in which the file `place` holds the changed bytes
    beside  what stands whole beside it
    wrap    makes the file's bytes of the changed ones, as by packing them, so that changes come behind checksums
    json    changes the values of JSON, too
    cost    inputs that one of this reader's counts for
    writes  it also writes: where it reads, and temporary files
    renders it makes a report, whose templates are compiled, with bounds of its own
    """

    name: str
    place: str
    seeds: tuple[bytes, ...]
    read: Callable[[Path], object]
    beside: dict[str, bytes] = field(default_factory=dict)
    wrap: Callable[[bytes], bytes] = bytes
    json: bool = False
    cost: int = 1
    writes: bool = False
    renders: bool = False


@dataclass
class Tried:
    """What a target's trials came to.

    memory  bytes that one reading took, at the most
    growth  bytes that the process held more after all of them
    """

    name: str
    inputs: int = 0
    read: int = 0
    outcomes: set[str] = field(default_factory=set)
    lines: int = 0
    kept: int = 0
    slowest: float = 0.0
    memory: int = 0
    growth: int = 0
    broken: list[tuple[str, bytes]] = field(default_factory=list)


class Changes:
    """Changed copies of what is worth changing."""

    def __init__(self, rng: random.Random, as_json: bool) -> None:
        self.rng, self.as_json = rng, as_json

    def of(self, corpus: list[bytes]) -> bytes:
        content = self.rng.choice(corpus)
        if self.as_json and self.rng.random() < 0.7:
            try:
                return json.dumps(self.value(json.loads(content))).encode()
            except (ValueError, RecursionError):
                pass
        for _ in range(self.rng.choice((1, 1, 2, 3, 5))):
            content = self.once(bytearray(content), corpus)
        return content

    def once(self, content: bytearray, corpus: list[bytes]) -> bytes:
        rng, n = self.rng, len(content)
        at, size = rng.randrange(n + 1), rng.choice((1, 1, 2, 4, 8, 16, 64))
        match rng.randrange(9):
            case 0 if n:
                content[at % n] ^= 1 << rng.randrange(8)
            case 1 if n:
                content[at % n] = rng.randrange(256)
            case 2:
                width, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
                content[at : at + width] = (rng.choice(INTERESTING) % 256**width).to_bytes(width, order)
            case 3:
                content[at:at] = rng.randbytes(size)
            case 4:
                del content[at : at + size]
            case 5:
                start = rng.randrange(n + 1)
                content[at:at] = content[start : start + size]
            case 6:
                del content[at:]
            case 7:
                other = rng.choice(corpus)
                content = content[:at] + other[rng.randrange(len(other) + 1) :]
            case _:
                numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content[:10000]))
                if numbers:
                    one = rng.choice(numbers)
                    content[one.start() : one.end()] = rng.choice(NUMBERS).encode()
        return bytes(content[: 2**20])

    def value(self, value: Any) -> Any:
        """The same JSON value with something in it replaced, removed or added."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.9:
            key = rng.choice(list(value))
            if rng.random() < 0.15:
                return {name: one for name, one in value.items() if name != key}
            return value | {key: self.value(value[key])}
        if isinstance(value, list) and value and rng.random() < 0.8:
            at = rng.randrange(len(value))
            if rng.random() < 0.2:
                return value[:at] + value[at + 1 :] if rng.random() < 0.5 else value + [value[at]] * rng.choice((1, 50))
            return [*value[:at], self.value(value[at]), *value[at + 1 :]]
        return rng.choice(VALUES)


class Coverage:
    """The lines of bruit that were ever reached; frames of functions that are all known are not traced any more."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()
        self.known: dict[object, set[int]] = {}

    def __call__(self, frame: FrameType, event: str, about: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(SOURCE):
            return None
        left = self.known.get(code)
        if left is None:
            left = self.known[code] = {line for _, _, line in code.co_lines() if line}
        if not left:
            return None

        def trace(frame: FrameType, event: str, about: object) -> Any:
            if event == "line" and frame.f_lineno in left:
                left.discard(frame.f_lineno)
                self.lines.add((code.co_filename, frame.f_lineno))
            return trace

        return trace


def reading(target: Target, folder: Path) -> str:
    """One reading under the rules: "read", or the sentence of the error. Raises Broken."""
    GUARD.renders = target.renders
    GUARD.may_write = (str(folder), tempfile.gettempdir()) if target.writes else ()
    try:
        with alarm(REPORT_SECONDS if target.renders else SECONDS):
            GUARD.on = True
            try:
                target.read(folder)
            finally:
                GUARD.on = False
    except BruitError as error:
        said = str(error)
        if "needs more memory than there is" in said:
            raise Broken(said) from error
        return outcome(error)
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {str(error)[:200]}") from error
    return "read"


def outcome(error: BruitError) -> str:
    """The sentence of an error, without its values, and those of the errors within it."""
    within = [outcome(value) for value in error.values.values() if isinstance(value, BruitError)]
    return " < ".join((str(error.args[0]), *within))


def lay(files: dict[str, bytes], folder: Path) -> None:
    """Write files by their names, which may have folders in them."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def prepare(target: Target, folder: Path) -> None:
    """Lay what stands beside the file, and read every seed once: what readers import, they import here."""
    shutil.rmtree(folder, ignore_errors=True)
    lay(target.beside, folder)
    (folder / target.place).parent.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (folder / target.place).write_bytes(target.wrap(seed))
        with suppress(BruitError):
            target.read(folder)


def fuzz(target: Target, folder: Path, n: int, seed: object = 0) -> Tried:
    """Try a target n times."""
    prepare(target, folder)
    tried, corpus, coverage = Tried(target.name), list(target.seeds), Coverage()
    changes = Changes(random.Random(f"{target.name} {seed}"), target.json)
    began, most = held("VmRSS"), REPORT_MEMORY if target.renders else MEMORY
    for _ in range(n):
        content = changes.of(corpus)
        (folder / target.place).write_bytes(target.wrap(content))
        forget_the_most()
        memory = held("VmRSS")
        before, start = len(coverage.lines), time.process_time()
        sys.settrace(coverage)
        try:
            ended = reading(target, folder)
        except Broken as error:
            sys.settrace(None)
            ended = f"BROKEN: {error}"
            if ended.split("'")[0] not in {what.split("'")[0] for what, _ in tried.broken}:
                tried.broken.append((ended, content))
        finally:
            sys.settrace(None)
        tried.slowest = max(tried.slowest, time.process_time() - start)
        memory = held("VmHWM") - memory
        if memory > max(most, tried.memory):
            tried.broken.append((f"BROKEN: took {memory / 2**20:.0f} MiB", content))
        tried.memory = max(tried.memory, memory)
        tried.inputs += 1
        tried.read += ended == "read"
        if len(coverage.lines) > before or ended not in tried.outcomes:
            tried.outcomes.add(ended)
            corpus.append(content)
    give_back()
    tried.lines, tried.kept, tried.growth = len(coverage.lines), len(corpus), max(0, held("VmRSS") - began)
    if tried.growth > most:
        tried.broken.append((f"BROKEN: {tried.growth / 2**20:.0f} MiB were never given back", b""))
    return tried
