"""The four .npy files: train_images.npy, train_labels.npy, test_images.npy, test_labels.npy; read and written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bruit.data.dataset import DataPair, Dataset
from bruit.data.raw import Arrays, Raw, numbered
from bruit.data.streams import what_stands_at
from bruit.errors import DataError, RunError
from bruit.files import Write, read_npy, write_together
from bruit.locale import Sentence

NPY_NAMES = ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy")
ONE_SPLIT = ("images.npy", "labels.npy")


def read_folder(folder: Path) -> Arrays:
    """The four files, mapped; or the two of training, or images.npy and labels.npy. Raises DataError."""
    names: tuple[str, ...] = NPY_NAMES
    there = [name for name in NPY_NAMES if os.path.lexists(folder / name)]
    if there == list(NPY_NAMES[:2]):
        names = NPY_NAMES[:2]
    elif not there and all((folder / name).is_file() for name in ONE_SPLIT):
        names = ONE_SPLIT
    missing = [name for name in names if not (folder / name).is_file()]
    for name in missing:
        if os.path.lexists(folder / name):
            raise DataError(
                "{folder} is {what_stands_at}; put the .npy file itself there",
                folder=folder / name,
                what_stands_at=what_stands_at(folder / name),
            )
    if missing:
        found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))[:12]
        raise DataError(
            "{folder} lacks {missing}; expected {npy_names}, found {found}",
            folder=folder,
            missing=", ".join(missing),
            npy_names=", ".join(NPY_NAMES),
            found=", ".join(found) if found else Sentence("nothing"),
        )
    raw = [read_npy(folder / name) for name in names]
    return Arrays(raw[0], raw[1], raw[2], raw[3]) if len(raw) == 4 else Arrays(raw[0], raw[1])


def read_file(path: Path) -> Arrays:
    """One .npy file of images, mapped; it has no labels. Raises DataError."""
    return Arrays(read_npy(path))


def write_npy_folder(pair: DataPair, folder: str | Path, force: bool = False) -> list[Path]:
    """Write the four files, all of them or none; refuses to overwrite unless `force`.

    Images are uint8 (N, H, W). Labels are the names of the classes, so that they mean the same when they are read
    again: int64 (N,) where every name is a whole number as Python writes it, else str ("07" is not 7).
    """
    folder = Path(folder)
    refuse_overwriting(folder, force)
    arrays = [array for part in (pair.train, pair.test) for array in (part.images, names_of(part))]
    paths = [folder / name for name in NPY_NAMES]
    write_together([(path, saving(array)) for path, array in zip(paths, arrays, strict=True)])
    return paths


def saving(array: Raw) -> Write:
    """What writes an array into a file as .npy, never pickled."""
    return lambda file: np.lib.format.write_array(file, array, allow_pickle=False)


def names_of(dataset: Dataset) -> Raw:
    """(N,) the class of each image by its name, int64 if every name is a whole number, else str."""
    (values,) = numbered(list(dataset.classes))
    assert values is not None
    named: Raw = values[dataset.labels]
    return named


def refuse_overwriting(folder: Path, force: bool, names: Sequence[str] = NPY_NAMES) -> None:
    """Raise RunError if `folder` is a file, holds any of these files (unless `force`) or folders in their places."""
    if folder.exists() and not folder.is_dir():
        raise RunError("{folder} is a file; choose a folder as --out", folder=folder)
    present = [name for name in names if os.path.lexists(folder / name)]
    if present and not force:
        raise RunError(
            "{folder} already holds {present}; choose another --out, or add --force to replace them",
            folder=folder,
            present=", ".join(present),
        )
    for name in present:
        if (folder / name).is_dir():
            raise RunError("{folder} is a folder; choose another --out, or move it away", folder=folder / name)
