"""Pictures of any kind as grey pixels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from bruit.data.image_files import content_of, decoded, to_grey
from bruit.data.streams import refuse_no_file
from bruit.errors import DataError
from bruit.locale import Sentence

if TYPE_CHECKING:
    from PIL.Image import Image

Picture: TypeAlias = Union[str, Path, bytes, "Image", NDArray[Any]]
# What 12-bit scanners leave in files of 16 bits.
TWELVE_BITS = 4095
SIZES = (2, 3)


def grey(picture: Picture) -> NDArray[np.uint8]:
    """A file, its bytes, a Pillow image, or an array (H, W) or (N, H, W), as uint8 of 0…255.

    Colour becomes grey, over white where it is transparent; of an animation the first frame is read. Arrays may be
    bool, floats in 0…1, or whole numbers of 8 or 16 bits. Raises DataError for anything else, and for NaN.
    """
    if isinstance(picture, np.ndarray):
        return _eight_bits(picture)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what is refused anyway, and of harmless metadata
        if isinstance(picture, bytes):
            return _eight_bits(decoded(picture, Sentence("the picture"))[0])
        if isinstance(picture, str | Path):
            path = Path(picture)
            refuse_no_file(path)
            return _eight_bits(decoded(content_of(path), path)[0])
        if not hasattr(picture, "getexif"):  # a Pillow image, which need not be imported to know one
            raise DataError(
                "expected a picture as a file, its bytes, a Pillow image or an array, received {kind}",
                kind=type(picture).__name__,
            )
        return _eight_bits(to_grey(picture, Sentence("the picture"))[0])


def _eight_bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.ndim not in SIZES or 0 in pixels.shape:
        raise DataError("expected a picture as (H, W), received an array {shape}", shape=pixels.shape)
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind not in "iuf":
        raise DataError("expected pixels as numbers, received {dtype}", dtype=pixels.dtype)
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite((low, high)).all():
        raise DataError("the pixels hold NaN or infinity; repair or remove them")
    if pixels.dtype.kind == "f":
        top = 1 if high <= 1 else 255
    else:
        top = next((top for top in (255, TWELVE_BITS, 65535) if high <= top), 0)
    if low < 0 or high > top:
        raise DataError(
            "the pixels range from {low:g} to {high:g}; expected 0…255, floats in 0…1, or whole numbers of 16 bits",
            low=low,
            high=high,
        )
    return np.rint(pixels * (255 / top)).astype(np.uint8)
