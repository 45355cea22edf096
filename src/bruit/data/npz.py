"""Archives of numpy.savez, such as Keras' mnist.npz."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from bruit.data import room
from bruit.data.dataset import blocks
from bruit.data.limits import DEFLATE_RATIO, MAX_ARRAYS, refuse_bytes
from bruit.data.raw import Arrays, Raw, from_roles, joined, roles
from bruit.data.streams import damage_is_said, read_array, refuse_no_file
from bruit.errors import DataError
from bruit.files import read_npy_header, refuse_objects
from bruit.locale import Sentence

# Where in the header of a member the lengths of its name and of what is extra stand.
_LENGTHS = 26
KIND = Sentence("an .npz archive")
ARRAY = Sentence("an .npy file")


def read(path: Path, test: Path | None = None) -> Arrays:
    """x_train, y_train, x_test, y_test and the like (see `roles`); `test` is a second archive with the test split.

    What is not compressed is mapped; of the rest no more than needed is unpacked. Nothing is ever unpickled. Raises
    DataError.
    """
    if test is not None:
        return joined(read(path), read(test), path.parent)
    refuse_no_file(path)
    with damage_is_said(path, KIND), zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if len(members) > MAX_ARRAYS:
            raise DataError(
                "{path} holds {n_members:,} files, the limit is {MAX_ARRAYS:,}; is it a data set?",
                path=path,
                n_members=len(members),
                MAX_ARRAYS=MAX_ARRAYS,
            )
        names = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
        found = roles(names, path)
        wanted = {role: members[f"{name}.npy"] for role, name in found.items()}
        refuse_bytes(path, sum(info.file_size for info in wanted.values() if info.compress_type != zipfile.ZIP_STORED))
        by_role = {role: array(archive, info, path) for role, info in wanted.items()}
    return from_roles(by_role, set(names) - set(found.values()))


def array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Raw:
    """One .npy file of an archive. Raises DataError."""
    where = Sentence("{name} in {path}", name=info.filename, path=path)
    if info.flag_bits & 1:
        raise DataError("{where} is encrypted; write it again with numpy.savez", where=where)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(
            "{where} is compressed in a way that numpy.savez does not use; write it again with that", where=where
        )
    with damage_is_said(where, ARRAY), archive.open(info) as file:
        shape, fortran, dtype = read_npy_header(file)
        refuse_objects(where, dtype)
        count = int(np.prod(shape, dtype=object))
        promised = count * dtype.itemsize
        stored = info.compress_type == zipfile.ZIP_STORED
        if not stored:
            refuse_bytes(path, promised)
        held = min(info.file_size, DEFLATE_RATIO * path.stat().st_size)
        if promised > held:
            raise DataError(
                "{where} is truncated: its header promises {promised:,} bytes, it holds {held:,} at most; "
                "copy it again",
                where=where,
                promised=promised,
                held=held,
            )
        values = _mapped(path, info, file.tell(), dtype, count) if stored else read_array(file, dtype, count, where)
        # At the end of a compressed one the checksum is compared, too.
        if file.tell() + promised < info.file_size if stored else file.read(1):
            raise DataError(
                "{where} goes on after the {promised:,} bytes that its header promises; copy it again",
                where=where,
                promised=promised,
            )
        return values.reshape(shape, order="F" if fortran else "C")


def _mapped(path: Path, info: zipfile.ZipInfo, header: int, dtype: np.dtype, count: int) -> Raw:
    """The array in a member that is not compressed, after a header of so many bytes; its checksum is compared."""
    with path.open("rb") as file:
        file.seek(info.header_offset + _LENGTHS)
        name, extra = struct.unpack("<HH", file.read(4))
        start = info.header_offset + _LENGTHS + 4 + name + extra
        file.seek(start)
        checksum = zlib.crc32(file.read(header))
    if start + info.file_size > path.stat().st_size:
        raise EOFError("it ends early")
    content = room.mapped(path, np.dtype(np.uint8), (info.file_size - header,), start + header)
    for part in blocks(content):
        checksum = zlib.crc32(content[part].data, checksum)
    if checksum != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
    return content[: count * dtype.itemsize].view(dtype)
