"""What is to be read, as it is named on a command line: files, folders, patterns, arrays, standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isqrt
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bruit.data.image_folder import SUFFIXES
from bruit.data.limits import max_bytes, refuse_files
from bruit.data.raw import Raw
from bruit.errors import BruitError, DataError
from bruit.files import read_npy_header, refuse_objects
from bruit.reading.pictures import Picture, grey

STDIN = "-"
ARRAYS = (".npy", ".npz", ".mat", ".csv", ".csv.gz", "-ubyte", "-ubyte.gz")
_NPY = b"\x93NUMPY"


@dataclass(frozen=True, eq=False)
class Input:
    """Something to read: one picture, or a stack of images of one size, (N, H, W) uint8, perhaps mapped from a file; or
    the problem why it cannot be.
    """

    name: str
    picture: Picture | None = None
    stack: NDArray[np.uint8] | None = None
    problem: BruitError | None = None

    def __len__(self) -> int:
        return 1 if self.stack is None else len(self.stack)


def inputs(arguments: Sequence[str], stdin: BinaryIO) -> Iterator[Input]:
    """What the arguments name, in their order; folders and patterns sorted by name. Pictures are not opened yet.

    arguments  files, folders, which are searched through, patterns that no shell has filled in, or - for standard input
    """
    for argument in arguments:
        try:
            if argument == STDIN:
                yield _of_bytes("stdin", stdin.read(max_bytes() + 1))
            else:
                yield from map(_of_file, _files(argument))
        except BruitError as problem:
            yield Input("stdin" if argument == STDIN else argument, problem=problem)


def one_picture(argument: str, stdin: BinaryIO) -> Picture:
    """The one picture that an argument names. Raises DataError where there is none, or more."""
    found = list(inputs([argument], stdin))
    if len(found) != 1 or found[0].stack is not None:
        raise DataError("{name} holds several images; expected one", name=argument)
    if found[0].problem is not None:
        raise found[0].problem
    assert found[0].picture is not None
    return found[0].picture


def _files(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        found = _pictures_in(path)
        if not found:
            raise DataError(
                "{folder} holds no images; expected files called {endings}", folder=path, endings=", ".join(SUFFIXES)
            )
        return found
    if os.path.lexists(path) or not glob.has_magic(argument):
        return [path]
    matches = sorted(map(Path, glob.glob(argument, recursive=True)))
    files = [file for match in matches for file in (_pictures_in(match) if match.is_dir() else [match])]
    if not files:
        raise DataError("no file is called {pattern}", pattern=argument)
    return files


def _pictures_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [Path(place, name) for name in sorted(names) if _is_picture(name)]
        refuse_files(folder, len(found))
    return found


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _of_file(path: Path) -> Input:
    name = str(path)
    try:
        if not path.name.lower().endswith(ARRAYS):
            return Input(name, picture=path)
        from bruit.data.sources import read

        arrays = read(path)
        return _of_array(name, arrays.train_images if arrays.test_images is None else arrays.test_images)
    except BruitError as problem:
        return Input(name, problem=problem)


def _of_bytes(name: str, content: bytes) -> Input:
    if len(content) > max_bytes():
        raise DataError("{name} holds more than {max_bytes:,} bytes, the limit", name=name, max_bytes=max_bytes())
    if not content:
        raise DataError("{name} is empty; expected an image or a .npy file", name=name)
    if not content.startswith(_NPY):
        return Input(name, picture=content)
    file = BytesIO(content)
    try:
        shape, fortran, dtype = read_npy_header(file)
        refuse_objects(name, dtype)
        values = np.frombuffer(content, dtype, int(np.prod(shape, dtype=object)), file.tell())
        array = values.reshape(shape, order="F" if fortran else "C")
    except BruitError:
        raise
    except Exception as error:  # NumPy's reader parses headers as Python, and damaged ones fail in many ways
        raise DataError(
            "{name} is not a whole .npy file ({size:,} bytes); write it again with numpy.save",
            name=name,
            size=len(content),
        ) from error
    return _of_array(name, array)


def _of_array(name: str, array: Raw) -> Input:
    """One picture where the array is one, else a stack."""
    if array.ndim == 2 and (array.shape[0] == array.shape[1] or isqrt(array.shape[1]) ** 2 != array.shape[1]):
        return Input(name, picture=grey(array))
    from bruit.data.scale import to_uint8

    array.setflags(write=False)
    return Input(name, stack=to_uint8(array, "test")[0])
