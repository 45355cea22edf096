"""Whole files or none: what bruit leaves behind is written beside its place, flushed, and renamed into it."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from bruit.errors import DataError, RunError
from bruit.locale import Sentence

Write = Callable[[IO[bytes]], object]
LONGEST_HEADER = 2**16
# What to do about a file that cannot be written.
OTHERWISE = Sentence("choose another place")
_FULL = Sentence("free some space or choose another place")
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    errno.EISDIR: Sentence("move away what stands there, or choose another place"),
    errno.ENOTEMPTY: Sentence("move away what stands there, or choose another place"),
    errno.EACCES: Sentence("make it writable, or choose another place"),
    errno.EPERM: Sentence("make it writable, or choose another place"),
    errno.EIO: Sentence("look after the disk, or choose another place"),
}


def write_atomically(path: Path, write: Write) -> None:
    """Call `write` with a binary file that becomes `path` only once it is complete and on disk.

    Raises RunError, with nothing left behind, if the folder cannot be written or the disk is full.
    """
    write_together([(path, write)])


def write_together(files: Sequence[tuple[Path, Write]]) -> None:
    """Write every file, or none: all are on disk under temporary names before the first takes its place.

    Raises RunError as `write_atomically` does.
    """
    with ExitStack() as stack:
        complete = [(stack.enter_context(_staged(path, write)), path) for path, write in files]
        for temporary, path in complete:
            with said_of(path):
                temporary.replace(path)


def refuse_no_room_at(path: Path) -> None:
    """Raise RunError, before any work is done, where `path` lies in no folder that may be written into."""
    above = next(one for one in path.absolute().parents if os.path.lexists(one))
    if not above.is_dir():
        raise RunError("{path} cannot be written: {above} is no folder; choose another place", path=path, above=above)
    if not os.access(above, os.W_OK | os.X_OK):
        raise RunError(
            "{path} cannot be written: {above} is not writable; choose another place", path=path, above=above
        )


@contextmanager
def _staged(path: Path, write: Write) -> Iterator[Path]:
    """A file beside `path`, complete and on disk; deleted with the body if it has not been renamed."""
    temporary: Path | None = None
    try:
        with said_of(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
                temporary = Path(file.name)
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
        yield temporary
    finally:
        if temporary is not None and temporary.exists():
            temporary.unlink()


@contextmanager
def said_of(path: Path) -> Iterator[None]:
    """What goes wrong while `path` is written, as a RunError that says what to do."""
    try:
        yield
    except OSError as error:
        raise RunError(
            "cannot write {path}: {strerror}; {remedy}",
            path=path,
            strerror=error.strerror or error,
            remedy=REMEDIES.get(error.errno or 0, OTHERWISE),
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically; what no UTF-8 can hold, as of a folder's name in another encoding, as “?”."""
    write_atomically(path, lambda file: file.write(text.encode(errors="replace")))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; NaN and infinities are refused, because JSON has none."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises OSError."""
    refuse_pipe(path)
    return path.read_bytes()


def refuse_pipe(path: Path) -> None:
    """Raise OSError for a folder, a pipe or a device, which might keep its reader waiting for ever."""
    if path.exists() and not path.is_file():
        raise IsADirectoryError(errno.EISDIR, "Not a file", str(path))


def read_text(path: Path) -> str:
    """What a file of UTF-8 holds. Raises OSError or ValueError."""
    return read_bytes(path).decode("utf-8")


def read_json(path: Path) -> Any:
    """Read JSON; raises DataError that names a damaged or missing file."""
    try:
        return json.loads(read_text(path))
    except OSError as error:
        raise DataError("cannot read {path}: {error.strerror}", path=path, error=error) from error
    except (ValueError, RecursionError) as error:
        raise DataError("cannot read {path}: it is no whole JSON", path=path) from error


def write_npy(path: Path, array: np.ndarray) -> None:
    """Write one .npy atomically, never pickled."""
    write_atomically(path, lambda file: np.lib.format.write_array(file, np.asarray(array), allow_pickle=False))


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a compressed .npz atomically, never pickled."""
    write_atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


def read_npy(path: Path) -> np.ndarray:
    """Map one .npy file into memory, read-only; nothing in it is ever executed.

    Raises DataError for a file that is missing, empty, truncated, no .npy, promises more than it holds, or holds
    objects.
    """
    try:
        size = path.stat().st_size
        refuse_pipe(path)
        with path.open("rb") as file:
            shape, _, dtype = read_npy_header(file)
            promised = file.tell() + dtype.itemsize * int(np.prod(shape, dtype=object))
        nothing = np.empty(shape, dtype) if 0 in shape else None
    except OSError as error:
        raise DataError("cannot read {path}: {error.strerror}", path=path, error=error) from error
    except Exception as error:  # NumPy's reader parses headers as Python, and damaged ones fail in many ways
        what = Sentence("an empty file") if size == 0 else Sentence("not a whole .npy file")
        raise DataError(
            "{path} is {what} ({size:,} bytes); write it again with numpy.save", path=path, what=what, size=size
        ) from error
    refuse_objects(path, dtype)
    if promised > size:
        raise DataError(
            "{path} is truncated: its header promises {promised:,} bytes, the file holds {size:,}; copy it again",
            path=path,
            promised=promised,
            size=size,
        )
    if nothing is not None:
        return nothing
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether in Fortran order, dtype) from the beginning of a .npy file, which is left where the data begin.

    Raises whatever NumPy raises about a damaged one.
    """
    start = file.read(8)
    version = np.lib.format.read_magic(BytesIO(start))
    length = file.read(2 if version == (1, 0) else 4)
    n = int.from_bytes(length, "little")
    if n > LONGEST_HEADER:  # NumPy would make room for all of it, up to 4 GB, before it looks
        raise ValueError(f"a header of {n:,} bytes")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(BytesIO(length + file.read(n)))
    if min(shape, default=0) < 0:
        raise ValueError(f"negative shape {shape}")
    return shape, fortran, dtype


def refuse_objects(where: str | Path | Sentence, dtype: np.dtype) -> None:
    """Raise DataError for a dtype that could only be unpickled."""
    if dtype.hasobject:
        raise DataError(
            "{where} holds Python objects (dtype {dtype}), which are never loaded because that could run code; "
            "save a plain array, as images.astype('uint8')",
            where=where,
            dtype=dtype,
        )
