"""Pictures that strangers send, within the limits of a server."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.image_files import decoded
from bruit.errors import DataError
from bruit.locale import Sentence
from bruit.reading.pictures import grey
from bruit.serving.limits import MAX_ALL_PIXELS, MAX_IMAGES, MAX_PIXELS
from bruit.serving.refusal import RequestError

Pixels = NDArray[np.uint8]
PICTURE = Sentence("the picture")


def opened(file: bytes) -> Pixels:
    """(H, W) uint8 of an image file. Raises DataError, and RequestError for one of too many pixels, before one is
    decoded.
    """
    pixels, _ = decoded(file, PICTURE, check=lambda size: refuse_pixels(*size))
    return pixels if pixels.dtype == np.uint8 else grey(pixels)


def from_json(images: Any) -> list[Pixels] | Pixels:
    """Numbers in lists, (H, W) or (N, H, W), where the images may be of different sizes: (N, H, W) uint8, or a list of
    (H, W). Raises DataError and RequestError.
    """
    if not isinstance(images, list) or not images:
        raise RequestError("expected images as a list of lists of numbers, (H, W) or (N, H, W)")
    try:
        array = _array(images)
    except ValueError:  # of different sizes
        refuse_images(len(images))
        arrays = [_one(image) for image in images]
        refuse_all_pixels(sum(image.size for image in arrays))
        return [grey(image) for image in arrays]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        raise DataError("expected a picture as (H, W), received an array {shape}", shape=array.shape[1:])
    refuse_images(len(array))
    refuse_pixels(array.shape[2], array.shape[1])
    refuse_all_pixels(array.size)
    return grey(array)


def refuse_images(count: int) -> None:
    if count > MAX_IMAGES:
        raise RequestError(
            "{n:,} images in one request; the limit is {limit:,}, send several", status=413, n=count, limit=MAX_IMAGES
        )


def refuse_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise RequestError(
            "a picture of {width:,} × {height:,} pixels; the limit is {limit:,} in all, make it smaller",
            status=413,
            width=width,
            height=height,
            limit=MAX_PIXELS,
        )


def refuse_all_pixels(pixels: int) -> None:
    if pixels > MAX_ALL_PIXELS:
        raise RequestError(
            "{n:,} pixels in one request; the limit is {limit:,}, send its images in several",
            status=413,
            n=pixels,
            limit=MAX_ALL_PIXELS,
        )


def _one(image: Any) -> NDArray[Any]:
    try:
        array = _array(image)
    except ValueError:
        array = np.empty(0)
    if array.ndim != 2:
        raise RequestError("expected images as a list of lists of numbers, (H, W) or (N, H, W)")
    refuse_pixels(array.shape[1], array.shape[0])
    return array


def _array(numbers: Any) -> NDArray[Any]:
    """Raises ValueError for lists of different lengths."""
    array = np.asarray(numbers)
    if array.dtype.kind not in "biuf":
        raise RequestError("expected images as a list of lists of numbers, (H, W) or (N, H, W)")
    return array
