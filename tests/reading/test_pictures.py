"""Every kind of picture becomes grey pixels."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bruit.errors import DataError
from bruit.reading.pictures import grey

# What every picture here shows: dark on the left, light on the right, a spot in a corner.
SHOWN = np.full((30, 40), 40, np.uint8)
SHOWN[:, 20:] = 220
SHOWN[:6, :6] = 250
IMAGE = Image.fromarray(SHOWN)


def encoded(image, kind, **how):
    file = BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def looks_like(pixels, shown=SHOWN, within=12):
    assert pixels.dtype == np.uint8
    assert pixels.shape == shown.shape
    return np.abs(pixels.astype(int) - shown).mean() < within


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_every_format(kind, tmp_path):
    content = encoded(IMAGE, kind)
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(content)
    assert looks_like(grey(content))
    assert np.array_equal(grey(path), grey(content))
    assert np.array_equal(grey(str(path)), grey(content))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_kind_of_pillow_image(mode):
    image = IMAGE if mode in ("L", "1") else IMAGE.convert("RGB")
    if mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        image = IMAGE.convert("LA") if mode == "LA" else image.convert(mode)
    if mode == "1":
        assert set(np.unique(grey(image))) <= {0, 255}
    else:
        assert looks_like(grey(image))


MODES_IN_FILES = [("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "1"), ("TIFF", "CMYK"), ("GIF", "P")]


@pytest.mark.parametrize(("kind", "mode"), MODES_IN_FILES)
def test_modes_in_files(kind, mode):
    image = IMAGE.quantize(8) if mode == "P" else IMAGE.convert("RGB").convert(mode)
    assert looks_like(grey(encoded(image, kind)), within=60 if mode == "1" else 12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits(kind):
    deep = SHOWN.astype(np.uint16) * 257
    assert np.array_equal(grey(encoded(Image.fromarray(deep), kind)), SHOWN)
    assert np.array_equal(grey(deep), SHOWN)
    assert np.array_equal(grey(Image.fromarray(deep)), SHOWN)


def test_twelve_bits_are_stretched():
    assert np.abs(grey(SHOWN.astype(np.uint16) * 16).astype(int) - SHOWN).max() <= 1


def test_what_is_transparent_is_white():
    clear = np.zeros((30, 40, 4), np.uint8)
    clear[10:20, 10:20] = (0, 0, 0, 255)
    pixels = grey(encoded(Image.fromarray(clear), "PNG"))
    assert pixels[0, 0] == 255
    assert pixels[15, 15] == 0


def test_pictures_are_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    content = encoded(IMAGE.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    assert looks_like(grey(content))


def test_of_an_animation_the_first_frame_is_read():
    assert looks_like(grey(encoded(IMAGE, "GIF", save_all=True, append_images=[Image.new("L", IMAGE.size)])))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (SHOWN > 128, np.where(SHOWN > 128, 255, 0)),
        (SHOWN / 255, SHOWN),
        (SHOWN.astype(np.float32), SHOWN),
        (SHOWN.astype(np.int64), SHOWN),
        (SHOWN, SHOWN),
        (np.stack([SHOWN, SHOWN]), np.stack([SHOWN, SHOWN])),
    ],
)
def test_arrays(array, expected):
    assert np.array_equal(grey(array), expected)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((4, 4), np.nan), "NaN or infinity"),
        (np.full((4, 4), np.inf), "NaN or infinity"),
        (np.full((4, 4), -1), "range from -1"),
        (np.full((4, 4), 70_000), "range from 70000"),
        (np.full((4, 4), 300.5), "range from 300.5"),
        (np.zeros(4, np.uint8), r"\(H, W\)"),
        (np.zeros((0, 4), np.uint8), r"\(H, W\)"),
        (np.zeros((1, 1, 4, 4), np.uint8), r"\(H, W\)"),
        (np.full((4, 4), "7"), "pixels as numbers"),
        (np.zeros((4, 4), complex), "pixels as numbers"),
        (np.full((4, 4), None), "pixels as numbers"),
    ],
)
def test_other_arrays_are_refused(array, said):
    with pytest.raises(DataError, match=said):
        grey(array)


@pytest.mark.parametrize("what", [None, 7, [1, 2], {"a": 1}])
def test_what_is_no_picture_is_refused(what):
    with pytest.raises(DataError, match="expected a picture"):
        grey(what)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.4", encoded(IMAGE, "PNG")[:60]])
def test_damaged_bytes_are_refused(content, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    for picture in (content, path):
        with pytest.raises(DataError, match=r"not a whole PNG|is an empty file"):
            grey(picture)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        grey(tmp_path / "none.png")
    with pytest.raises(DataError, match="is a folder"):
        grey(tmp_path)
