"""What .mat files of version 5 are made of: tags, headers of matrices, and the numbers in them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np

from bruit.data.limits import refuse_bytes
from bruit.data.raw import Raw
from bruit.data.streams import read_array
from bruit.errors import DataError
from bruit.locale import Sentence

COMPRESSED, MATRIX = 15, 14
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMERIC_CLASSES = range(6, 16)  # double, single, and the integers of 8 to 64 bits
_PLAIN_CLASSES = range(1, 16)  # what comes after them, as MATLAB's own objects, begins otherwise
_LOGICAL, _COMPLEX = 0x200, 0x800
# What else a variable may be, by its number in version 5 and by its name in 7.3.
OTHERS = {
    1: ("cell", Sentence("a cell array")),
    2: ("struct", Sentence("a struct")),
    4: ("char", Sentence("text")),
    5: ("sparse", Sentence("a sparse matrix")),
}
NO_ARRAY = Sentence("no plain array of numbers")
_LONGEST_NAME, _MOST_DIMENSIONS = 4096, 8


def byte_order(start: bytes) -> str | None:
    """Of a file, by its first 128 bytes, as `struct` writes it; None if it is of another version."""
    return {b"IM": "<", b"MI": ">"}.get(start[126:128])


def header(file: IO[bytes], order: str) -> tuple[str, Sentence | None, int, tuple[int, ...]]:
    """(name, what it is if it is no plain numeric array, flags, shape)."""
    flags = struct.unpack(f"{order}II", part(file, order, 8)[1])[0]
    if flags & 0xFF not in _PLAIN_CLASSES:
        return "", NO_ARRAY, flags, ()
    dimensions = part(file, order, 4 * _MOST_DIMENSIONS)[1]
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    name = part(file, order, _LONGEST_NAME)[1].decode("utf-8", "replace")
    if flags & 0xFF in _NUMERIC_CLASSES:
        return name, Sentence("an array of complex numbers") if flags & _COMPLEX else None, flags, shape
    return name, OTHERS.get(flags & 0xFF, ("", NO_ARRAY))[1], flags, shape


def numbers(
    file: IO[bytes], order: str, flags: int, shape: tuple[int, ...], held: int, where: Sentence, path: Path
) -> Raw:
    """The array that comes after a header, of a matrix that unpacks into `held` bytes at the most."""
    kind, size, short = _tag(file, order)
    if kind not in _STORED or min(shape) < 0:
        raise ValueError("no array of numbers")
    dtype = np.dtype(_STORED[kind]).newbyteorder("<" if order == "<" else ">")
    count = int(np.prod(shape, dtype=object))
    if count * dtype.itemsize != size or size > held:
        raise DataError(
            "{where} is truncated: its shape {shape} promises {count:,} bytes, it holds {min:,} at most; copy it again",
            where=where,
            shape=shape,
            count=count * dtype.itemsize,
            min=min(size, held),
        )
    refuse_bytes(path, size)
    values = np.frombuffer(short, dtype, count) if short else read_array(file, dtype, count, where)
    if not short:
        file.read(-size % 8)
    if flags & _LOGICAL:
        values = values.astype(bool)
    return values.reshape(shape, order="F")


def _tag(file: IO[bytes], order: str) -> tuple[int, int, bytes]:
    """(type, bytes, the data if they fit into the tag itself)."""
    raw = exactly(file, 8)
    kind, size = struct.unpack(f"{order}II", raw)
    if kind >> 16:
        return kind & 0xFFFF, min(kind >> 16, 4), raw[4 : 4 + min(kind >> 16, 4)]
    return kind, size, b""


def part(file: IO[bytes], order: str, most: int) -> tuple[int, bytes]:
    kind, size, short = _tag(file, order)
    if short:
        return kind, short
    if size > most:
        raise ValueError("a header that is longer than any")
    return kind, exactly(file, size + -size % 8)[:size]


def exactly(file: IO[bytes], n: int) -> bytes:
    content = file.read(n)
    if len(content) < n:
        raise ValueError("it ends early")
    return content
