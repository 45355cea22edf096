"""Public data sets as their authors packed them; of the archives nothing is unpacked onto the disk."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import re
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from bruit.data import idx, mat, npz, room
from bruit.data.dataset import blocks
from bruit.data.limits import DEFLATE_RATIO, MAX_ARRAYS, refuse_bytes
from bruit.data.mat_struct import read_struct
from bruit.data.npy import NPY_NAMES
from bruit.data.raw import Arrays, Raw
from bruit.data.streams import BLOCK, damage_is_said, refuse_no_file, text_lines
from bruit.errors import DataError
from bruit.locale import Sentence

_USPS_PIXELS, _ROWS_AT_ONCE = 256, 4096
# The order of affNIST's fields is fixed; the last one counts the images that others were made of.
_AFFNIST, _SOURCE_FIELD, _AFFNIST_SIDE = "affNISTdata", 7, 40
_BATCH = re.compile(r"(?:[^/]+/)?(?:test|training|validation|(?P<number>[0-9]{1,4}))\.mat")


def mnist_c(path: Path, name: str) -> Arrays:
    """mnist_c.zip: NAME/train_images.npy and so on, (N, 28, 28, 1) uint8. Raises DataError."""
    with _zipped(path) as archive:
        members = [_member(archive, f"mnist_c/{name}/{file}", path) for file in NPY_NAMES]
        refuse_bytes(path, sum(info.file_size for info in members))
        arrays = [npz.array(archive, info, path) for info in members]
    return Arrays(arrays[0], arrays[1], arrays[2], arrays[3])


def emnist(path: Path, name: str = "digits") -> Arrays:
    """EMNIST's gzip.zip: gzipped IDX files, whose images lie on their sides and are put upright. Raises DataError."""
    with _zipped(path) as archive:
        arrays = [
            _idx(archive, f"gzip/emnist-{name}-{split}-{kind}-ubyte.gz", path)
            for split in ("train", "test")
            for kind in ("images-idx3", "labels-idx1")
        ]
    for images in arrays[::2]:
        if images.ndim != 3 or images.shape[1] != images.shape[2]:
            raise DataError(
                "expected square images in {path}, received shape {shape}; fetch it again",
                path=path,
                shape=images.shape,
            )
        for rows in blocks(images):
            images[rows] = images[rows].transpose(0, 2, 1).copy()
    return Arrays(arrays[0], arrays[1], arrays[2], arrays[3])


def n_mnist(path: Path) -> Arrays:
    """A .gz of n-MNIST: a tar archive that holds one .mat file with train_x and so on. Raises DataError."""
    refuse_no_file(path)
    content = io.BytesIO()
    with damage_is_said(path, Sentence("a .tar.gz archive")), gzip.open(path) as unzipped:
        with tarfile.open(fileobj=unzipped, mode="r|") as archive:
            for info in islice(archive, MAX_ARRAYS):
                inside = archive.extractfile(info) if info.isfile() and info.name.endswith(".mat") else None
                if inside is not None:
                    _copy(inside, content, path)
                    break
            else:
                raise DataError("{path} holds no .mat file; fetch it again", path=path)
        _copy(unzipped, None, path)  # at the end the checksum is compared
        return mat.read_version_5(content, path)


def _copy(file: IO[bytes] | gzip.GzipFile, to: IO[bytes] | None, path: Path) -> None:
    total = 0
    while part := file.read(BLOCK):
        total += len(part)
        refuse_bytes(path, total)
        if to is not None:
            to.write(part)


def usps(train: Path, test: Path) -> Arrays:
    """usps.bz2 and usps.t.bz2 of LIBSVM: labels 1…10 are the digits 0…9, pixels −1…1 become 0…255. Raises DataError."""
    return Arrays(*_libsvm(train), *_libsvm(test))


def affnist(train: Path, test: Path) -> tuple[Arrays, tuple[Raw, Raw] | None]:
    """Two zip archives of affNIST's .mat files; and the numbers of the images that theirs were made of, if they say it.

    The numbers of the two splits have nothing to do with each other. Raises DataError.
    """
    images, labels, sources = zip(*(_batches(path) for path in (train, test)), strict=True)
    said = None if sources[0] is None or sources[1] is None else (sources[0], sources[1])
    return Arrays(images[0], labels[0], images[1], labels[1]), said


@contextmanager
def _zipped(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive; every damage to it is a DataError."""
    refuse_no_file(path)
    with damage_is_said(path, Sentence("a zip archive")), zipfile.ZipFile(path) as archive:
        yield archive


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(name)
    except KeyError as error:
        raise DataError("{path} holds no {name}; fetch it again", path=path, name=name) from error


def _idx(archive: zipfile.ZipFile, name: str, path: Path) -> Raw:
    info = _member(archive, name, path)
    with archive.open(info) as packed, gzip.GzipFile(fileobj=packed) as unzipped:
        where = Sentence("{name} in {path}", name=name, path=path)
        size = min(info.file_size, DEFLATE_RATIO * path.stat().st_size)
        return idx.read_packed(io.BufferedReader(unzipped, BLOCK), where, path, size)


def _batches(path: Path) -> tuple[Raw, Raw, Raw | None]:
    """Images (N, 40, 40), labels (N,) and the numbers of their originals, of all batches one after the other."""
    with _zipped(path) as archive:
        found = {info: name for info in archive.infolist() if (name := _BATCH.fullmatch(info.filename))}
        members = sorted(found, key=lambda info: int(found[info]["number"] or 0))[:MAX_ARRAYS]
        if not members:
            raise DataError("{path} holds no .mat file; fetch it again", path=path)
        refuse_bytes(path, sum(info.file_size for info in members))
        labels: list[Raw] = []
        sources: list[Raw] = []

        def images() -> Iterator[Raw]:
            for info in members:
                one, *others = _batch(archive, info, path)
                labels.append(others[0])
                sources.append(others[1])
                yield one

        stacked = next(images()) if len(members) == 1 else room.stacked(images())
    known = all(len(source) == len(label) for source, label in zip(sources, labels, strict=True))
    return stacked, np.concatenate(labels), np.concatenate(sources) if known else None


def _batch(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> tuple[Raw, Raw, Raw]:
    where = Sentence("{name} in {path}", name=info.filename, path=path)
    size = min(info.file_size, DEFLATE_RATIO * path.stat().st_size)
    with archive.open(info) as file:
        names = ("image", "label_int")
        fields = read_struct(
            file, size, _AFFNIST, lambda number, name: name in names or number == _SOURCE_FIELD, where, path
        )
    if not fields.keys() >= set(names):
        raise DataError(
            "{where} has no {missing}; fetch it again",
            where=where,
            missing=", ".join(sorted(set(names) - fields.keys())),
        )
    image, label = fields.pop("image"), fields.pop("label_int").reshape(-1)
    if image.ndim != 2 or image.shape != (_AFFNIST_SIDE**2, len(label)):
        raise DataError(
            "expected an image of 40 × 40 pixels in {where} for each of {n:,} labels, received shape {shape}; "
            "fetch it again",
            where=where,
            n=len(label),
            shape=image.shape,
        )
    source = next(iter(fields.values()), np.empty(0)).reshape(-1)
    return image.T.reshape(-1, _AFFNIST_SIDE, _AFFNIST_SIDE), label, source


def _libsvm(path: Path) -> tuple[Raw, Raw]:
    """Images (N, 16, 16) uint8 and labels (N,) int64 of a bzip2 file with a line “label 1:value 2:value …” for each."""
    refuse_no_file(path)
    labels = bytearray()

    def rows(file: IO[bytes]) -> Iterator[Raw]:
        block: list[Raw] = []
        for number, line in text_lines(file, path):
            label, pixels = _row(line, Sentence("{path}, line {number}", path=path, number=number))
            labels.append(label)
            block.append(pixels)
            if len(block) == _ROWS_AT_ONCE:
                yield np.stack(block)
                block = []
        if block:
            yield np.stack(block)

    with damage_is_said(path, Sentence("a .bz2 file")), bz2.open(path) as file:
        images = room.stacked(rows(file))
    side = math.isqrt(_USPS_PIXELS)
    return images.reshape(-1, side, side), np.frombuffer(labels, np.uint8).astype(np.int64)


def _row(line: str, where: Sentence) -> tuple[int, Raw]:
    """The digit 0…9, and (256,) uint8."""
    label, *pairs = line.split()
    try:
        digit = int(label) - 1
        places = np.array([int(pair.partition(":")[0]) for pair in pairs], np.int64) - 1
        values = np.array([float(pair.partition(":")[2]) for pair in pairs])
    except (ValueError, OverflowError) as error:
        raise DataError("{where}: expected a label and 1:value 2:value …; fetch it again", where=where) from error
    if not 0 <= digit <= 9:
        raise DataError("{where}: expected a label in 1…10, received {label}; fetch it again", where=where, label=label)
    if len(places) and not (places.min() >= 0 and places.max() < _USPS_PIXELS and np.abs(values).max() <= 1):
        raise DataError("{where}: expected pixels 1 to 256 with values in −1…1; fetch it again", where=where)
    pixels = np.zeros(_USPS_PIXELS)
    pixels[places] = values
    return digit, np.rint((pixels + 1) * 127.5).astype(np.uint8)
