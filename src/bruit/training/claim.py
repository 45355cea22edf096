"""A folder that one study, one training, or one cross-validation has to itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bruit.errors import DataError, RunError
from bruit.files import read_json, write_json

# The files that say whose a folder is: a study's, a training's, a cross-validation's, a learning curve's.
RECORDS = ("study.toml", "training.json", "crossval.json", "learning.json")
# How settings are called on the command line; the others cannot be given there.
OPTIONS = {
    **{
        name: f"--{name}"
        for name in ("models", "crossval", "folds", "repeats", "seed", "epochs", "quick", "best", "robustness")
    },
    "learning_curve": "--learning-curve",
    "start": "--from",
    "outside": "--with",
}
TEMPORARY = re.compile(r"\.(?:.+\.(?:json|jsonl|npy|safetensors)|SHA256SUMS)\.[a-z0-9_]{8}")


@contextmanager
def locked(folder: Path, record: str) -> Iterator[None]:
    """Hold the lock of `folder` for the body: of one that is new, empty, or marked by the file `record`.

    A folder with other files is refused, and so is one inside another's, which would delete it with its own.
    Raises RunError.
    """
    from filelock import FileLock, Timeout

    if folder.exists() and not folder.is_dir():
        raise RunError("{folder} is a file; give --out a folder", folder=folder)
    for outer in folder.resolve().parents:
        if any((outer / name).is_file() for name in RECORDS):
            raise RunError(
                "{folder} lies inside {outer}, where another run is; choose another --out", folder=folder, outer=outer
            )
    lock = FileLock(folder / "lock", timeout=0)
    try:
        present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        # What was killed before its first file was whole is nobody's.
        foreign = [name for name in present if name != "lock" and not name.startswith(f".{record}.")]
        if foreign and record not in present:
            raise RunError(
                "{folder} holds other files ({foreign}); give --out an empty or a new folder",
                folder=folder,
                foreign=", ".join(foreign[:4]),
            )
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunError(
            "another study or training is writing into {folder}; wait for it, or choose another --out", folder=folder
        ) from error
    except OSError as error:
        raise RunError(
            "cannot write into {folder}: {error.strerror}; choose another --out", folder=folder, error=error
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def claim(
    folder: Path,
    record: str,
    request: dict[str, Any],
    *,
    resume: bool,
    force: bool = False,
    stale: tuple[str, ...] = (),
) -> Iterator[None]:
    """Hold `folder` for the body as the place of what `request` asks for, as its file `record` says from then on.

    One that was claimed before is refused, unless `resume` is asked for with the same request, or `force`, which
    deletes the files named in `stale` first. Raises RunError.
    """
    with locked(folder, record):
        sweep(folder)
        if force:
            remove(folder, stale)
        elif (folder / record).is_file():
            if not resume:
                raise RunError(
                    "{folder} holds a training already; add --resume to go on with it, --force to replace it",
                    folder=folder,
                )
            try:
                before = dict(read_json(folder / record))
            except (DataError, TypeError, ValueError) as error:
                raise RunError(
                    "{folder} is damaged; add --force, or choose another --out", folder=folder / record
                ) from error
            changed = [key for key, value in request.items() if before.get(key) != value]
            if changed:
                if changed == ["fingerprint"]:
                    raise RunError(
                        "{folder} was begun with other data; repeat them, or choose another --out", folder=folder
                    )
                raise RunError(
                    "{folder} was begun with another {setting}; repeat it, or choose another --out",
                    folder=folder,
                    setting=option(next(key for key in changed if key != "fingerprint")),
                )
        write_json(folder / record, request)
        yield


def option(setting: str) -> str:
    """A setting as it is written on the command line, if it can be."""
    return OPTIONS.get(setting, setting)


def sweep(folder: Path) -> None:
    """Delete the temporary files of what was killed while it wrote."""
    for path in folder.rglob(".*"):
        if TEMPORARY.fullmatch(path.name) and not path.is_dir():
            path.unlink(missing_ok=True)


def remove(folder: Path, names: Iterable[str]) -> None:
    """Delete what is called so in `folder`, in this order; of a symbolic link the link alone. Raises RunError."""
    for path in (folder / name for name in names):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(
                "cannot delete {path}: {error.strerror}; make it writable, or choose another --out",
                path=path,
                error=error,
            ) from error
