"""The models that a server offers, opened when it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bruit.errors import ModelError, RunError
from bruit.locale import printable
from bruit.reading.models import open_model
from bruit.reading.reader import Reader
from bruit.serving.refusal import RequestError
from bruit.studies.finished import SETTINGS, no_run, read_results
from bruit.studies.places import SHIPPED, SMALL_NAMES

ROBUST = "robust"
LARGEST_REPORT = 2**26


@dataclass(frozen=True, eq=False)
class Offered:
    """A model under the name that requests call it by."""

    name: str
    reader: Reader
    winner: bool = False

    def described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "classes": list(self.reader.classes),
            "input_shape": list(self.reader.input_shape),
            "winner": self.winner,
        }


class Shelf:
    """The models of a server, the robust one first.

    report  the page of the run that they are of, if they are of one
    """

    def __init__(self, models: list[Offered], report: bytes | None = None) -> None:
        self._models = {one.name: one for one in models}
        self.report = report

    def __iter__(self) -> Iterator[Offered]:
        return iter(self._models.values())

    @property
    def first(self) -> Offered:
        return next(iter(self))

    def find(self, name: str | None) -> Offered:
        """By default the first. Raises RequestError for a name that there is not."""
        if name is None:
            return self.first
        if name not in self._models:
            raise RequestError(
                "no model is called {name}; there are {there}", name=printable(name, 60), there=", ".join(self._models)
            )
        return self._models[name]


def open_shelf(run: Path | None = None) -> Shelf:
    """`robust`, and the finished networks of a run; without one those that come with bruit.

    Raises RunError for what is no run, or one without a finished network.
    """
    robust = Offered(ROBUST, Reader(open_model(ROBUST)))
    if run is None:
        return Shelf([robust, *(Offered(name, Reader(open_model(f"small/{name}"))) for name in SMALL_NAMES)])
    if not (run / SETTINGS).is_file():
        raise no_run(run)
    names = [path.parent.name for path in sorted(run.glob("models/*/config.json"))]
    names = [name for name in names if name not in SHIPPED]
    if not names:
        raise RunError("{run} has no finished model; go on with the study, or leave RUN out", run=run)
    winner = str(read_results(run)["winner"]) if (run / "results.json").is_file() else None
    models = [Offered(name, Reader(open_model(f"{run}:{name}")), name == winner) for name in names]
    return Shelf([robust, *models], _report(run / "report.html"))


def _report(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > LARGEST_REPORT:
            raise ModelError("{path} is no report of bruit: it is too large", path=path)
        return path.read_bytes()
    except OSError:
        return None
