"""A data set into files, in the format that is asked for, or that the name of the place asks for."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import numpy as np

from bruit.data.csv_table import as_read
from bruit.data.dataset import DataPair, Dataset, Images, blocks
from bruit.data.npy import NPY_NAMES
from bruit.data.raw import Raw, numbered
from bruit.errors import ConfigError, DataError, RunError
from bruit.files import Write, refuse_no_room_at, write_npz, write_together

Made = Callable[[Dataset], Iterable[Images]]
FORMS = ("npy", "npz", "csv", "idx")
# The files of a folder: images and labels of each split, or one file for both.
FILES = {
    "npy": NPY_NAMES,
    "csv": ("train.csv", "test.csv"),
    "idx": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# Who names such a file expects it in that format, and not a folder of that name.
_OTHERS = (".npy", ".mat", ".csv", ".gz", ".idx", ".zip", ".h5", ".hdf5", ".pkl", ".parquet", ".tar", ".png", ".json")
_PIXELS = [str(value) for value in range(256)]


def form_of(out: Path, to: str | None = None) -> str:
    """The format that is written: `to`, or what the name says. Raises ConfigError where the two do not go together."""
    is_archive = out.suffix.lower() == ".npz"
    form = to or ("npz" if is_archive else "npy")
    if form not in FORMS:
        raise ConfigError("expected one of {forms} to write, received {form!r}", forms=", ".join(FORMS), form=form)
    if form == "npz" and not is_archive:
        raise ConfigError("expected a file called .npz to write to, received {out}", out=out)
    if form != "npz" and (is_archive or out.suffix.lower() in _OTHERS or out.name.lower().endswith("-ubyte")):
        if to is not None:
            raise ConfigError("expected a folder for {form} files, received {out}; name a folder", form=form, out=out)
        raise ConfigError(
            "expected a folder (for four .npy files, or --to csv or idx) or a file called .npz to write to, "
            "received {out}",
            out=out,
        )
    return form


def refuse_place(out: Path, force: bool, to: str | None = None) -> None:
    """Raise, before any work is done, where `out` names no format that is written, or is there already."""
    form = form_of(out, to)
    if form != "npz":
        others = [name for names in FILES.values() if names != FILES[form] for name in names]
        present = [name for name in others if os.path.lexists(out / name)]
        if present:
            raise RunError(
                "{out} holds data in another format already ({present}); choose another place",
                out=out,
                present=", ".join(present),
            )
        return refuse_overwriting(out, force, FILES[form])
    if out.is_dir():
        raise RunError("{out} is a folder; choose another name, or move it away", out=out)
    if os.path.lexists(out) and not force:
        raise RunError("{out} is there already; choose another name, or add --force to replace it", out=out)


def refuse_overwriting(folder: Path, force: bool, names: tuple[str, ...]) -> None:
    """Raise RunError if `folder` is a file, holds any of these files (unless `force`) or folders in their places."""
    if folder.exists() and not folder.is_dir():
        raise RunError("{folder} is a file; name a folder instead", folder=folder)
    if not folder.exists():
        refuse_no_room_at(folder)
    present = [name for name in names if os.path.lexists(folder / name)]
    if present and not force:
        raise RunError(
            "{folder} already holds {present}; choose another place, or add --force to replace them",
            folder=folder,
            present=", ".join(present),
        )
    for name in present:
        if (folder / name).is_dir():
            raise RunError("{folder} is a folder; choose another place, or move it away", folder=folder / name)


def write_npy_folder(
    pair: DataPair,
    folder: str | Path,
    force: bool = False,
    *,
    made: Callable[[Dataset], Iterable[Images]] | None = None,
) -> list[Path]:
    """Write the four .npy files, all of them or none; see `write_data`.

    made  of a split the images to write instead of its own, of the same shape and type, some at a time: so no more of
          them than these are in memory

    Images are uint8 (N, H, W). Labels are the names of the classes, so that they mean the same when they are read
    again: int64 (N,) where every name is a whole number as Python writes it, else str ("07" is not 7).
    """
    refuse_place(Path(folder), force, "npy")
    writers = [write for one in (pair.train, pair.test) for write in _npy(one, made)]
    files = [Path(folder) / name for name in NPY_NAMES]
    write_together(list(zip(files, writers, strict=True)))
    return files


def write_data(pair: DataPair, out: str | Path, force: bool = False, to: str | None = None) -> list[Path]:
    """Write a pair: to OUT.npz under Keras' names (x_train, y_train, x_test, y_test), else into a folder.

    to     "npy" (four files), "npz", "csv" (train.csv and test.csv, as Kaggle's) or "idx" (four files, as MNIST's); by
           default what the name says
    Images are uint8 (N, H, W), labels (N,) the names of the classes, int64 where all are whole numbers. All is written
    or nothing; returns the files. Raises ConfigError for a format that is not written, DataError for classes or
    images that the format does not hold, RunError if something is there already (unless `force`) or cannot be written.
    """
    out = Path(out)
    refuse_place(out, force, to)
    form = form_of(out, to)
    if form == "npz":
        splits = (("train", pair.train), ("test", pair.test))
        write_npz(out, {name: a for split, one in splits for name, a in _named(one, split).items()})
        return [out]
    if form == "npy":
        return write_npy_folder(pair, out, force)
    makers = {"csv": _csv, "idx": _idx}
    files = dict(zip(FILES[form], [w for one in (pair.train, pair.test) for w in makers[form](one)], strict=True))
    write_together([(out / name, write) for name, write in files.items()])
    return [out / name for name in files]


def _named(dataset: Dataset, split: str) -> dict[str, np.ndarray]:
    return {f"x_{split}": dataset.images, f"y_{split}": _class_names(dataset)}


def _class_names(dataset: Dataset) -> Raw:
    """(N,) the class of each image by its name, int64 if every name is a whole number, else str."""
    (values,) = numbered(list(dataset.classes))
    assert values is not None
    named: Raw = values[dataset.labels]
    return named


def _npy(dataset: Dataset, made: Made | None) -> list[Write]:
    def saving(array: Raw) -> Write:
        return lambda file: np.lib.format.write_array(file, array, allow_pickle=False)

    def streaming(file: IO[bytes]) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": dataset.images.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in made(dataset) if made else ():
            file.write(np.ascontiguousarray(part).data)

    return [streaming if made else saving(dataset.images), saving(_class_names(dataset))]


def _csv(dataset: Dataset) -> list[Write]:
    """One line an image: its label and then its pixels, row by row, below a header."""
    lost = [name for name in dataset.classes if set(name) & set(',;"\t\r\n') or as_read(name) != name or not name]
    if lost:
        raise DataError(
            "a CSV table would not keep the name of class {name!r}; rename it, or write .npy files instead",
            name=lost[0],
        )

    height, width = dataset.shape
    if height != width:
        raise DataError(
            "expected square images for CSV, whose rows do not say their shape, received {height} × {width}; write "
            ".npy files instead",
            height=height,
            width=width,
        )

    def write(file: IO[bytes]) -> None:
        file.write(",".join(["label", *(f"pixel{i}" for i in range(height * width))]).encode() + b"\n")
        for part in blocks(dataset.images):
            rows = dataset.images[part].reshape(-1, height * width).tolist()
            labels = [dataset.classes[label] for label in dataset.labels[part]]
            lines = (
                f"{label},{','.join([_PIXELS[i] for i in row])}\n" for label, row in zip(labels, rows, strict=True)
            )
            file.writelines(line.encode() for line in lines)

    return [write]


def _idx(dataset: Dataset) -> list[Write]:
    values = _class_names(dataset)
    if values.dtype.kind != "i" or values.max() > 255:
        raise DataError(
            "expected classes called 0 to 255 for IDX, received {names}; write .npy files instead",
            names=", ".join(dataset.classes[:12]),
        )

    def save(array: Images) -> Write:
        def write(file: IO[bytes]) -> None:
            file.write(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape))
            for part in blocks(array):
                file.write(np.ascontiguousarray(array[part]).data)

        return write

    return [save(dataset.images), save(values.astype(np.uint8))]
