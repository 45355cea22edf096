"""Seals: the checksums of a folder's finished files, so that what was damaged later is found, and not computed with.

SHA256SUMS is laid out as `sha256sum --check SHA256SUMS` reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bruit.errors import DataError, RunError
from bruit.files import read_text, write_text

SEAL = "SHA256SUMS"


def seal(folder: Path, names: Iterable[str]) -> None:
    """Write the checksums of those of the files `names` that are in `folder`. Raises RunError."""
    try:
        there = [name for name in names if (folder / name).is_file()]
        lines = [f"{checksum(folder / name)}  {name}\n" for name in there]
    except OSError as error:
        raise RunError(
            "cannot read {path}: {error.strerror}; make it readable", path=error.filename, error=error
        ) from error
    write_text(folder / SEAL, "".join(lines))


def broken(folder: Path) -> list[str]:
    """What is not as it was when `folder` was sealed: names of files, or of the seal itself."""
    try:
        sealed = _read(folder)
    except (OSError, ValueError):
        return [SEAL]
    return [name for name, sum_ in sealed.items() if not _holds(folder / name, sum_)]


def refuse_broken(folder: Path, *names: str) -> None:
    """Raise DataError for the first of the files `names` that is there, but not as it was when `folder` was sealed.

    What was never sealed passes: a model's files may have been copied without their seal.
    """
    try:
        sealed = _read(folder)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise DataError("{path} is damaged", path=folder / SEAL) from error
    for name in names:
        if name in sealed and (folder / name).is_file() and not _holds(folder / name, sealed[name]):
            raise DataError("{path} is not as it was written: its checksum is another", path=folder / name)


def checksum(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(folder: Path) -> dict[str, str]:
    sealed = {}
    for line in read_text(folder / SEAL).splitlines():
        sum_, gap, name = line.partition("  ")
        if not gap:
            raise ValueError("a line without a checksum")
        sealed[name] = sum_
    if not sealed:
        raise ValueError("it is empty")
    return sealed


def _holds(path: Path, sum_: str) -> bool:
    try:
        return path.is_file() and checksum(path) == sum_
    except OSError:
        return False
