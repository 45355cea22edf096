"""Where the ink is in a picture, whatever the light, the paper and the pen were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
Ink = NDArray[np.floating]
# Pictures are looked at no larger than this, in pixels of the longer side: strokes are still some pixels wide. Where
# they are so long that the shorter side would then be less than SMALL, it is that.
LONGEST = 1000
# The background is found on a copy so large at most, in pixels of the shorter side, which also evens out noise.
SMALL = 48
# What is narrower than this share of the shorter side is no background but a stroke.
WIDEST = 0.35
# How much what is on the side of the ink counts for the background.
INK_COUNTS = 0.1
# Shorter sides below this hold nothing but a digit: their background is one grey.
NO_ROOM = 28
# Ink differs from its background by at least so many grey levels, and by so many standard deviations of the noise.
FAINTEST, ABOVE_NOISE = 16, 4.5
# Ink of this percentile is full ink: there may be more of paler lines than of it.
DARKEST = 97
# Noise that is more than this share of the difference between ink and background is smoothed, so often at most; where
# it is still more than the other share, there is nothing but noise.
NOISY, NOISIEST, SMOOTHINGS = 0.06, 0.13, 3
# Of a normal distribution: the standard deviation over the median of absolute values.
OF_MEDIAN = 1.4826


def is_dark_on_light(images: Pixels) -> NDArray[np.bool_]:
    """(N, H, W) → (N,): whether the ink is darker than what it stands on. Ink is what there is less of, so the grey
    levels have their long tail on its side.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels -= pixels.mean(axis=1, keepdims=True)
    skewed: NDArray[np.bool_] = (pixels**3).mean(axis=1) < 0
    return skewed


def shrunk(picture: Pixels) -> tuple[Pixels, int]:
    """The picture, as large as it is looked at, and how many times smaller that is."""
    times = min(-(-max(picture.shape) // LONGEST), max(1, min(picture.shape) // SMALL))
    if times == 1:
        return picture, 1
    from PIL import Image

    return np.asarray(Image.fromarray(picture).reduce(times)), times


def ink_of(picture: Pixels) -> Ink | None:
    """(H, W) → the same as 0…1, from no ink to ink; None where there is none that can be told from the background."""
    from PIL import Image, ImageFilter

    image = Image.fromarray(picture)
    background, dark = _background(image)
    for smoothings in range(SMOOTHINGS + 1):
        off = _difference(image, background, dark)
        roomy = min(picture.shape) >= NO_ROOM
        noise = OF_MEDIAN * float(np.median(np.abs(off - np.median(off)))) if roomy else 0.0
        strong = off[off > max(FAINTEST, ABOVE_NOISE * noise)]
        if not len(strong):
            return None
        full = float(np.percentile(strong, DARKEST))
        if noise < NOISY * full or (smoothings == SMOOTHINGS and noise < NOISIEST * full):
            ink: Ink = np.clip(off / full, 0, 1)
            return ink
        image = image.filter(ImageFilter.GaussianBlur(1))
    return None


def _background(image: Image.Image) -> tuple[Ink, bool]:
    """(H, W) grey levels, and whether what stands on it is darker."""
    from PIL import Image, ImageFilter

    short = min(image.size)
    if short < NO_ROOM:
        pixels = np.asarray(image)
        border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
        level = float(np.median(border))
        dark = bool(pixels.mean() < level)
        return np.full(pixels.shape, level, np.float32), dark
    scale = min(1, SMALL / short)
    small = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32)
    around = np.asarray(small.filter(ImageFilter.BoxBlur(min(small.size) / 3)), np.float32)
    dark = bool(((pixels - around) ** 3).mean() < 0)
    light = _gradient(pixels, dark)
    window = int(WIDEST * min(small.size)) // 2 * 2 + 1
    flat = Image.fromarray(np.rint(pixels - light + 128).clip(0, 255).astype(np.uint8))
    wide = ImageFilter.MaxFilter(window), ImageFilter.MinFilter(window)
    for rank in wide if dark else wide[::-1]:
        flat = flat.filter(rank)
    light += np.asarray(flat.filter(ImageFilter.BoxBlur(window / 4)), np.float32) - 128
    return np.asarray(Image.fromarray(light).resize(image.size, Image.Resampling.BILINEAR)), dark


def _gradient(pixels: Ink, dark: bool) -> Ink:
    """How light falls on the background: a square function of the place, fitted to what is on its side of the ink."""
    height, width = pixels.shape
    y, x = (values.ravel() for values in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    terms = np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=1)
    values = pixels.ravel()
    weights = np.ones_like(values)
    for _ in range(8):
        fit = terms @ np.linalg.lstsq(terms * weights[:, None], values * weights, rcond=None)[0]
        weights = np.where((values > fit) == dark, 1, INK_COUNTS).astype(np.float32)
    light: Ink = fit.reshape(pixels.shape).astype(np.float32)
    return light


def _difference(image: Image.Image, background: Ink, dark: bool) -> Ink:
    """How far the pixels are from the background, on the side of the ink, in grey levels; where ink is dark, as if the
    paper were lit evenly.
    """
    pixels = np.asarray(image, np.float32)
    if not dark:
        return pixels - background
    level = float(np.median(background))
    return (background - pixels) * (level / np.maximum(background, level / 4 + 1))
