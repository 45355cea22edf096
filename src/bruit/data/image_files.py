"""Image files into arrays: one size, grey, upright."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bruit.data import room
from bruit.data.dataset import blocks
from bruit.data.limits import max_pixels, refuse_bytes
from bruit.data.raw import Raw
from bruit.errors import BruitError, DataError
from bruit.locale import Sentence

if TYPE_CHECKING:
    from PIL.Image import Image

# Whatever a file is called, Pillow tries these and nothing else: some of its other readers start programs.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
# Is handed the (width, height) of an image, and raises what it thinks of it.
Check = Callable[[tuple[int, int]], None]


class Reader:
    """Reads image files of one size into stacks, of uint16 as soon as one of them has 16 bits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first: tuple[Path, tuple[int, int]] | None = None
        self.coloured = 0
        self.bytes = 0

    def read(self, files: list[Path]) -> Raw:
        """(N, H, W) uint8 or uint16."""
        stack: Raw | None = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is refused below, and of harmless metadata
            for index, path in enumerate(files):
                image = self._image(path)
                if stack is None:
                    self._make_room(len(files) * image.nbytes)
                    stack = room.empty((len(files), *image.shape), image.dtype)
                if image.dtype != stack.dtype:  # 8 bits beside 16: full scale is full scale
                    if image.dtype == np.uint16:
                        self._make_room(stack.nbytes)
                        stack = _widened(stack)
                    else:
                        image = image.astype(np.uint16) * np.uint16(257)
                stack[index] = image
        assert stack is not None
        return stack

    def _make_room(self, more: int) -> None:
        self.bytes += more
        refuse_bytes(self.folder, self.bytes)

    def _image(self, path: Path) -> Raw:
        pixels, coloured = decoded(content_of(path), path, check_upright=lambda size: self._check_size(path, size))
        self.coloured += coloured
        return pixels

    def _check_size(self, path: Path, size: tuple[int, int]) -> None:
        width, height = size
        if self.first is None:
            self.first = path, size
        other, (other_width, other_height) = self.first
        if size != self.first[1]:
            raise DataError(
                "expected images of one size, received {other} with {other_width} × {other_height} pixels and "
                "{path} with {width} × {height}; resize one of them",
                other=other,
                other_width=other_width,
                other_height=other_height,
                path=path,
                width=width,
                height=height,
            )


def content_of(path: Path) -> bytes:
    """An image file in memory: Pillow asks a file for as many bytes as its content promises, and gets room for all of
    them. Raises DataError.
    """
    try:
        refuse_bytes(path, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise DataError("cannot read {path}: {error.strerror}", path=path, error=error) from error


def decoded(
    content: bytes,
    path: Path | Sentence,
    *,
    check: Check | None = None,
    check_upright: Check | None = None,
) -> tuple[Raw, bool]:
    """((H, W) uint8, or uint16 where there are 16 bits, whether it was coloured or transparent) of an image file.

    path           what it is called
    check          is handed (width, height) before a pixel is decoded, and raises what it thinks of it; by default
                   more pixels than bruit opens are refused
    check_upright  the same of the image as it is looked at

    Raises DataError.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if check is not None:
                check(image.size)
            else:
                _check_pixels(path, image.size)
            ImageOps.exif_transpose(image, in_place=True)  # cameras lay images on their side and say so
            if check_upright is not None:
                check_upright(image.size)
            image.load()  # some formats know their mode only then
            return to_grey(image, path)
    except BruitError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            "{path} has more than {max_pixels:,} pixels, the limit; cut it into single images",
            path=path,
            max_pixels=min(max_pixels(), 2 * (Image.MAX_IMAGE_PIXELS or 0)),
        ) from error
    except Exception as error:  # Pillow's readers raise errors of many kinds for damaged files
        raise DataError(
            "{path} is not a whole PNG, JPEG, TIFF, BMP, WebP or GIF image ({size:,} bytes); replace or remove it",
            path=path,
            size=len(content),
        ) from error


def to_grey(image: Image, path: Path | Sentence) -> tuple[Raw, bool]:
    """((H, W) uint8, or uint16 where there are 16 bits, whether it was coloured or transparent) of an opened image,
    over white where it is transparent. Raises DataError for pixels of 32 bits or floating point.
    """
    from PIL import Image

    mode = image.mode
    if mode in ("1", "L") and "transparency" not in image.info:
        return np.asarray(image.convert("L")), False
    if mode.startswith("I;16"):
        pixels = np.asarray(image).astype(np.uint16)
        clear = image.info.get("transparency")
        see_through = isinstance(clear, int) and bool((pixels == clear).any())
        if see_through:
            pixels[pixels == clear] = 65535
        return pixels, see_through
    if mode == "I":
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise DataError("{path} has pixels of 32 bits; save it with 8 or 16 bits", path=path)
        return values.astype(np.uint16), False
    if mode == "F":
        raise DataError("{path} has floating-point pixels; save it with 8 or 16 bits, or all images as .npy", path=path)
    see_through = "A" in mode or "a" in mode or "transparency" in image.info
    if see_through:
        white = Image.new("RGBA", image.size, "white")
        rgba = image.convert("RGBA")
        see_through = bool(np.asarray(rgba)[..., 3].min() < 255)
        image = Image.alpha_composite(white, rgba)
    image = image.convert("RGB")
    red, green, blue = np.moveaxis(np.asarray(image), 2, 0)
    coloured = see_through or not (np.array_equal(red, green) and np.array_equal(green, blue))
    return np.asarray(image.convert("L")), coloured


def _check_pixels(path: Path | Sentence, size: tuple[int, int]) -> None:
    """Before one of them is decoded."""
    width, height = size
    if width * height > max_pixels():
        raise DataError(
            "{path} has {width:,} × {height:,} pixels, the limit is {max_pixels:,} in all; cut it into single "
            "images, or set BRUIT_MAX_PIXELS={width2}",
            path=path,
            width=width,
            height=height,
            max_pixels=max_pixels(),
            width2=width * height,
        )


def _widened(stack: Raw) -> Raw:
    """8 bits as 16: full scale is full scale."""
    wide = room.empty(stack.shape, np.uint16)
    for part in blocks(stack):
        wide[part] = stack[part].astype(np.uint16) * np.uint16(257)
    return wide
