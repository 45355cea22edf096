"""What a study left when it was finished, as whoever comes later reads it: without PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bruit.errors import BruitError, DataError, RunError
from bruit.files import read_json
from bruit.locale import Sentence
from bruit.seals import refuse_broken
from bruit.shell import typed

SETTINGS = "study.toml"
SCHEMA = 1
PARTS = ("dataset", "models", "crossval", "winner", "comparison", "conclusion", "environment")


def read_results(run: Path) -> dict[str, Any]:
    """results.json of a finished run. Raises RunError if it is missing, damaged, or has another layout."""
    path = run / "results.json"
    if not (run / SETTINGS).is_file():
        raise no_run(run)
    if not path.is_file():
        raise RunError(
            "{run} is not finished (results.json is missing); go on with {how_to_resume}",
            run=run,
            how_to_resume=how_to_resume(run),
        )
    try:
        refuse_broken(run, "results.json")
        results = read_json(path)
    except DataError as error:
        raise RunError(
            "{path} is damaged ({why}); write it again with {how_to_resume}",
            path=path,
            why=error.__cause__ or Sentence("its checksum is another"),
            how_to_resume=how_to_resume(run),
        ) from error
    schema = results.get("schema") if isinstance(results, dict) else None
    if schema != SCHEMA:
        raise RunError(
            "{path} has layout {schema}, expected {SCHEMA}; run the study again with this version",
            path=path,
            schema=schema,
            SCHEMA=SCHEMA,
        )
    missing = [key for key in PARTS if key not in results]
    if missing:
        raise RunError(
            "{path} is damaged ({missing} missing); write it again with {how_to_resume}",
            path=path,
            missing=", ".join(missing),
            how_to_resume=how_to_resume(run),
        )
    return dict(results)


@contextmanager
def refusing_odd_results(run: Path) -> Iterator[None]:
    """What goes wrong in the body, which shows results.json, because that holds something else than it should, as one
    RunError: a file that is whole may have been written by anybody.
    """
    try:
        yield
    except BruitError:
        raise
    except Exception as error:
        raise RunError(
            "{path} does not hold what a finished study writes; write it again with {how_to_resume}",
            path=run / "results.json",
            how_to_resume=how_to_resume(run),
        ) from error


def no_run(folder: Path) -> RunError:
    """What is to be said of a folder without study.toml."""
    if is_lost(folder):
        return RunError(
            "{folder} is a run that lost its {SETTINGS}; put it back, or choose another folder",
            folder=folder,
            SETTINGS=SETTINGS,
        )
    if not folder.exists():
        return RunError("no folder is called {folder}; expected the --out of a bruit study", folder=folder)
    return RunError(
        "{folder} holds no run ({SETTINGS} is missing); expected the --out of a bruit study",
        folder=folder,
        SETTINGS=SETTINGS,
    )


def is_lost(folder: Path) -> bool:
    """Whether it looks like a run but for its study.toml."""
    return not (folder / SETTINGS).is_file() and all((folder / name).exists() for name in ("findings.json", "models"))


def how_to_resume(folder: Path) -> str:
    """The command that goes on with a run: it needs no more, because study.toml has the rest."""
    return typed(["bruit", "study", "--out", str(folder), "--resume"])
