"""A folder that one training, or one cross-validation, has to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bruit.errors import DataError, RunError
from bruit.files import read_json, write_json


def claim(
    folder: Path,
    record: str,
    request: dict[str, Any],
    *,
    resume: bool,
    force: bool = False,
    stale: tuple[str, ...] = (),
) -> None:
    """Make `folder` the place of what `request` asks for, as its file `record` says from then on.

    A folder with other files is refused; one that was claimed before is, too, unless `resume` is asked for with the
    same request, or `force`, which deletes the files named in `stale` first. Raises RunError.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; give --out a folder")
    present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if record in present and not force:
        if not resume:
            raise RunError(f"{folder} holds a training already; add --resume to go on with it, --force to replace it")
        try:
            before = dict(read_json(folder / record))
        except (DataError, TypeError, ValueError) as error:
            raise RunError(f"{folder / record} is damaged; add --force, or choose another --out") from error
        changed = [key for key, value in request.items() if before.get(key) != value]
        if changed:
            what = "data" if changed == ["fingerprint"] else next(key for key in changed if key != "fingerprint")
            raise RunError(f"{folder} was begun with another {what}; repeat it, or choose another --out")
    # What was killed before its first file was whole is nobody's.
    foreign = [name for name in present if not name.startswith(f".{record}.")]
    if foreign and record not in present:
        raise RunError(f"{folder} holds other files ({', '.join(foreign[:4])}); give --out an empty or a new folder")
    if force:
        for name in stale:
            (folder / name).unlink(missing_ok=True)
    write_json(folder / record, request)
