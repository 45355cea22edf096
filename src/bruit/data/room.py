"""Room for large arrays: memory up to a limit, and beyond it temporary files that are mapped.

Such a file has no name, so it is gone with the last array that lies in it, however the process ends.
"""

from __future__ import annotations

import errno
import logging
import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bruit.data.dataset import blocks
from bruit.data.limits import max_memory
from bruit.errors import DataError
from bruit.locale import Sentence, language

Array = NDArray[Any]
# Smaller arrays are not worth counting.
_SMALL = 2**16
_taken = 0


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An array to be filled: in memory as long as all of them take no more than BRUIT_MAX_MEMORY, else in a file.

    Raises DataError where there is no room for the file, which is in TMPDIR.
    """
    global _taken
    size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    if size > _SMALL and _taken + size > max_memory():
        return _in_a_file(size).view(dtype).reshape(shape)
    array = np.empty(shape, dtype)
    if size > _SMALL:
        _taken += size
        weakref.finalize(array, _give_back, size)
    return array


def _give_back(size: int) -> None:
    global _taken
    _taken -= size


def take(array: Array, index: NDArray[np.integer]) -> Array:
    """array[index], made block by block."""
    taken = empty((len(index), *array.shape[1:]), array.dtype)
    for part in blocks(taken):
        taken[part] = array[index[part]]
    return taken


def stacked(parts: Iterable[Array]) -> Array:
    """What numpy.concatenate makes of one part or more, the number of which is known only at the end."""
    kept: list[Array] = []
    kinds: list[tuple[int, np.dtype]] = []
    size, width = 0, ()
    with ExitStack() as stack:
        file: IO[bytes] | None = None
        for part in parts:
            kept.append(part)
            kinds.append((len(part), part.dtype))
            size, width = size + part.nbytes, part.shape[1:]
            if size > max_memory() // 2:
                with _room_is_said(size):
                    file = file or stack.enter_context(tempfile.TemporaryFile(prefix="bruit-"))
                    for one in kept:
                        file.write(np.ascontiguousarray(one).data)
                    file.flush()
                kept = []
        if file is None:
            return np.concatenate(kept)
        together = empty((sum(n for n, _ in kinds), *width), np.result_type(*{dtype for _, dtype in kinds}))
        file.seek(0)
        done = 0
        for n, dtype in kinds:
            raw = file.read(n * int(np.prod(width)) * dtype.itemsize)
            together[done : done + n] = np.frombuffer(raw, dtype).reshape(n, *width)
            done += n
        return together


def mapped(
    path: Path, dtype: np.dtype, shape: tuple[int, ...], offset: int = 0, order: Literal["C", "F"] = "C"
) -> Array:
    """An array as it stands in a file, read-only; nothing is read before it is looked at."""
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "r", offset, shape, order))


def _in_a_file(size: int) -> NDArray[np.uint8]:
    with _room_is_said(size):
        folder = tempfile.gettempdir()
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(prefix="bruit-") as file:
            if hasattr(os, "posix_fallocate"):  # a disk that is full only later would end the process
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            # No np.memmap: joblib would give its workers a name to open, and there is none.
            array = np.frombuffer(mmap.mmap(file.fileno(), size), np.uint8)
    said = Sentence(
        "{size:.1f} GB go into a temporary file in {folder}: more than BRUIT_MAX_MEMORY", size=size / 1e9, folder=folder
    )
    logging.getLogger("bruit").warning(said.said(language()))
    return array


@contextmanager
def _room_is_said(size: int) -> Iterator[None]:
    """What goes wrong with a temporary file, as one DataError."""
    try:
        yield
    except OSError as error:
        raise DataError(
            "no room for a temporary file of {size:,} bytes ({why}); set TMPDIR to a folder with more of it, or "
            "BRUIT_MAX_MEMORY higher",
            size=size,
            why=error.strerror or error,
        ) from error
