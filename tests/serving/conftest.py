"""A server in a process of its own, as people start it, and a browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pictures import png
from PIL import Image


@dataclass
class Served:
    """A server that answers; what it logs is in `lines`."""

    process: subprocess.Popen[str]
    url: str
    models: list[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://").rstrip("/")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


Serve = Callable[..., Served]


def started(*arguments: str, **environment: str) -> Served:
    """`bruit serve` on a free port, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bruit", "serve", "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if line.rstrip() == "}":
            break
    assert told, process.stderr and process.stderr.read()
    served = Served(process, **json.loads(told))
    # Nobody reading what it logs would stop it in the end.
    threading.Thread(target=_collect, args=(served,), daemon=True).start()
    return served


def _collect(served: Served) -> None:
    assert served.process.stderr is not None
    served.lines.extend(json.loads(line) for line in served.process.stderr)


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Starts servers, which end with the module."""
    running: list[Served] = []

    def start(*arguments: str, **environment: str) -> Served:
        running.append(started(*arguments, **environment))
        return running[-1]

    yield start
    for served in running:
        if served.process.poll() is None:
            served.stop()
        for stream in (served.process.stdout, served.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve()


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=120, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def some_digits(digits) -> list[np.ndarray]:
    """One test image of each class, as the model reads it."""
    return [digits.test.images[np.flatnonzero(digits.test.labels == label)[0]] for label in range(10)]


@pytest.fixture(scope="session")
def drawing() -> bytes:
    """A 7 in dark strokes on white, larger than what the model sees."""
    from PIL import ImageDraw

    image = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(image).line([(80, 70), (200, 70), (120, 220)], fill=0, width=24, joint="curve")
    return png(np.asarray(image))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """For no longer than its module: while it is there an event loop runs, and no test can run another."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        leave = pytest.fail if "NEED_CHROMIUM" in os.environ else pytest.skip
        leave("Chromium is not installed, so no page is looked at")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("0123456789abcdef0123456789abcdef\n", "utf-8")
    return file
