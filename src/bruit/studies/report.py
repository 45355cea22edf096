"""The report again, from the run folder alone."""

from __future__ import annotations

from pathlib import Path

from bruit.locale import language
from bruit.report.report import write
from bruit.studies.finished import read_results, refusing_odd_results


def rebuild(run: str | Path, lang: str | None = None) -> Path:
    """Write report.html and the figures of a finished run again, in `lang`, or in the language of the environment.

    Returns the report's path. Raises RunError.
    """
    run = Path(run)
    results = read_results(run)
    with refusing_odd_results(run):
        return write(run, results, lang or language())
