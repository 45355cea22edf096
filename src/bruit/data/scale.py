"""Pixels of any shape, type and scale to uint8 (N, H, W), 0…255."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bruit.data import room
from bruit.data.dataset import Finding, Images, Split, blocks
from bruit.data.findings import find
from bruit.data.raw import Raw
from bruit.errors import DataError
from bruit.locale import Sentence

SPLIT_NAMES = {"train": Sentence("training"), "test": Sentence("test")}
# Resampling and float32 arithmetic overshoot a range by a hair; this much of it is forgiven and clipped.
TOLERANCE = 1e-3
# Grey levels below which the brightest pixel is dim.
_DIM = 128


@dataclass(frozen=True)
class Scale:
    """How raw pixel values map to 0…255: value · factor + offset."""

    label: str
    factor: float
    offset: float = 0.0


_SIXTEEN_BITS = Scale("0…65535", 1 / 257)


def to_uint8(raw: Raw, split: Split) -> tuple[Images, Scale, list[Finding]]:
    """Raw images of any accepted shape and scale → ((N, H, W) uint8, the scale found, findings).

    What is uint8 on that scale already and cannot be written to, as a file that is mapped, is not copied. Raises
    DataError for shapes, types and ranges that are not accepted, and for NaN.
    """
    name = SPLIT_NAMES[split]
    if raw.dtype.kind not in "buif":
        raise DataError("expected numbers in the {name} images, received dtype {raw.dtype}", name=name, raw=raw)
    shape = _stack_shape(raw, name)
    if 0 in shape:
        raise DataError(
            "expected at least one {name} image of one pixel or more, received shape {raw.shape}", name=name, raw=raw
        )
    low, high = _range(raw, name)
    scale = _scale(raw.dtype, low, high, name)
    out, rounding = _scaled(raw, shape, scale)
    size = {"images": shape[0], "height": shape[1], "width": shape[2]}
    found = [find("scale", "info", split, **size, dtype=str(raw.dtype), low=low, high=high, scale=scale.label)]
    if rounding > 1e-3:
        found.append(find("rounded", "info", split, share=rounding / 255))
    brightest = int(np.clip(np.rint(high * scale.factor + scale.offset), 0, 255))
    if brightest < _DIM and scale == _SIXTEEN_BITS:
        figure = {"brightest": int(high), "levels": brightest + 1, "factor": int(65535 // high)}
        found.append(find("few-bits", "warning", split, **figure))
    elif brightest < _DIM:
        found.append(find("dim", "warning", split, brightest=brightest))
    return out, scale, found


def scale_mismatch(scales: tuple[Scale, Scale], dtypes: tuple[np.dtype, np.dtype]) -> Finding:
    """The finding that training and test images (in this order) are on two scales."""
    (train, test), (train_dtype, test_dtype) = scales, dtypes
    figure = {"train": train.label, "test": test.label, "train_dtype": str(train_dtype), "test_dtype": str(test_dtype)}
    return find("scale-mismatch", "warning", "both", **figure)


def _scaled(raw: Raw, shape: tuple[int, int, int], scale: Scale) -> tuple[Images, float]:
    """(the images, by how many grey levels a pixel was rounded at most)."""
    as_it_is = raw.dtype == np.uint8 and scale.factor == 1
    if as_it_is and raw.flags.c_contiguous and not raw.flags.writeable:
        return raw.reshape(shape), 0.0
    out: NDArray[np.uint8] = room.empty(shape, np.uint8)
    rounding = 0.0
    for part in blocks(out):
        block = raw[part].reshape(-1, *shape[1:])
        if as_it_is:
            out[part] = block
            continue
        exact = block.astype(np.float64) * scale.factor + scale.offset
        rounded = np.clip(np.rint(exact), 0, 255)
        rounding = max(rounding, float(np.abs(rounded - exact).max()))
        out[part] = rounded
    return out, rounding


def _stack_shape(raw: Raw, name: Sentence) -> tuple[int, int, int]:
    """(N, H, W) of what may have an axis of one more, or its pixels in a row."""
    if raw.ndim == 3:
        return raw.shape[0], raw.shape[1], raw.shape[2]
    if raw.ndim == 4 and raw.shape[3] == 1:
        return raw.shape[0], raw.shape[1], raw.shape[2]
    if raw.ndim == 4 and raw.shape[1] == 1:
        return raw.shape[0], raw.shape[2], raw.shape[3]
    if raw.ndim == 2:
        side = round(raw.shape[1] ** 0.5)
        if side * side == raw.shape[1]:
            return len(raw), side, side
        one = Sentence(", or a single image to (1, H, W)") if raw.shape[0] == raw.shape[1] else ""
        raise DataError(
            "expected square {name} images in the rows of (N, H·W), received {raw.shape[1]} pixels a row; "
            "reshape them to (N, H, W){one}",
            name=name,
            raw=raw,
            one=one,
        )
    hint = Sentence("; convert colour to grey first") if raw.ndim == 4 and 3 in (raw.shape[1], raw.shape[3]) else ""
    raise DataError(
        "expected {name} images as (N, H, W), (N, H, W, 1), (N, 1, H, W) or (N, H·W), received {raw.shape}{hint}",
        name=name,
        raw=raw,
        hint=hint,
    )


def _range(images: Raw, name: Sentence) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for part in blocks(images):
        block = images[part]
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            whole = np.isfinite(block).reshape(len(block), -1).all(axis=1)
            raise DataError(
                "{name} images hold NaN or infinity, first in image {first}; repair or remove those images",
                name=name,
                first=part.start + int(np.argmin(whole)),
            )
        low, high = min(low, float(block.min())), max(high, float(block.max()))
    return low, high


def _scale(dtype: np.dtype, low: float, high: float, name: Sentence) -> Scale:
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
        return _SIXTEEN_BITS
    raise DataError(
        "{name} images range from {low:g} to {high:g}; expected 0…1, −1…1 or 0…255: rescale them first",
        name=name,
        low=low,
        high=high,
    )
