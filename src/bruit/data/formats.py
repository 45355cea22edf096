"""From files as people have them to Dataset: uint8 images, whole-number labels."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Dataset, Finding, repeated_images
from bruit.errors import DataError, RunError
from bruit.files import read_npy, write_atomically

NPY_NAMES = ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy")
Raw = NDArray[Any]
Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")
SPLIT_NAMES = {"train": "training", "test": "test"}
CHUNK = 4096
# Resampling and float32 arithmetic overshoot a range by a hair; this much of it is forgiven and clipped.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Scale:
    """How raw pixel values map to 0…255: value · factor + offset."""

    label: str
    factor: float
    offset: float = 0.0


def read_npy_folder(folder: Path) -> DataPair:
    """Read train_images.npy, train_labels.npy, test_images.npy and test_labels.npy.

    Images may be (N, H, W), (N, H, W, 1), (N, 1, H, W) or (N, H·W), of uint8, bool, integers, or floats in 0…1,
    −1…1 or 0…255, each split on a scale of its own; labels (N,), (N, 1) or one-hot. Raises DataError.
    """
    missing = [name for name in NPY_NAMES if not (folder / name).is_file()]
    for name in missing:
        if os.path.lexists(folder / name):
            raise DataError(f"{folder / name} is {_no_file(folder / name)}; put the .npy file itself there")
    if missing:
        found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))[:12]
        raise DataError(
            f"{folder} lacks {', '.join(missing)}; expected {', '.join(NPY_NAMES)}, "
            f"found {', '.join(found) if found else 'nothing'}"
        )
    raw = {name: read_npy(folder / name) for name in NPY_NAMES}
    return pair_from_arrays(
        raw["train_images.npy"],
        raw["train_labels.npy"],
        raw["test_images.npy"],
        raw["test_labels.npy"],
        folder.resolve().name,
    )


def _no_file(path: Path) -> str:
    """What stands where a file should."""
    if path.is_dir():
        return "a folder"
    return "a pipe or a device" if path.exists() else "a link that leads to nothing"


def pair_from_arrays(
    train_images: Raw, train_labels: Raw, test_images: Raw, test_labels: Raw, name: str = "arrays"
) -> DataPair:
    """The same from arrays in memory; the classes are the values that occur in `train_labels`."""
    findings: list[Finding] = []
    images, scales = {}, {}
    for split, raw in zip(SPLITS, (train_images, test_images), strict=True):
        images[split], scales[split], noticed = to_uint8(raw, split)
        findings += noticed
    if scales["train"] != scales["test"]:
        findings.insert(0, _scale_mismatch(scales["train"], scales["test"], train_images.dtype, test_images.dtype))

    values = {
        "train": label_values(train_labels, len(images["train"]), "train"),
        "test": label_values(test_labels, len(images["test"]), "test"),
    }
    if values["train"].dtype.kind != values["test"].dtype.kind:
        raise DataError(
            f"expected labels of one kind, received {train_labels.dtype} in training and {test_labels.dtype} in test; "
            "write both as whole numbers or both as text"
        )
    known = np.unique(values["train"])
    if len(known) < 2:
        raise DataError(f"expected at least two classes in the training labels, received only {known[0]}")
    unseen = np.setdiff1d(values["test"], known)
    if len(unseen):
        listed = ", ".join(str(value) for value in unseen[:8])
        raise DataError(
            f"test labels {listed} never occur in training; remove those test images or add training images"
        )
    classes = tuple(str(value) for value in known)
    findings += repeated_images(images["train"], images["test"])
    n_train, n_test = len(images["train"]), len(images["test"])
    return DataPair(
        name,
        Dataset(images["train"], np.searchsorted(known, values["train"]), classes, np.arange(n_train)),
        Dataset(images["test"], np.searchsorted(known, values["test"]), classes, np.arange(n_train, n_train + n_test)),
        tuple(findings),
    )


def to_uint8(raw: Raw, split: Split) -> tuple[NDArray[np.uint8], Scale, list[Finding]]:
    """Raw images of any accepted shape and scale → ((N, H, W) uint8, the scale found, findings)."""
    name = SPLIT_NAMES[split]
    if raw.dtype.kind not in "buif":
        raise DataError(f"expected numbers in the {name} images, received dtype {raw.dtype}")
    shaped = _as_stack(raw, name)
    if shaped.size == 0:
        raise DataError(f"expected at least one {name} image of one pixel or more, received shape {raw.shape}")
    low, high = _range(shaped, name)
    scale = _scale(raw.dtype, low, high, name)
    out = np.empty(shaped.shape, np.uint8)
    rounding = 0.0
    for start in range(0, len(shaped), CHUNK):
        block = shaped[start : start + CHUNK]
        if raw.dtype == np.uint8 and scale.factor == 1:
            out[start : start + CHUNK] = block
            continue
        exact = block.astype(np.float64) * scale.factor + scale.offset
        rounded = np.clip(np.rint(exact), 0, 255)
        rounding = max(rounding, float(np.abs(rounded - exact).max()))
        out[start : start + CHUNK] = rounded
    return out, scale, _scale_findings(split, raw, scale, (low, high), out, rounding)


def label_values(raw: Raw, n_images: int, split: Split) -> Raw:
    """Labels (N,), (N, 1) or one-hot (N, C) → (N,) int64 or str values, as they stand in the file."""
    name = SPLIT_NAMES[split]
    if len(raw.shape) == 0 or raw.shape[0] != n_images:
        raise DataError(f"expected one {name} label for each of the {n_images:,} images, received shape {raw.shape}")
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.dtype.kind == "U" and raw.ndim == 1:
        return np.asarray(raw)
    if raw.dtype.kind not in "buif":
        raise DataError(f"expected whole numbers as {name} labels, received dtype {raw.dtype}")
    values = np.asarray(raw)
    if not np.all(np.isfinite(values)):
        raise DataError(
            f"expected whole numbers as {name} labels, received NaN or infinity; label or remove those images"
        )
    if values.ndim == 2:
        if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
            raise DataError(
                f"expected {name} labels as (N,), (N, 1) or one-hot (N, C), received {values.shape} that is not one-hot"
            )
        return np.asarray(np.argmax(values, axis=1), np.int64)
    if values.ndim != 1:
        raise DataError(f"expected {name} labels as (N,), (N, 1) or one-hot (N, C), received shape {raw.shape}")
    fractions = values[values != np.rint(values)] if values.dtype.kind == "f" else values[:0]
    if len(fractions):
        raise DataError(f"expected whole numbers as {name} labels, received fractions such as {fractions[0]}")
    low, high = values.min(), values.max()
    if low < 0 or high >= 2**63:
        wrong = low if low < 0 else high
        raise DataError(
            f"expected {name} labels of 0 or more, in 64 bits, received {wrong}; remove or relabel those images"
        )
    return values.astype(np.int64)


def write_npy_folder(pair: DataPair, folder: str | Path, force: bool = False) -> list[Path]:
    """Write the four files, all of them or none; refuses to overwrite unless `force`.

    Images are uint8 (N, H, W). Labels are the names of the classes, so that they mean the same when they are read
    again: int64 (N,) where every name is a whole number as Python writes it, else str ("07" is not 7).
    """
    folder = Path(folder)
    refuse_overwriting(folder, force)
    names = np.array(pair.classes)
    # Eighteen digits always fit into 64 bits.
    numbered = all(re.fullmatch("0|[1-9][0-9]{0,17}", name) for name in pair.classes)
    values = names.astype(np.int64) if numbered else names
    arrays = [array for part in (pair.train, pair.test) for array in (part.images, values[part.labels])]
    paths = [folder / name for name in NPY_NAMES]
    _write_together(list(zip(paths, arrays, strict=True)))
    return paths


def _write_together(files: list[tuple[Path, Raw]]) -> None:
    """Write every file, or none: all are on disk under temporary names before the first takes its place."""
    if not files:
        return
    (path, array), *others = files

    def write(file: IO[bytes]) -> None:
        np.lib.format.write_array(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())  # a full disk must be known before the others take their places
        _write_together(others)

    write_atomically(path, write)


def refuse_overwriting(folder: Path, force: bool) -> None:
    """Raise RunError if `folder` is a file, holds any of the four files (unless `force`) or folders in their places."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; choose a folder as --out")
    present = [name for name in NPY_NAMES if os.path.lexists(folder / name)]
    if present and not force:
        raise RunError(
            f"{folder} already holds {', '.join(present)}; choose another --out, or add --force to replace them"
        )
    for name in present:
        if (folder / name).is_dir():
            raise RunError(f"{folder / name} is a folder; choose another --out, or move it away")


def _as_stack(raw: Raw, name: str) -> Raw:
    if raw.ndim == 3:
        return raw
    if raw.ndim == 4 and raw.shape[3] == 1:
        return raw[..., 0]
    if raw.ndim == 4 and raw.shape[1] == 1:
        return raw[:, 0]
    if raw.ndim == 2:
        side = round(raw.shape[1] ** 0.5)
        if side * side == raw.shape[1]:
            return raw.reshape(len(raw), side, side)
        raise DataError(
            f"expected square {name} images in the rows of (N, H·W), received {raw.shape[1]} pixels a row; "
            "reshape them to (N, H, W)"
        )
    hint = "; convert colour to grey first" if raw.ndim == 4 and 3 in (raw.shape[1], raw.shape[3]) else ""
    raise DataError(
        f"expected {name} images as (N, H, W), (N, H, W, 1), (N, 1, H, W) or (N, H·W), received {raw.shape}{hint}"
    )


def _range(images: Raw, name: str) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for start in range(0, len(images), CHUNK):
        block = images[start : start + CHUNK]
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            first = start + int(np.argmax(~np.isfinite(block).all(axis=(1, 2))))
            raise DataError(
                f"{name} images hold NaN or infinity, first in image {first}; repair or remove those images"
            )
        low, high = min(low, float(block.min())), max(high, float(block.max()))
    return low, high


def _scale(dtype: np.dtype, low: float, high: float, name: str) -> Scale:
    if dtype.kind == "b":
        return Scale("0…1", 255)
    slack = TOLERANCE if dtype.kind == "f" else 0
    if low >= -slack and high <= 1 + slack:
        return Scale("0…1", 255)
    if dtype.kind == "f" and low >= -1 - slack and high <= 1 + slack:
        return Scale("−1…1", 127.5, 127.5)
    if low >= -slack * 255 and high <= 255 * (1 + slack):
        return Scale("0…255", 1)
    if dtype == np.uint16:
        return Scale("0…65535", 1 / 257)
    raise DataError(f"{name} images range from {low:g} to {high:g}; expected 0…1, −1…1 or 0…255: rescale them first")


def _scale_findings(
    split: Split, raw: Raw, scale: Scale, extent: tuple[float, float], out: NDArray[np.uint8], rounding: float
) -> list[Finding]:
    name = SPLIT_NAMES[split].capitalize()
    figure: dict[str, str | float] = {
        "dtype": str(raw.dtype),
        "low": extent[0],
        "high": extent[1],
        "scale": scale.label,
    }
    size = f"{out.shape[1]} × {out.shape[2]} pixels"
    message = f"{name} images: {len(raw):,} of {size}, {raw.dtype} on a scale of {scale.label}."
    found = [Finding("scale", "info", split, message, figure)]
    if rounding > 1e-3:
        moved = f"no pixel moved by more than {rounding / 255:.4f} of full scale"
        message = f"{name} images were rounded to steps of 1/255; {moved}."
        found.append(Finding("rounded", "info", split, message, {"largest": rounding / 255}))
    brightest = int(out.max())
    if brightest < 128:
        message = (
            f"{name} images are dim: the brightest pixel is {brightest} of 255. Were they scaled as the file says?"
        )
        found.append(Finding("dim", "warning", split, message, {"brightest": brightest}))
    return found


def _scale_mismatch(train: Scale, test: Scale, train_dtype: np.dtype, test_dtype: np.dtype) -> Finding:
    message = (
        f"The two splits are on different scales: training images are {train_dtype} on {train.label}, test images are "
        f"{test_dtype} on {test.label}. Fed as they are, a network trained on the one would fail on the other. "
        "Each split was brought to 0…255 by its own scale."
    )
    return Finding("scale-mismatch", "warning", "both", message, {"train": train.label, "test": test.label})
