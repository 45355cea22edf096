"""IDX, the format that MNIST and its like are published in: train-images-idx3-ubyte and so on, gzipped or not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

import numpy as np

from bruit.data import room
from bruit.data.limits import DEFLATE_RATIO, refuse_bytes
from bruit.data.raw import Arrays, Raw, from_roles
from bruit.data.streams import is_plain, opened, read_array
from bruit.errors import DataError
from bruit.locale import Sentence

NAME = re.compile(
    r"(?P<set>.*?)(?P<split>train|t10k|test)?[-_.]?(?P<kind>images|labels)[-_.]idx\d?(?:[-_.]u?byte)?(?:\.gz)?", re.I
)
KIND = Sentence("an IDX file")
_DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
Set = dict[tuple[str, str], Path]


def found_in(folder: Path) -> dict[str, Set]:
    """The IDX files of a folder: {"": {("train", "images"): path, …}}, by what stands before “train” in their names.

    Where a file is there both plain and gzipped, the plain one is taken.
    """
    sets: dict[str, Set] = {}
    for path in sorted(folder.iterdir()):
        name = NAME.fullmatch(path.name)
        if name:
            split = "test" if (name["split"] or "").lower() in ("t10k", "test") else "train"
            sets.setdefault(name["set"], {}).setdefault((split, name["kind"].lower()), path)
    return sets


def read(path: Path) -> Arrays:
    """A folder with the four files (or the two of one split), or one of its files, which stands for all of its set."""
    if path.is_dir():
        sets = found_in(path)
        if len(sets) > 1:
            starts = ", ".join(sorted(sets))
            raise DataError(
                "{path} holds several IDX sets ({starts}); give one file of the set that you mean",
                path=path,
                starts=starts,
            )
        ((_, files),) = sets.items()
    else:
        name = NAME.fullmatch(path.name)
        if name is None:
            raise DataError("expected an IDX file called like train-images-idx3-ubyte, received {path}", path=path)
        files = found_in(path.parent)[name["set"]]
    arrays = {role: read_file(file) for role, file in files.items()}
    for split in ("train", "test"):
        if (split, "labels") in arrays and (split, "images") not in arrays:
            labels = files[split, "labels"]
            raise DataError(
                "{labels} has no images beside it; put {replace} there",
                labels=labels,
                replace=labels.name.replace("labels", "images"),
            )
    return from_roles(arrays)


def read_file(path: Path) -> Raw:
    """One IDX file as an array of its own type and shape, mapped if it is not gzipped. Raises DataError."""
    with opened(path, KIND) as file:
        size = path.stat().st_size
        if not is_plain(file):
            return read_packed(file, path, path, size)
        dtype, shape, promised = _header(file, path)
        _refuse_truncated(path, promised, size, size)
        values = room.mapped(path, dtype, (int(np.prod(shape, dtype=object)),), file.tell())
        if promised < size:
            raise _goes_on(path, promised)
    return values.reshape(shape)


def read_packed(file: IO[bytes], where: str | Path | Sentence, path: Path, size: int) -> Raw:
    """The same of a file that unpacks as it is read, and takes `size` bytes within `path`. Raises DataError."""
    dtype, shape, promised = _header(file, where)
    refuse_bytes(path, promised)
    _refuse_truncated(where, promised, size, DEFLATE_RATIO * size)
    values = read_array(file, dtype, int(np.prod(shape, dtype=object)), where)
    if file.read(1):  # at the end the checksum is compared, too
        raise _goes_on(where, promised)
    return values.reshape(shape)


def _header(file: IO[bytes], where: str | Path | Sentence) -> tuple[np.dtype, tuple[int, ...], int]:
    """(type, shape, bytes of the whole file as it promises them)."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= 4:
        raise DataError(
            "{path} is no IDX file: expected it to begin with 00 00 08 03 or the like; copy it again", path=where
        )
    dtype, dimensions = np.dtype(_DTYPES[magic[2]]), magic[3]
    shape = tuple(read_array(file, np.dtype(">u4"), dimensions, where).tolist())
    return dtype, shape, 4 + 4 * dimensions + int(np.prod(shape, dtype=object)) * dtype.itemsize


def _refuse_truncated(where: str | Path | Sentence, promised: int, size: int, most: int) -> None:
    if promised > most:
        raise DataError(
            "{path} is truncated: its header promises {promised:,} bytes, the file holds {size:,}; copy it again",
            path=where,
            promised=promised,
            size=size,
        )


def _goes_on(where: str | Path | Sentence, promised: int) -> DataError:
    return DataError(
        "{path} goes on after the {promised:,} bytes that its header promises; copy it again",
        path=where,
        promised=promised,
    )
