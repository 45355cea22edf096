"""One struct in a .mat file of version 5, read from its beginning to its end, as affNIST's come in zip archives."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bruit.data.limits import DEFLATE_RATIO, MAX_ARRAYS
from bruit.data.mat_elements import COMPRESSED, MATRIX, byte_order, exactly, header, numbers, part
from bruit.data.raw import Raw
from bruit.data.streams import BLOCK, Inflated
from bruit.errors import DataError
from bruit.locale import Sentence

_STRUCT = 2
_LONGEST_FIELD = 64  # MATLAB's own limit is 63


def read_struct(
    file: IO[bytes], size: int, name: str, wanted: Callable[[int, str], bool], where: Sentence, path: Path
) -> dict[str, Raw]:
    """The fields of the struct `name`, which is the first variable of a file of `size` bytes within `path`.

    Only those are read of which `wanted` says so, given number and name; and what comes after the struct is left.
    Raises DataError if there is no such struct, or a field that is wanted is no array of numbers.
    """
    order = byte_order(exactly(file, 128))
    if order is None:
        raise DataError("{path} is no .mat file of version 5 or 7.3; save it again in MATLAB with -v7", path=where)
    kind, held = struct.unpack(f"{order}II", exactly(file, 8))
    if kind not in (MATRIX, COMPRESSED) or held > size - 136:
        raise ValueError("it ends early")
    if kind == COMPRESSED:
        file = io.BufferedReader(Inflated(file, held))
        held *= DEFLATE_RATIO
        exactly(file, 8)
    found, _, flags, shape = header(file, order)
    if found != name or flags & 0xFF != _STRUCT or set(shape) != {1}:
        raise DataError("{where} does not begin with a struct called {name}; fetch it again", where=where, name=name)
    (width,) = struct.unpack(f"{order}i", part(file, order, 4)[1])
    if not 0 < width <= _LONGEST_FIELD:
        raise ValueError("names of no length")
    names = part(file, order, width * MAX_ARRAYS)[1]
    fields: dict[str, Raw] = {}
    for number, start in enumerate(range(0, len(names), width)):
        field = names[start : start + width].partition(b"\0")[0].decode("ascii", "replace")
        kind, length = struct.unpack(f"{order}II", exactly(file, 8))
        if kind != MATRIX or length > held:
            raise ValueError("a field that is no matrix")
        if not length or not wanted(number, field):
            _skip(file, length)
            continue
        _, other, flags, shape = header(file, order)
        inside = Sentence("{name} in {path}", name=field, path=where)
        if other is not None:
            raise DataError(
                "{name} in {path} is {kind}; save it as a full array of numbers", name=field, path=where, kind=other
            )
        fields[field] = numbers(file, order, flags, shape, length, inside, path)
    return fields


def _skip(file: IO[bytes], n: int) -> None:
    while n:
        n -= len(exactly(file, min(n, BLOCK)))
