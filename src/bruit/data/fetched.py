"""Public data sets that have been fetched, as DATA."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bruit.data import archives
from bruit.data.cache import forget, found
from bruit.data.dataset import DataPair
from bruit.data.formats import pair_from_arrays
from bruit.data.public import PublicSet
from bruit.data.raw import Arrays, Raw
from bruit.errors import DataError


def load_fetched(one: PublicSet, part: str = "") -> DataPair:
    """Both splits of a set, or of the part of it that is named. Raises DataError where it is not there, or damaged."""
    if part not in one.parts and (part or one.parts):
        if one.parts:
            parts = ", ".join(one.parts)
            if part:
                raise DataError("{name} has no {part}; choose one of {parts}", name=one.name, part=part, parts=parts)
            raise DataError(
                "{name} is several data sets; name one of them, as {name}/{first}: {parts}",
                name=one.name,
                first=one.parts[0],
                parts=parts,
            )
        raise DataError("{name} has no parts; leave out {part}", name=one.name, part=f"/{part}")
    files = one.files
    if len(files) == len(one.parts):
        files = (files[one.parts.index(part)],)
    name = f"{one.name}/{part}" if part else one.name
    paths = [found(one, remote) for remote in files]
    try:
        return read(one.name, part, paths, name)
    except DataError:
        forget(one)  # what is put in its place is not to be compared with it
        raise


def read(kind: str, part: str, paths: list[Path], name: str) -> DataPair:
    """The files of a set, by the set's own name, as a pair that is called `name`."""
    sources = None
    match kind:
        case "mnist-c-archive":
            arrays = archives.mnist_c(paths[0], part)
        case "n-mnist":
            arrays = archives.n_mnist(paths[0])
        case "emnist-digits":
            arrays = archives.emnist(paths[0])
        case "usps":
            arrays = archives.usps(paths[0], paths[1])
        case _:
            arrays, sources = archives.affnist(paths[0], paths[1])
    pair = _paired(arrays, name)
    return pair if sources is None else _with_sources(pair, *sources)


def _paired(arrays: Arrays, name: str) -> DataPair:
    if arrays.train_labels is None:
        raise DataError("{name} holds no labels; fetch it again", name=name)
    pair = pair_from_arrays(arrays.train_images, arrays.train_labels, arrays.test_images, arrays.test_labels, name)
    return replace(pair, findings=pair.findings + arrays.findings)


def _with_sources(pair: DataPair, train: Raw, test: Raw) -> DataPair:
    """The same, but images that were made of one image share their id, so that no fold has it on both sides."""
    numbers = [np.unique(source, return_inverse=True)[1].astype(np.int64) for source in (train, test)]
    numbers[1] += numbers[0].max() + 1
    return replace(pair, train=replace(pair.train, ids=numbers[0]), test=replace(pair.test, ids=numbers[1]))
