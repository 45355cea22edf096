"""The report again, from the run folder alone."""

from __future__ import annotations

from pathlib import Path

from bruit.report.report import write
from bruit.studies.results import read_results


def rebuild(run: str | Path) -> Path:
    """Write report.html and the figures of a finished run again; returns the report's path. Raises RunError."""
    run = Path(run)
    return write(run, read_results(run))
