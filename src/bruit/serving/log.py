"""One JSON line on standard error for each request, and for what the server says of itself."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any

# Whatever a client sends as its path, a line stays a line.
LONGEST = 200


def write(**values: Any) -> None:
    """A line; a standard error that is gone stops no server."""
    line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **values})
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def request(method: str, path: str, status: int, seconds: float, images: int) -> None:
    ms = round(seconds * 1000, 2)
    write(method=method[:LONGEST], path=path[:LONGEST], status=status, ms=ms, images=images)


def failure(path: str, error: Exception) -> None:
    """What went wrong that should not have, and where; clients are not told."""
    where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-5:]]
    what = f"{type(error).__name__}: {error}"[: 5 * LONGEST]
    write(level="error", path=path[:LONGEST], error=what, where=where)


class Lines(logging.Handler):
    """What libraries log, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        write(level=record.levelname.lower(), message=record.getMessage()[: 5 * LONGEST])
