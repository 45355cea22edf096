"""Reading files that may be zipped, cut off or lying: bounded, and every damage is a DataError in one line."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bruit.data import room
from bruit.data.limits import MAX_LINE, refuse_bytes
from bruit.errors import BruitError, DataError
from bruit.locale import Sentence

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 2**20


def refuse_no_file(path: Path) -> None:
    """Raise DataError where no file stands, or an empty one."""
    if not path.is_file():
        if os.path.lexists(path):
            raise DataError(
                "{path} is {what_stands_at}; put the {suffix} file itself there",
                path=path,
                what_stands_at=what_stands_at(path),
                suffix=path.suffix or Sentence("data"),
            )
        raise DataError("cannot read {path}: there is no such file", path=path)
    if path.stat().st_size == 0:
        raise DataError("{path} is an empty file (0 bytes); copy it again", path=path)


def what_stands_at(path: Path) -> Sentence:
    """What stands where a file should."""
    if path.is_dir():
        return Sentence("a folder")
    return Sentence("a pipe or a device") if path.exists() else Sentence("a link that leads to nothing")


@contextmanager
def damage_is_said(path: Path | Sentence, kind: Sentence) -> Iterator[None]:
    """What libraries raise about a damaged file, which is of many types, as one DataError that names the file.

    Their own words are left to --debug: they are English, speak of the inside of a format, and may quote its bytes.
    """
    try:
        yield
    except BruitError:
        raise
    except MemoryError as error:
        raise DataError(
            "{path} needs more memory than there is; read it on a larger machine or split it", path=path
        ) from error
    except OSError as error:
        if error.strerror:
            raise DataError("cannot read {path}: {error.strerror}", path=path, error=error) from error
        raise _damaged(path, kind) from error
    except Exception as error:
        raise _damaged(path, kind) from error


def _damaged(path: Path | Sentence, kind: Sentence) -> DataError:
    return DataError("{path} is damaged or not {kind}; copy it again", path=path, kind=kind)


@contextmanager
def opened(path: Path, kind: Sentence) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked if they are gzipped, whatever its name says."""
    refuse_no_file(path)
    with damage_is_said(path, kind), path.open("rb") as file:
        zipped = is_gzipped(file)
        if not zipped:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unzipped:
            yield io.BufferedReader(unzipped, BLOCK)


def is_plain(file: IO[bytes]) -> bool:
    """Whether what `opened` gave is the file itself, which can be mapped."""
    return isinstance(getattr(file, "raw", None), io.FileIO)


def is_gzipped(file: IO[bytes]) -> bool:
    magic = file.read(2)
    file.seek(0)
    return magic == b"\x1f\x8b"


def read_array(file: IO[bytes], dtype: np.dtype, count: int, where: str | Path | Sentence) -> NDArray[Any]:
    """(count,) values of `dtype`; memory fills only as far as there is something to read."""
    content = room.empty((count * dtype.itemsize,), np.uint8)
    filled = 0
    while filled < len(content):
        part = file.read(min(BLOCK, len(content) - filled))
        if not part:
            raise DataError(
                "{where} is truncated: its header promises {n_content:,} bytes, it holds {filled:,}; copy it again",
                where=where,
                n_content=len(content),
                filled=filled,
            )
        content[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
        filled += len(part)
    values: NDArray[Any] = content.view(dtype)
    return values


def text_lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line with something in it, counted from 1."""
    total = 0
    for number in range(1, 2**62):
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        total += len(line)
        refuse_bytes(path, total)
        if len(line) > MAX_LINE:
            raise DataError(
                "{path}, line {number}: longer than {MAX_LINE:,} bytes; is it a table, with line breaks?",
                path=path,
                number=number,
                MAX_LINE=MAX_LINE,
            )
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(
                "{path}, line {number}: not text in UTF-8; save it as CSV in UTF-8", path=path, number=number
            ) from error
        if "\0" in text:
            raise DataError(
                "{path}, line {number}: not text, it holds zero bytes; save it as CSV in UTF-8",
                path=path,
                number=number,
            )
        if text.strip():
            yield number, text


class Inflated(io.RawIOBase):
    """A zlib stream of `size` bytes at the position of `file`, unpacked as it is read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size
        self.unzip = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self.unzip.eof:
            raw = self.unzip.unconsumed_tail
            if not raw:
                raw = self.file.read(min(2**16, self.left))
                self.left -= len(raw)
            part = self.unzip.decompress(raw, len(view))
            if part:
                view[: len(part)] = part
                return len(part)
            if not raw:
                return 0
        return 0
