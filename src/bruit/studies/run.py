"""The run folder: one study at a time, never somebody else's files, never a half-written one."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import platform
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bruit.errors import DataError, RunError
from bruit.files import read_json, read_text, write_json, write_text
from bruit.locale import Sentence
from bruit.seals import SEAL
from bruit.studies.finished import SETTINGS, is_lost, no_run
from bruit.training.claim import locked, option, remove
from bruit.training.stored import FILES

SESSION = "session.json"
# In the order in which --force deletes them: whatever stops it, what is left is a run to go on with, or to replace.
OWN = (
    *("results.json", "report.html", "findings.json", "environment.json", SESSION, "samples.npz"),
    *(SEAL, "test_labels.npy", "test_ids.npy", "models", "ensemble", "crossval", "learning", "robustness"),
    "figures",
)
# What results come from; the rest of a run is made anew from these whenever it is resumed.
SEALED = (
    *("results.json", "findings.json", "environment.json", "test_labels.npy", "test_ids.npy"),
    "robustness/robustness.json",
)
SEALED_OF_TRAININGS = (*FILES, SEAL, "test_probs.npy", "folds.npy", "oof_probs.npy")


@dataclass(frozen=True)
class Settings:
    """All that decides what a study computes; a run is resumed only under the very same settings."""

    data: str
    fingerprint: str
    models: tuple[str, ...]
    crossval: tuple[str, ...]
    learning_curve: tuple[str, ...]
    folds: int
    repeats: int
    seed: int
    epochs: dict[str, int]
    quick: bool
    precision: str
    threads: int
    version: str
    torch: str
    recipes: dict[str, dict[str, Any]]
    # Digest, scale and classes of models from outside; None where there are none, as in runs of earlier versions.
    outside: dict[str, dict[str, Any]] | None = None
    # The noise that augments, see bruit.studies.augmentation; None likewise.
    augment: dict[str, Any] | None = None
    # Whether it takes the time it needs; None where it does not, likewise.
    best: bool | None = None
    # Whether the networks are shown noisy test images; None where they are not, likewise.
    robustness: bool | None = None


@contextmanager
def open_run(folder: Path, settings: Settings, *, resume: bool, force: bool) -> Iterator[None]:
    """Hold the run folder's lock for the body, with study.toml in place.

    A folder with another run is refused unless `resume` (same settings: go on) or `force` (delete that run's files).
    A folder with anything else in it is always refused. Raises RunError.
    """
    if is_lost(folder):
        raise no_run(folder)
    with locked(folder, SETTINGS):
        if (folder / SETTINGS).is_file():
            if force:
                # The settings go last: without them what is left would be taken for somebody else's files.
                remove(folder, (*OWN, SETTINGS))
            elif not resume:
                raise RunError(
                    "{folder} holds a run already; add --resume to go on with it, --force to replace it", folder=folder
                )
            else:
                _check_same(read_settings(folder), settings, folder)
        _sweep(folder)
        write_text(folder / SETTINGS, _to_toml(settings))
        yield


def read_settings(folder: Path) -> dict[str, Any]:
    """study.toml as a dict. Raises RunError if the folder holds no run or the file is damaged."""
    path = folder / SETTINGS
    try:
        _, checksum, settings = read_text(path).split("\n", 2)
        if checksum != _checksum(settings):
            raise ValueError("its checksum is another")
        return tomllib.loads(settings)
    except OSError as error:
        if path.is_file():
            raise RunError("cannot read {path}: {error.strerror}; make it readable", path=path, error=error) from error
        raise no_run(folder) from error
    except ValueError as error:
        raise RunError("{path} is damaged; add --force to start again", path=path) from error


def settings_to_resume(folder: Path) -> dict[str, Any]:
    """The settings with which the run in `folder` was begun; {} where none was. Raises RunError as `read_settings`."""
    return read_settings(folder) if (folder / SETTINGS).is_file() or is_lost(folder) else {}


def sealed_files(folder: Path) -> list[str]:
    """The files of a finished run that its results are, or come from."""
    paths = (
        path for place in ("models", "ensemble", "crossval", "learning") for path in sorted((folder / place).rglob("*"))
    )
    return [*SEALED, *(path.relative_to(folder).as_posix() for path in paths if path.name in SEALED_OF_TRAININGS)]


def keep_session(folder: Path, command: str, seconds: float) -> dict[str, Any]:
    """Write into session.json, and give, the command that began a study, and what it took so far."""
    now = {"command": command, "seconds": seconds}
    write_json(folder / SESSION, now)
    return now


@contextmanager
def session(folder: Path, command: str, start: float) -> Iterator[Callable[[], dict[str, Any]]]:
    """Count the time since `start` (of time.perf_counter) on top of what earlier sessions of the study took.

    Gives a function for what results.json says of them all: the command that began the study, and the seconds so far.
    session.json keeps both whenever it is called, and as the body ends.
    """
    earlier = 0.0
    with suppress(DataError, KeyError, TypeError, ValueError):
        kept = read_json(folder / SESSION)
        command, seconds = str(kept["command"]), float(kept["seconds"])
        earlier = seconds if 0 <= seconds < math.inf else 0.0

    def so_far() -> dict[str, Any]:
        return keep_session(folder, command, earlier + time.perf_counter() - start)

    so_far()  # whoever kills it in its first second may ask later how it was begun
    try:
        yield so_far
    finally:
        with suppress(RunError):
            so_far()


def _to_toml(settings: Settings) -> str:
    import tomli_w

    text = tomli_w.dumps(_plain(settings)).encode(errors="replace").decode()
    note = "# What this study computes; --resume goes on only if none of it has changed.\n"
    return f"{note}{_checksum(text)}\n{text}"


def _checksum(settings: str) -> str:
    return f"# SHA-256 of all below: {hashlib.sha256(settings.encode()).hexdigest()}"


def _plain(settings: Settings) -> dict[str, Any]:
    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items() if item is not None}
        return [clean(item) for item in value] if isinstance(value, tuple | list) else value

    plain: dict[str, Any] = clean(dataclasses.asdict(settings))
    return plain


def _check_same(stored: dict[str, Any], settings: Settings, folder: Path) -> None:
    wanted = _plain(settings)
    # The same images may lie in another folder now: their fingerprint decides, not the path.
    keys = sorted((stored.keys() | wanted.keys()) - {"data"})
    changed = [key for key in keys if stored.get(key) != wanted.get(key)]
    if not changed:
        return
    key = changed[0]
    if key == "fingerprint":
        raise RunError(
            "the data have changed since {folder} was begun; restore them, or add --force to start again", folder=folder
        )
    before, now = (str(side[key]) if key in side else Sentence("not set") for side in (stored, wanted))
    short = len(f"{before}{now}") < 120
    detail = Sentence("was {before}, is {now}", before=before, now=now) if short else Sentence("differs")
    raise RunError(
        "{folder} was begun with other settings ({key} {detail}); repeat them, or add --force to start again",
        folder=folder,
        key=option(key),
        detail=detail,
    )


def _sweep(folder: Path) -> None:
    """Delete the temporary files of a study that was killed while it wrote."""
    for name in (SETTINGS, *OWN):
        for leftover in (*folder.glob(f".{name}.*"), *(folder / name).rglob(".*.*")):
            if not leftover.is_dir():
                leftover.unlink(missing_ok=True)


def describe_environment(threads: int, precision: str) -> dict[str, Any]:
    """What the figures were made with, for the report and for whoever repeats them."""
    import numpy
    import torch

    import bruit
    from bruit.training.device import choose_device

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "bruit": bruit.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "threads": threads,
        "precision": precision,
        "device": torch.cuda.get_device_name() if choose_device().type == "cuda" else "cpu",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
