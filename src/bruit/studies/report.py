"""The report again, from the run folder alone."""

from __future__ import annotations

from pathlib import Path

from bruit.errors import RunError
from bruit.files import read_json
from bruit.report.report import write
from bruit.studies.run import SETTINGS


def rebuild(run: str | Path) -> Path:
    """Write report.html and the figures of a finished run again; returns the report's path. Raises RunError."""
    run = Path(run)
    if not (run / SETTINGS).is_file():
        raise RunError(f"{run} holds no run ({SETTINGS} is missing); expected the --out of a bruit study")
    if not (run / "results.json").is_file():
        raise RunError(f"{run} is not finished (results.json is missing); go on with bruit study --out {run} --resume")
    path: Path = write(run, read_json(run / "results.json"))
    return path
