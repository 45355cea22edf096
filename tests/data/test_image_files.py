"""Image files: kinds of pixels, how they lie, and what is refused."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bruit.data import image_folder
from bruit.data.sources import load_images
from bruit.errors import DataError


@pytest.fixture
def folder(small, tmp_path):
    """Five images, without labels."""
    place = tmp_path / "scans"
    place.mkdir()
    for index, image in enumerate(small.train.images[:5]):
        Image.fromarray(image).save(place / f"{index:04}.png")
    return place


@pytest.mark.parametrize("form", ["bmp", "tif", "TIFF", "gif", "webp"])
def test_formats_without_loss(small, tmp_path, form):
    options = {"lossless": True} if form == "webp" else {}
    for index, image in enumerate(small.train.images[:5]):
        Image.fromarray(image).save(tmp_path / f"{index}.{form}", **options)
    assert np.array_equal(image_folder.read(tmp_path).train_images, small.train.images[:5])


def test_jpeg(small, tmp_path):
    Image.fromarray(small.train.images[0]).save(tmp_path / "one.JPG", quality=95)
    assert np.abs(image_folder.read(tmp_path).train_images - small.train.images[0].astype(int)).mean() < 5


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "PA"])
def test_what_is_transparent_lies_on_white(tmp_path, mode):
    image = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    image.paste((90, 90, 90, 255), (0, 0, 3, 4))
    if mode == "P":
        image = image.convert("L").convert("P")
        image.info["transparency"] = 0
        image.save(tmp_path / "one.png", transparency=0)
    elif mode == "PA":
        image.convert("PA").save(tmp_path / "one.tif")
    else:
        image.convert(mode).save(tmp_path / "one.png")
    read = image_folder.read(tmp_path)
    assert read.train_images[0].tolist() == [[90] * 3 + [255] * 3] * 4
    assert [finding.code for finding in read.findings] == ["made-grey"]


def test_what_is_transparent_of_16_bits_lies_on_white_too(tmp_path):
    image = Image.fromarray(np.array([[0, 0, 257 * 90]] * 4, np.uint16))
    image.save(tmp_path / "one.png", transparency=0)
    read = image_folder.read(tmp_path)
    assert read.train_images[0].tolist() == [[65535, 65535, 257 * 90]] * 4
    assert [finding.code for finding in read.findings] == ["made-grey"]


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "1", "L", "YCbCr"])
def test_grey_in_any_mode_is_the_same_grey(tmp_path, mode):
    image = Image.new("L", (6, 4), 0)
    image.paste(255, (0, 0, 3, 4))
    image.convert(mode).save(tmp_path / ("one.tif" if mode in ("CMYK", "YCbCr") else "one.png"))
    read = image_folder.read(tmp_path)
    assert read.train_images[0].tolist() == [[255] * 3 + [0] * 3] * 4
    assert read.findings == ()


@pytest.mark.parametrize("form", ["png", "tif"])
def test_16_bits_are_scaled(small, tmp_path, form):
    for index, image in enumerate(small.train.images[:5]):
        Image.fromarray(image.astype(np.uint16) * 257).save(tmp_path / f"{index}.{form}")
    assert image_folder.read(tmp_path).train_images.dtype == np.uint16
    assert np.array_equal(load_images(tmp_path), small.train.images[:5])


@pytest.mark.parametrize("first", ["8", "16"])
def test_8_bits_beside_16(small, tmp_path, first):
    eight, sixteen = ("a", "b") if first == "8" else ("b", "a")
    Image.fromarray(small.train.images[0]).save(tmp_path / f"{eight}.png")
    Image.fromarray(small.train.images[1].astype(np.uint16) * 257).save(tmp_path / f"{sixteen}.png")
    expected = small.train.images[:2] if first == "8" else small.train.images[1::-1]
    assert np.array_equal(load_images(tmp_path), expected)


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("L", (5, 5), shade) for shade in (200, 100, 50)]
    frames[0].save(tmp_path / "one.gif", save_all=True, append_images=frames[1:])
    assert np.unique(image_folder.read(tmp_path).train_images).tolist() == [200]


@pytest.mark.parametrize(
    "content",
    [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n"],
    ids=["empty", "text", "cut", "postscript"],
)
def test_a_file_that_is_no_image_is_named(folder, refused, content):
    file = folder / "bad.png"
    file.write_bytes(content)
    with refused(
        DataError,
        f"{file} is not a whole PNG, JPEG, TIFF, BMP, WebP or GIF image ({len(content):,} bytes); replace or remove it",
    ):
        load_images(folder)


def test_a_truncated_image_is_named(folder):
    file = sorted(folder.iterdir())[0]
    os.truncate(file, 120)
    with pytest.raises(DataError, match=rf"{file} is not a whole PNG"):
        load_images(folder)


def huge_png(width, height):
    """A PNG that promises more than it holds."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_before_it_is_decoded(folder, refused, monkeypatch):
    file = folder / "0.png"
    file.write_bytes(huge_png(5000, 5000))
    with refused(
        DataError,
        f"{file} has 5,000 × 5,000 pixels, the limit is 16,777,216 in all; cut it into single images, or set "
        "BRUIT_MAX_PIXELS=25000000",
    ):
        load_images(folder)
    monkeypatch.setenv("BRUIT_MAX_PIXELS", "4G")
    file.write_bytes(huge_png(60_000, 60_000))
    with pytest.raises(DataError, match=r"has more than [\d,]+ pixels, the limit; cut it into single images"):
        load_images(folder)


def test_floating_point_and_32_bits(tmp_path, refused):
    file = tmp_path / "one.tif"
    Image.fromarray(np.ones((4, 4), np.float32)).save(file)
    with refused(DataError, f"{file} has floating-point pixels; save it with 8 or 16 bits, or all images as .npy"):
        load_images(tmp_path)
    Image.fromarray(np.full((4, 4), 70_000, np.int32)).save(file)
    with refused(DataError, f"{file} has pixels of 32 bits; save it with 8 or 16 bits"):
        load_images(tmp_path)


# How the pixels of an image that stands upright are stored, and what EXIF then says: its number of the orientation.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.T,
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].T,
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("form", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", STORED)
def test_what_a_camera_laid_on_its_side_is_read_upright(small, tmp_path, form, orientation):
    upright = np.kron(small.train.images[0][:, :20], np.ones((4, 4), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    options = {"jpg": {"quality": 95}, "webp": {"lossless": True}}.get(form, {})
    stored.save(tmp_path / f"photo.{form}", exif=exif, **options)
    read = image_folder.read(tmp_path).train_images[0]
    assert read.shape == (112, 80)
    assert np.abs(read - upright.astype(int)).mean() < 3


@pytest.mark.parametrize("mode", ["I;16", "1", "LA", "P"])
def test_other_kinds_of_pixels_are_read_upright_too(small, tmp_path, mode):
    upright = (small.train.images[0][:, :20] > 127) * np.uint8(255)
    stored = np.ascontiguousarray(np.rot90(upright))
    image = Image.fromarray(stored.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(stored).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "one.png", exif=exif)
    assert np.array_equal(load_images(tmp_path)[0], upright)


def test_sizes_are_compared_upright(small, tmp_path):
    lying = Image.fromarray(small.train.images[0][:20])
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.rotate(90, expand=True).save(tmp_path / "a.png", exif=exif)
    lying.save(tmp_path / "b.png")
    read = load_images(tmp_path)
    assert np.array_equal(read[0], read[1])
