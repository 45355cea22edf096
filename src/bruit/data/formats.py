"""From files as people have them to Dataset: uint8 images, whole-number labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bruit.data import npy
from bruit.data.dataset import DataPair, Dataset, Finding, repeated_images
from bruit.data.holdout import set_aside, set_aside_finding
from bruit.data.npy import NPY_NAMES as NPY_NAMES
from bruit.data.npy import refuse_overwriting as refuse_overwriting
from bruit.data.npy import write_npy_folder as write_npy_folder
from bruit.data.raw import Raw
from bruit.errors import DataError

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
    raw = npy.read_folder(folder)
    assert raw.train_labels is not None
    return pair_from_arrays(
        raw.train_images, raw.train_labels, raw.test_images, raw.test_labels, name=folder.resolve().name
    )


def pair_from_arrays(
    train_images: Raw,
    train_labels: Raw,
    test_images: Raw | None = None,
    test_labels: Raw | None = None,
    name: str = "arrays",
) -> DataPair:
    """The same from arrays in memory; the classes are the values that occur in `train_labels`.

    Without test images and their labels, a tenth of each class is set aside as the test set, and a finding says so.
    """
    raws = {"train": (train_images, train_labels)}
    if test_images is not None and test_labels is not None:
        raws["test"] = (test_images, test_labels)
    findings: list[Finding] = []
    images, scales, values = {}, {}, {}
    given = [split for split in SPLITS if split in raws]
    for split in given:
        images[split], scales[split], noticed = to_uint8(raws[split][0], split)
        findings += noticed
    if len(set(scales.values())) == 2:
        dtypes = [raw.dtype for raw, _ in raws.values()]
        findings.insert(0, _scale_mismatch(scales["train"], scales["test"], *dtypes))
    for split in given:
        values[split] = label_values(raws[split][1], len(images[split]), split)
    n_train = len(images["train"])
    ids = {"train": np.arange(n_train), "test": np.arange(n_train, n_train + len(images.get("test", ())))}
    if "test" not in images:
        aside = set_aside(images["train"], values["train"])
        findings.append(set_aside_finding(aside, unlabelled=test_images is not None))
        ids = {"train": np.flatnonzero(~aside), "test": np.flatnonzero(aside)}
        images = {split: images["train"][ids[split]] for split in SPLITS}
        values = {split: values["train"][ids[split]] for split in SPLITS}

    if values["train"].dtype.kind != values["test"].dtype.kind:
        raise DataError(
            "expected labels of one kind, received {dtype} in training and "
            "{dtype2} in test; write both as whole numbers or both as text",
            dtype=raws["train"][1].dtype,
            dtype2=raws["test"][1].dtype,
        )
    known = np.unique(values["train"])
    if len(known) < 2:
        raise DataError("expected at least two classes in the training labels, received only {known[0]}", known=known)
    unseen = np.setdiff1d(values["test"], known)
    if len(unseen):
        listed = ", ".join(str(value) for value in unseen[:8])
        raise DataError(
            "test labels {listed} never occur in training; remove those test images or add training images",
            listed=listed,
        )
    classes = tuple(str(value) for value in known)
    findings += repeated_images(images["train"], images["test"])
    train, test = (
        Dataset(images[split], np.searchsorted(known, values[split]), classes, ids[split]) for split in SPLITS
    )
    return DataPair(name, train, test, tuple(findings))


def to_uint8(raw: Raw, split: Split) -> tuple[NDArray[np.uint8], Scale, list[Finding]]:
    """Raw images of any accepted shape and scale → ((N, H, W) uint8, the scale found, findings)."""
    name = SPLIT_NAMES[split]
    if raw.dtype.kind not in "buif":
        raise DataError("expected numbers in the {name} images, received dtype {raw.dtype}", name=name, raw=raw)
    shaped = _as_stack(raw, name)
    if shaped.size == 0:
        raise DataError(
            "expected at least one {name} image of one pixel or more, received shape {raw.shape}", name=name, raw=raw
        )
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
        raise DataError(
            "expected one {name} label for each of the {n_images:,} images, received shape {raw.shape}",
            name=name,
            n_images=n_images,
            raw=raw,
        )
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.dtype.kind == "U" and raw.ndim == 1:
        return np.asarray(raw)
    if raw.dtype.kind not in "buif":
        raise DataError("expected whole numbers as {name} labels, received dtype {raw.dtype}", name=name, raw=raw)
    values = np.asarray(raw)
    if not np.all(np.isfinite(values)):
        raise DataError(
            "expected whole numbers as {name} labels, received NaN or infinity; label or remove those images", name=name
        )
    if values.ndim == 2:
        if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
            raise DataError(
                "expected {name} labels as (N,), (N, 1) or one-hot (N, C), received {values.shape} that is not one-hot",
                name=name,
                values=values,
            )
        return np.asarray(np.argmax(values, axis=1), np.int64)
    if values.ndim != 1:
        raise DataError(
            "expected {name} labels as (N,), (N, 1) or one-hot (N, C), received shape {raw.shape}", name=name, raw=raw
        )
    fractions = values[values != np.rint(values)] if values.dtype.kind == "f" else values[:0]
    if len(fractions):
        raise DataError(
            "expected whole numbers as {name} labels, received fractions such as {fractions[0]}",
            name=name,
            fractions=fractions,
        )
    low, high = values.min(), values.max()
    if low < 0 or high >= 2**63:
        wrong = low if low < 0 else high
        raise DataError(
            "expected {name} labels of 0 or more, in 64 bits, received {wrong}; remove or relabel those images",
            name=name,
            wrong=wrong,
        )
    return values.astype(np.int64)


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
            "expected square {name} images in the rows of (N, H·W), received {raw.shape[1]} pixels a row; "
            "reshape them to (N, H, W)",
            name=name,
            raw=raw,
        )
    hint = "; convert colour to grey first" if raw.ndim == 4 and 3 in (raw.shape[1], raw.shape[3]) else ""
    raise DataError(
        "expected {name} images as (N, H, W), (N, H, W, 1), (N, 1, H, W) or (N, H·W), received {raw.shape}{hint}",
        name=name,
        raw=raw,
        hint=hint,
    )


def _range(images: Raw, name: str) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for start in range(0, len(images), CHUNK):
        block = images[start : start + CHUNK]
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            first = start + int(np.argmax(~np.isfinite(block).all(axis=(1, 2))))
            raise DataError(
                "{name} images hold NaN or infinity, first in image {first}; repair or remove those images",
                name=name,
                first=first,
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
    raise DataError(
        "{name} images range from {low:g} to {high:g}; expected 0…1, −1…1 or 0…255: rescale them first",
        name=name,
        low=low,
        high=high,
    )


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
