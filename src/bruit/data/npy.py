"""The four .npy files: train_images.npy, train_labels.npy, test_images.npy, test_labels.npy."""

from __future__ import annotations

import os
from pathlib import Path

from bruit.data.raw import Arrays
from bruit.data.streams import what_stands_at
from bruit.errors import DataError
from bruit.files import read_npy
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
