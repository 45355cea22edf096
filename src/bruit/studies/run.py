"""The run folder: one study at a time, never somebody else's files, never a half-written one."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bruit.errors import RunError
from bruit.files import write_text

SETTINGS = "study.toml"
OWN = (
    *("findings.json", "environment.json", "results.json", "report.html", "samples.npz"),
    *("test_labels.npy", "test_ids.npy", "models", "crossval", "figures"),
)


@dataclass(frozen=True)
class Settings:
    """All that decides what a study computes; a run is resumed only under the very same settings."""

    data: str
    fingerprint: str
    models: tuple[str, ...]
    crossval: tuple[str, ...]
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


@contextmanager
def open_run(folder: Path, settings: Settings, *, resume: bool, force: bool) -> Iterator[None]:
    """Hold the run folder's lock for the body, with study.toml in place.

    A folder with another run is refused unless `resume` (same settings: go on) or `force` (delete that run's files).
    A folder with anything else in it is always refused. Raises RunError.
    """
    from filelock import FileLock, Timeout

    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; give --out a folder")
    present = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    # What a study leaves that was killed before its first file was whole is nobody's.
    foreign = [name for name in present if name != "lock" and not name.startswith(f".{SETTINGS}.")]
    if foreign and not (folder / SETTINGS).is_file():
        raise RunError(
            f"{folder} holds other files ({', '.join(sorted(foreign)[:4])}); give --out an empty or a new folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise RunError(f"another study is writing into {folder}; wait for it, or choose another --out") from error
    except OSError as error:
        raise RunError(f"cannot write into {folder}: {error.strerror}; choose another --out") from error
    try:
        if (folder / SETTINGS).is_file():
            if force:
                _clear(folder)
            elif not resume:
                raise RunError(f"{folder} holds a run already; add --resume to go on with it, --force to replace it")
            else:
                _check_same(read_settings(folder), settings, folder)
        _sweep(folder)
        write_text(folder / SETTINGS, _to_toml(settings))
        yield
    finally:
        lock.release()


def read_settings(folder: Path) -> dict[str, Any]:
    """study.toml as a dict. Raises RunError if the folder holds no run or the file is damaged."""
    try:
        return tomllib.loads((folder / SETTINGS).read_text("utf-8"))
    except OSError as error:
        raise RunError(f"{folder} holds no run ({SETTINGS} is missing); expected the --out of a bruit study") from error
    except ValueError as error:
        raise RunError(f"{folder / SETTINGS} is damaged ({error}); add --force to start again") from error


def _to_toml(settings: Settings) -> str:
    import tomli_w

    return "# What this study computes; --resume goes on only if none of it has changed.\n" + tomli_w.dumps(
        _plain(settings)
    )


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
        raise RunError(f"the data have changed since {folder} was begun; restore them, or add --force to start again")
    before, now = (str(side.get(key)) for side in (stored, wanted))
    detail = f"was {before}, is {now}" if len(before + now) < 120 else "differs"
    raise RunError(
        f"{folder} was begun with other settings ({key} {detail}); repeat them, or add --force to start again"
    )


def _sweep(folder: Path) -> None:
    """Delete the temporary files of a study that was killed while it wrote."""
    for name in (SETTINGS, *OWN):
        for leftover in (*folder.glob(f".{name}.*"), *(folder / name).rglob(".*.*")):
            leftover.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    # The settings go last: without them what is left would be taken for somebody else's files.
    for name in (*OWN, SETTINGS):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


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
