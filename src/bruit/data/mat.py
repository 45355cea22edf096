"""MATLAB files: version 5 (MATLAB's -v6 and -v7) read here, bounded; 7.3, which is HDF5, by h5py where it is there.

scipy.io.loadmat would do the first, too, but it builds whatever nested structure a file describes and takes the
file's word for sizes; of a data set only plain numeric variables are wanted.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from bruit.data import room
from bruit.data.dataset import blocks
from bruit.data.limits import DEFLATE_RATIO, MAX_ARRAYS, refuse_bytes
from bruit.data.mat_elements import COMPRESSED, MATRIX, NO_ARRAY, OTHERS, byte_order, exactly, header, numbers
from bruit.data.raw import Arrays, Raw, Role, from_roles, grey_finding, joined, role_of, roles, to_grey
from bruit.data.streams import Inflated, damage_is_said, refuse_no_file
from bruit.errors import DataError
from bruit.locale import Sentence

KIND = Sentence("a .mat file")
HDF5 = b"\x89HDF\r\n\x1a\n"


def read(path: Path, test: Path | None = None) -> Arrays:
    """train_x, train_y, test_x, test_y as in n-MNIST; X (H, W, N) or (H, W, 3, N) and y as in SVHN; and the like.

    `test` is a second file with the test split. Raises DataError.
    """
    if test is not None:
        return joined(read(path), read(test), path.parent)
    refuse_no_file(path)
    with damage_is_said(path, KIND), path.open("rb") as file:
        start = file.read(520)
        if HDF5 in (start[:8], start[512:]):
            by_role, unused = _read_hdf5(path)
        else:
            by_role, unused = _read_version_5(file, path)
        return _aligned(from_roles(by_role, unused), path)


def read_version_5(file: IO[bytes], path: Path) -> Arrays:
    """The same of an open file of version 5, which lies within `path`."""
    return _aligned(from_roles(*_read_version_5(file, path)), path)


def _aligned(arrays: Arrays, path: Path) -> Arrays:
    """MATLAB counts images along the last axis as often as along the first; colour becomes grey.

    Which one it is the labels say, or else the other split. Raises DataError where neither does.
    """
    splits = [(arrays.train_images, arrays.train_labels), (arrays.test_images, arrays.test_labels)]
    splits = [(images, _upright(labels, images)) for images, labels in splits]
    known = {_along_last(images, labels) for images, labels in splits if images is not None}
    if known == {None}:
        raise DataError(
            "{path} does not show which axis counts the images; give it another number of them than they have columns",
            path=path,
        )
    done: list[tuple[Raw | None, Raw | None]] = []
    findings = list(arrays.findings)
    for images, labels in splits:
        if images is not None:
            along_last = _along_last(images, labels)
            if along_last or (along_last is None and True in known):
                images = np.moveaxis(images, -1, 0)
        if images is not None and images.ndim == 4 and images.shape[3] == 3 and images.dtype == np.uint8:
            images = to_grey(images)
            findings.append(grey_finding(len(images), len(images)))
        done.append((images, labels))
    (train_images, train_labels), (test_images, test_labels) = done
    assert train_images is not None
    return Arrays(train_images, train_labels, test_images, test_labels, tuple(findings))


def _upright(labels: Raw | None, images: Raw | None) -> Raw | None:
    """Labels that lie along the second axis, turned; one-hot ones keep two axes."""
    if labels is None or images is None or labels.ndim != 2:
        return labels
    ends = (images.shape[0], images.shape[-1])
    if labels.shape[0] not in ends and labels.shape[1] in ends:
        labels = labels.T
    return labels[0] if labels.shape[1] > 1 and len(labels) == 1 else labels


def _along_last(images: Raw, labels: Raw | None) -> bool | None:
    """Whether the last axis counts the images; None if it may be the first as well."""
    if images.ndim < 2:
        return False
    first, last = images.shape[0], images.shape[-1]
    if labels is not None and labels.ndim:
        return None if len(labels) == first == last else len(labels) == last
    # Without labels, square images tell, unless there are as many.
    square = images.ndim == 3 and images.shape[0] == images.shape[1]
    return None if square and last == first else square


@dataclass(frozen=True)
class _Variable:
    """A variable of a version 5 file: where its element begins, and what it is if it is no array of numbers."""

    name: str
    other: Sentence | None
    start: int
    size: int
    compressed: bool


def _read_version_5(file: IO[bytes], path: Path) -> tuple[dict[Role, Raw], set[str]]:
    file.seek(0)
    order = byte_order(file.read(128))
    if order is None:
        raise DataError("{path} is no .mat file of version 5 or 7.3; save it again in MATLAB with -v7", path=path)
    variables: dict[str, _Variable] = {}
    file.seek(0, io.SEEK_END)
    end, at = file.tell(), 128
    while at + 8 <= end:
        file.seek(at)
        kind, size = struct.unpack(f"{order}II", file.read(8))
        if kind not in (MATRIX, COMPRESSED) or at + 8 + size > end:
            raise DataError(
                "{path} is truncated or damaged at byte {at:,} of {end:,}; copy it again", path=path, at=at, end=end
            )
        element = _element(file, at + 8, size, kind == COMPRESSED, order)
        name, other, _, _ = header(element, order)
        variables[name] = _Variable(name, other, at + 8, size, kind == COMPRESSED)
        if len(variables) > MAX_ARRAYS:
            raise DataError(
                "{path} holds more than {MAX_ARRAYS:,} variables; is it a data set?", path=path, MAX_ARRAYS=MAX_ARRAYS
            )
        at += 8 + size
    names = [variable.name for variable in variables.values() if variable.other is None]
    _refuse_others(names, {name: one.other for name, one in variables.items() if one.other is not None}, path)
    found = roles(names, path)
    by_role: dict[Role, Raw] = {}
    for role, name in found.items():
        by_role[role] = _values(file, variables[name], order, path)
        refuse_bytes(path, sum(array.nbytes for array in by_role.values()))
    return by_role, set(variables) - set(found.values()) - {""}


def _element(file: IO[bytes], start: int, size: int, compressed: bool, order: str) -> IO[bytes]:
    """The inside of a matrix element."""
    file.seek(start)
    if not compressed:
        return file
    unpacked = io.BufferedReader(Inflated(file, size))
    if struct.unpack(f"{order}II", exactly(unpacked, 8))[0] != MATRIX:
        raise ValueError("a compressed element that is no matrix")
    return unpacked


def _refuse_others(names: list[str], others: dict[str, Sentence], path: Path) -> None:
    """Raise DataError for what is no array of numbers, and is called like images or labels that are not there, or all
    that there is.
    """
    there = {role_of(name, names) for name in names}
    for name, kind in others.items():
        if name and (role_of(name, others) not in {None, *there} or not names):
            raise DataError(
                "{name} in {path} is {kind}; save it as a full array of numbers", name=name, path=path, kind=kind
            )


def _values(file: IO[bytes], variable: _Variable, order: str, path: Path) -> Raw:
    element = _element(file, variable.start, variable.size, variable.compressed, order)
    _, _, flags, shape = header(element, order)
    where = Sentence("{name} in {path}", name=variable.name, path=path)
    held = variable.size * (DEFLATE_RATIO if variable.compressed else 1)
    values = numbers(element, order, flags, shape, held, where, path)
    if variable.compressed:
        element.read(16)  # beyond it the checksum is compared
    return values


def _read_hdf5(path: Path) -> tuple[dict[Role, Raw], set[str]]:
    try:
        import h5py
    except ImportError as error:
        raise DataError(
            "{path} is a .mat file of version 7.3, which needs h5py: pip install h5py, or save it in MATLAB with -v7",
            path=path,
        ) from error
    with h5py.File(path, "r") as file:
        if len(file) > MAX_ARRAYS:
            raise DataError(
                "{path} holds more than {MAX_ARRAYS:,} variables; is it a data set?", path=path, MAX_ARRAYS=MAX_ARRAYS
            )
        # A link may lead into another file, and so may the data of a variable.
        names = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
        stored: dict[str, Any] = {name: file[name] for name in names}
        others = {name: kind for name, one in stored.items() if (kind := _other(one)) is not None}
        plain = {
            name: one
            for name, one in stored.items()
            if name not in others and one.shape is not None and one.external is None and not one.is_virtual
        }
        _refuse_others(list(plain), others, path)
        found = roles(plain, path)
        wanted = {role: plain[name] for role, name in found.items()}
        promised = sum(one.size * one.dtype.itemsize for one in wanted.values())
        refuse_bytes(path, promised)
        size = path.stat().st_size
        if promised > DEFLATE_RATIO * size:
            raise DataError(
                "{path} is truncated: it promises {promised:,} bytes and holds {size:,}; copy it again",
                path=path,
                promised=promised,
                size=size,
            )
        # MATLAB counts the other way round, so its axes come reversed.
        return {role: _unpacked(one).T for role, one in wanted.items()}, set(plain) - set(found.values())


def _other(stored: Any) -> Sentence | None:
    """What a variable of an HDF5 file is if it is no array of numbers, which text is, too, but for its attribute."""
    if "MATLAB_sparse" in stored.attrs:
        return OTHERS[5][1]
    said = stored.attrs.get("MATLAB_class", b"")
    kinds = dict(OTHERS.values())
    if isinstance(said, bytes) and (name := said.decode("ascii", "replace")) in kinds:
        return kinds[name]
    return None if getattr(getattr(stored, "dtype", None), "kind", "") in tuple("buif") else NO_ARRAY


def _unpacked(stored: Any) -> Raw:
    """A variable of an HDF5 file."""
    values = room.empty(stored.shape, stored.dtype)
    for part in blocks(values) if values.ndim else [()]:
        values[part] = stored[part]
    return values
