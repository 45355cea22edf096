"""A data set into files, in the format that the name of the place asks for."""

from __future__ import annotations

import os
from pathlib import Path

from bruit.data.dataset import DataPair
from bruit.data.npy import names_of, refuse_overwriting, write_npy_folder
from bruit.data.raw import Raw
from bruit.errors import ConfigError, RunError
from bruit.files import write_npz

WRITTEN = "a folder (four .npy files) or a file called .npz"
# Who names such a file expects it in that format, and not a folder of that name.
_OTHERS = (".npy", ".mat", ".csv", ".gz", ".idx", ".zip", ".h5", ".hdf5", ".pkl", ".parquet", ".tar", ".png", ".json")


def refuse_place(out: Path, force: bool) -> None:
    """Raise, before any work is done, where `out` names no format that is written, or is there already."""
    if out.suffix.lower() in _OTHERS or out.name.lower().endswith("-ubyte"):
        raise ConfigError("expected {WRITTEN} to write to, received {out}", WRITTEN=WRITTEN, out=out)
    if not is_archive(out):
        return refuse_overwriting(out, force)
    if out.is_dir():
        raise RunError("{out} is a folder; choose another name, or move it away", out=out)
    if os.path.lexists(out) and not force:
        raise RunError("{out} is there already; choose another name, or add --force to replace it", out=out)


def is_archive(out: Path) -> bool:
    return out.suffix.lower() == ".npz"


def write_data(pair: DataPair, out: str | Path, force: bool = False) -> list[Path]:
    """Write a pair: to OUT.npz under Keras' names (x_train, y_train, x_test, y_test), else as four .npy files.

    Images are uint8 (N, H, W), labels (N,) the names of the classes, int64 where all are whole numbers. All is written
    or nothing; returns the files. Raises ConfigError for a format that is not written, RunError if something is there
    already (unless `force`) or cannot be written.
    """
    out = Path(out)
    refuse_place(out, force)
    if not is_archive(out):
        return write_npy_folder(pair, out, force)
    arrays: dict[str, Raw] = {}
    for split, dataset in (("train", pair.train), ("test", pair.test)):
        arrays |= {f"x_{split}": dataset.images, f"y_{split}": names_of(dataset)}
    write_npz(out, arrays)
    return [out]
