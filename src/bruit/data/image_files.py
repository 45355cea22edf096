"""Image files into arrays: one size, grey, upright."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bruit.data import room
from bruit.data.dataset import blocks
from bruit.data.limits import max_pixels, refuse_bytes
from bruit.data.raw import Raw
from bruit.errors import BruitError, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

# Whatever a file is called, Pillow tries these and nothing else: some of its other readers start programs.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")


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
        from PIL import Image, ImageOps

        try:
            refuse_bytes(path, path.stat().st_size)
            # From memory: Pillow asks a file for as many bytes as its content promises, and gets room for all of them.
            with Image.open(BytesIO(path.read_bytes()), formats=FORMATS) as image:
                self._check_pixels(path, image.size)
                upright = ImageOps.exif_transpose(image)  # cameras lay images on their side and say so
                self._check_size(path, upright.size)
                return self._grey(upright, path)
        except BruitError:
            raise
        except PermissionError as error:
            raise DataError("cannot read {path}: {error.strerror}", path=path, error=error) from error
        except Image.DecompressionBombError as error:
            raise DataError(
                "{path} has more pixels than Pillow opens: {error}; cut it into single images", path=path, error=error
            ) from error
        except Exception as error:  # Pillow's readers raise errors of many kinds for damaged files
            size = path.stat().st_size if path.exists() else 0
            raise DataError(
                "{path} is not a whole PNG, JPEG, TIFF, BMP, WebP or GIF image ({size:,} bytes); replace or remove it",
                path=path,
                size=size,
            ) from error

    def _check_pixels(self, path: Path, size: tuple[int, int]) -> None:
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

    def _grey(self, image: Image, path: Path) -> Raw:
        """(H, W) uint8, or uint16 where there are 16 bits."""
        from PIL import Image

        mode = image.mode
        if mode in ("1", "L") and "transparency" not in image.info:
            return np.asarray(image.convert("L"))
        if mode.startswith("I;16"):
            pixels = np.asarray(image).astype(np.uint16)
            if isinstance(clear := image.info.get("transparency"), int) and (pixels == clear).any():
                self.coloured += 1
                pixels[pixels == clear] = 65535
            return pixels
        if mode == "I":
            values = np.asarray(image)
            if values.min() < 0 or values.max() > 65535:
                raise DataError("{path} has pixels of 32 bits; save it with 8 or 16 bits", path=path)
            return values.astype(np.uint16)
        if mode == "F":
            raise DataError(
                "{path} has floating-point pixels; save it with 8 or 16 bits, or all images as .npy", path=path
            )
        see_through = "A" in mode or "a" in mode or "transparency" in image.info
        if see_through:
            white = Image.new("RGBA", image.size, "white")
            rgba = image.convert("RGBA")
            see_through = bool(np.asarray(rgba)[..., 3].min() < 255)
            image = Image.alpha_composite(white, rgba)
        image = image.convert("RGB")
        red, green, blue = np.moveaxis(np.asarray(image), 2, 0)
        self.coloured += see_through or not (np.array_equal(red, green) and np.array_equal(green, blue))
        return np.asarray(image.convert("L"))


def _widened(stack: Raw) -> Raw:
    """8 bits as 16: full scale is full scale."""
    wide = room.empty(stack.shape, np.uint16)
    for part in blocks(stack):
        wide[part] = stack[part].astype(np.uint16) * np.uint16(257)
    return wide
