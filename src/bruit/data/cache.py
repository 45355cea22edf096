"""Where fetched data sets lie: fetching them, and finding them again as they were when they were verified."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from bruit.data.public import PUBLIC, PublicSet, Remote
from bruit.data.streams import refuse_no_file
from bruit.data.transfer import Progress, Transfer
from bruit.errors import BruitError, ConfigError, DataError, RunError
from bruit.files import read_json, said_of, write_json

VARIABLE = "BRUIT_CACHE"


def root() -> Path:
    """The folder of all sets: that of BRUIT_CACHE, or the one that the system has for such things."""
    asked = os.environ.get(VARIABLE, "").strip()
    return Path(asked).expanduser().absolute() if asked else Path(_pooch().os_cache("bruit"))


def place(one: PublicSet, remote: Remote) -> Path:
    """Where a file of a set lies, or will lie."""
    return root() / one.name / remote.file


def is_here(one: PublicSet) -> bool:
    """Whether all files of a set are there; they are looked at no further."""
    return all(place(one, remote).is_file() for remote in one.files)


def describe() -> list[dict[str, Any]]:
    """Every public set as plain values: where it comes from, its licence, size and digests, and what is here of it."""
    return [
        {
            "name": one.name,
            "summary": one.summary,
            "source": one.source,
            "licence": one.licence,
            "licence_by": one.licence_by,
            "images": {"train": one.n[0], "test": one.n[1]},
            "shape": list(one.shape),
            "size": one.size,
            "data": one.data,
            "fetched": is_here(one),
            "files": [
                {
                    "url": remote.url,
                    "size": remote.size,
                    "digest": remote.digest,
                    "facts": remote.facts,
                    "path": str(place(one, remote)),
                    "here": place(one, remote).is_file(),
                }
                for remote in one.files
            ],
        }
        for one in PUBLIC.values()
    ]


def found(one: PublicSet, remote: Remote) -> Path:
    """A file of a set, verified: now if it is new here, else when it came. Raises DataError."""
    path = place(one, remote)
    if not os.path.lexists(path):
        raise DataError(
            "{name} has not been fetched; run: bruit datasets fetch {name}, or download {url} on another machine and "
            "put it as {path}",
            name=one.name,
            url=remote.url,
            path=path,
        )
    refuse_no_file(path)
    _verify_once(one, remote, path)
    return path


def forget(one: PublicSet) -> None:
    """Keep no longer what digests files had of which none is published: they could not be read."""
    for remote in one.files:
        if remote.digest is None:
            with suppress(OSError):
                _note(place(one, remote)).unlink(missing_ok=True)


def fetch(one: PublicSet, *, force: bool = False, progress: Progress | None = None) -> list[Path]:
    """Fetch the files of a set that are not there yet, or with `force` all of them, and verify them.

    progress  called with (bytes that are there, bytes in all) on the way, as far as they are known

    Returns where they lie. What broke off goes on where it stopped. Raises DataError for what cannot be reached, or is
    not what was published, RunError for what cannot be written; a file that was there stays as it was.
    """
    counted = _Counted(one, progress)
    return [_fetch_one(one, remote, force, counted) for remote in one.files]


def _fetch_one(one: PublicSet, remote: Remote, force: bool, counted: _Counted) -> Path:
    path = place(one, remote)
    if not force and os.path.lexists(path):
        refuse_no_file(path)
        _verify_once(one, remote, path)
    else:
        transfer = Transfer(
            path.with_name(f".{path.name}.part"), path, remote.size, lambda part: _verify(remote, part, path), counted
        )
        fresh = path.with_name(f".{path.name}.fetched")
        with said_of(path):
            fresh.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            _pooch().retrieve(remote.url, remote.digest, fname=fresh.name, path=path.parent, downloader=transfer)
            fresh.replace(path)
        _remember(remote, path)
    counted.next_file(path)
    return path


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ConfigError(
            "public data sets need pooch; install it, in the folder of bruit: pip install -e '.[datasets]'"
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)
    return pooch


class _Counted:
    """Progress over all files of a set."""

    def __init__(self, one: PublicSet, progress: Progress | None) -> None:
        self.total, self.done, self.progress = one.size, 0, progress

    def __call__(self, here: int, size: int) -> None:
        if self.progress is not None:
            self.progress(self.done + here, self.total or self.done + size)

    def next_file(self, path: Path) -> None:
        size = path.stat().st_size
        self(size, size)
        self.done += size


def _verify_once(one: PublicSet, remote: Remote, path: Path) -> None:
    """Verify a file unless it is the one that was verified last: it has the same size and date."""
    if _remembered(path).get("stat") != _stat(path):
        _verify(remote, path, path)
        with suppress(RunError):  # a cache that cannot be written is verified every time
            _remember(remote, path)


def _verify(remote: Remote, file: Path, path: Path) -> None:
    """Raise DataError unless `file`, which is or will be `path`, has the digest that was published, or was kept."""
    expected = remote.digest or _kept(path)
    if expected is None:
        return
    received = digest(file, expected.partition(":")[0])
    if received == expected:
        return
    size = file.stat().st_size
    if remote.digest is None:
        raise DataError(
            "{url} is not what it was when it was first fetched: expected {expected}, received {received} "
            "({size:,} bytes); if its authors have changed it, delete {note} and {path}",
            url=remote.url,
            expected=expected,
            received=received,
            size=size,
            note=_note(path),
            path=path,
        )
    if file == path:
        raise DataError(
            "{path} is not what was published: expected {expected}, received {received} ({size:,} bytes); delete it, "
            "and fetch it again",
            path=path,
            expected=expected,
            received=received,
            size=size,
        )
    raise DataError(
        "{url} gave what was not published: expected {expected}, received {received} ({size:,} bytes); nothing was "
        "kept: fetch it again, or put the published file as {path}",
        url=remote.url,
        expected=expected,
        received=received,
        size=size,
        path=path,
    )


def digest(path: Path, algorithm: str = "sha256") -> str:
    """ "sha256:…" of a file. Raises DataError."""
    try:
        with path.open("rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    except OSError as error:
        raise DataError("cannot read {path}: {error.strerror}", path=path, error=error) from error


def _remember(remote: Remote, path: Path) -> None:
    known = remote.digest or _kept(path) or digest(path)
    write_json(_note(path), {"url": remote.url, "digest": known, "stat": _stat(path)})


def _kept(path: Path) -> str | None:
    """The digest of the file that was fetched first."""
    kept = str(_remembered(path).get("digest"))
    return kept if re.fullmatch("sha256:[0-9a-f]{64}", kept) else None


def _remembered(path: Path) -> dict[str, Any]:
    with suppress(BruitError):
        note = read_json(_note(path))
        return note if isinstance(note, dict) else {}
    return {}


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _stat(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]
