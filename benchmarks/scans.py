"""How well digits are found in pictures: `Reader.read` on pictures made of dev digits, and on images of other sizes.

    python benchmarks/scans.py [--model robust] [--digits 500] [--strings 300] [--only untouched digits strings 8x8]
    python benchmarks/scans.py --folder DATA

The pictures are made of the last 10,000 training images of MNIST, which `robust` has seen: figures on them flatter it,
and are for comparing. load_digits of scikit-learn (8 × 8) and what lies in a folder it has never seen. Test images of
MNIST are not looked at.

Printed are Markdown tables: how many images of the model's size are touched though they should pass as they are;
accuracy on single digits, a row for each kind of picture; on strings of 2 to 6 digits whole strings and digits, and
how often there was a doubt where the string was wrong, and where it was right.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO

import numpy as np
from noisy_sets import BENCHMARK
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

import bruit
from bruit.noise.draws import Draws
from bruit.noise.recipes import find
from bruit.noise.registry import applied
from bruit.reading.reader import Reader
from bruit.reading.scans import fit_as_they_are

Ink = NDArray[np.floating]
Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Random = np.random.Generator
# Digits are drawn on a canvas at so many times their 28 × 28 before anything is done to their strokes.
DRAWN = 8
# Grey of paper and ink.
PAPER, PEN = 235.0, 40.0


def enlarged(digit: Picture, times: float) -> Ink:
    """(H, W) of 0…1, as large as asked for."""
    size = (round(digit.shape[1] * times), round(digit.shape[0] * times))
    large = Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(large, np.float32) / 255


def thin(digit: Picture) -> Ink:
    """Its strokes as thin as they may be without breaking or vanishing."""
    ink = enlarged(digit, DRAWN) > 0.5
    pieces, holes = ndimage.label(ink)[1], ndimage.label(~ink)[1]
    while True:
        less = ndimage.binary_erosion(ink)
        if ndimage.label(less)[1] != pieces or ndimage.label(~less)[1] != holes:
            return np.asarray(ndimage.gaussian_filter(ink.astype(np.float32), 0.7))
        ink = less


def thick(digit: Picture) -> Ink:
    """Its strokes 2 pixels of 28 wider."""
    ink = np.pad(enlarged(digit, DRAWN) > 0.5, 2 * DRAWN)
    wide = ndimage.binary_dilation(ink, iterations=DRAWN).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(wide, 1))


def placed(ink: Ink, random: Random) -> Ink:
    """Somewhere on a canvas of 100 to 400 pixels, between a quarter and nine tenths of its side high."""
    side = int(random.integers(100, 401))
    tight = _cut(ink)
    height = random.uniform(0.25, 0.9) * side
    scale = height / max(tight.shape)
    size = (max(2, round(tight.shape[1] * scale)), max(2, round(tight.shape[0] * scale)))
    small = np.asarray(Image.fromarray(tight).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)
    canvas = np.zeros((side, side), np.float32)
    top, left = (int(random.integers(0, side - length + 1)) for length in small.shape)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def on_paper(ink: Ink, paper: float | Ink = PAPER, pen: float = PEN) -> Picture:
    """Dark on light."""
    return np.rint(paper + (pen - paper) * ink).clip(0, 255).astype(np.uint8)


def lit(picture: Picture, random: Random) -> Picture:
    """As under a lamp that stands on one side, with the shadow of a hand over a part of it."""
    height, width = picture.shape
    y, x = np.mgrid[:height, :width] / max(height, width)
    angle, edge = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.8)
    along = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    across = np.cos(angle + 2) * (x - 0.5) + np.sin(angle + 2) * (y - 0.5)
    light = 0.7 + 0.5 * along - 0.15 / (1 + np.exp(-(across + 0.5 - edge) * 20))
    return np.asarray(np.rint(picture * light).clip(0, 255), np.uint8)


def grainy(picture: Picture, random: Random, strength: float = 20) -> Picture:
    """Noise of the sensor, and the paper's own."""
    fibres = ndimage.gaussian_filter(random.normal(0, 1, picture.shape), 3)
    noise = random.normal(0, strength, picture.shape) + fibres * (8 / fibres.std())
    return np.asarray(np.rint(picture + noise).clip(0, 255), np.uint8)


def as_jpeg(picture: Picture) -> Picture:
    """Of quality 30."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=30)
    return np.asarray(Image.open(file))


def boxed(ink: Ink, random: Random) -> Ink:
    """In a ruled box, not quite straight, which the digit does not touch."""
    tight = _cut(ink)
    room = int(max(tight.shape) * random.uniform(0.15, 0.4)) + 4
    around = np.pad(tight, ((2 * room,) * 2, (2 * room + (max(tight.shape) - tight.shape[1]) // 2,) * 2))
    image = Image.fromarray(np.zeros(around.shape, np.uint8))
    box = [room, room, around.shape[1] - room, around.shape[0] - room]
    ImageDraw.Draw(image).rectangle(box, outline=255, width=int(random.integers(2, 5)))
    image = image.rotate(random.uniform(-2, 2), Image.Resampling.BICUBIC)
    return np.maximum(around, np.asarray(image, np.float32) / 255)


def ruled(picture: Picture, random: Random) -> Picture:
    """On ruled paper: lines paler than ink, through the digit and beside it."""
    canvas, apart = picture.astype(np.float32), int(random.integers(20, 60))
    for y in range(int(random.integers(5, apart)), len(canvas) - 2, apart):
        canvas[y : y + 2] = np.minimum(canvas[y : y + 2], 185)
    return canvas.astype(np.uint8)


def turned(ink: Ink, random: Random) -> Ink:
    """By up to 10°."""
    return np.asarray(Image.fromarray(ink).rotate(random.uniform(-10, 10), Image.Resampling.BICUBIC)).clip(0, 1)


def drawn(digit: Picture) -> Ink:
    return enlarged(digit, DRAWN)


SINGLE: dict[str, Callable[[Picture, Random], Picture]] = {
    "on paper": lambda digit, random: on_paper(placed(drawn(digit), random)),
    "light on dark": lambda digit, random: 255 - on_paper(placed(drawn(digit), random)),
    "thin": lambda digit, random: on_paper(placed(thin(digit), random)),
    "thick": lambda digit, random: on_paper(placed(thick(digit), random)),
    "pale": lambda digit, random: on_paper(placed(drawn(digit), random), pen=180),
    "uneven light": lambda digit, random: lit(on_paper(placed(drawn(digit), random)), random),
    "grainy": lambda digit, random: grainy(on_paper(placed(drawn(digit), random)), random),
    "JPEG of quality 30": lambda digit, random: as_jpeg(on_paper(placed(drawn(digit), random))),
    "in a box": lambda digit, random: on_paper(boxed(drawn(digit), random)),
    "on ruled paper": lambda digit, random: ruled(on_paper(placed(drawn(digit), random)), random),
    "turned": lambda digit, random: on_paper(placed(turned(drawn(digit), random), random)),
    "all of a photo": lambda digit, random: as_jpeg(
        grainy(lit(on_paper(placed(turned(drawn(digit), random), random)), random), random, 8)
    ),
    "28 × 28, dark on light": lambda digit, random: 255 - digit,
}

# Strings: the gaps between digits, in pixels of 28, and whether there is noise.
GAPS = {"3 to 10": (3, 10), "1 or 2": (1, 2), "0 or −1": (-1, 0)}


def line_of(digits: Iterable[Picture], gaps: tuple[int, int], random: Random) -> Picture:
    """Digits side by side, of different heights, up and down a little."""
    pieces = []
    for digit in digits:
        piece = _cut(np.asarray(digit, np.float32) / 255)
        size = np.maximum(1, np.rint(np.array(piece.shape[::-1]) * random.uniform(0.85, 1.15))).astype(int)
        pieces.append(np.asarray(Image.fromarray(piece).resize(tuple(size), Image.Resampling.BICUBIC)).clip(0, 1))
    between = random.integers(gaps[0], gaps[1] + 1, len(pieces))
    line = np.zeros((44, sum(piece.shape[1] for piece in pieces) + int(between.sum()) + 24), np.float32)
    left = 12
    for piece, gap in zip(pieces, between, strict=True):
        bottom = 33 + int(random.integers(-2, 3))
        part = line[bottom - piece.shape[0] : bottom, left : left + piece.shape[1]]
        np.maximum(part, piece, out=part)
        left += piece.shape[1] + int(gap)
    large = Image.fromarray(line)
    scale = random.uniform(2, 4)
    large = large.resize((round(large.width * scale), round(large.height * scale)), Image.Resampling.BICUBIC)
    return grainy(on_paper(np.asarray(large).clip(0, 1)), random, random.uniform(0, 10))


def _cut(ink: Ink) -> Ink:
    """Its own box."""
    rows, columns = np.flatnonzero((ink > 0.2).any(1)), np.flatnonzero((ink > 0.2).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def untouched(count: int) -> Iterator[str]:
    yield "| noise, 28 × 28 | touched |"
    yield "|---|---|"
    dev = dev_digits().subset(slice(0, count))
    for name in BENCHMARK:
        recipe = find(name)
        images = applied(recipe.make, dev.images, Draws(0, recipe.stream, dev.ids))
        yield f"| {name} | {_share(~fit_as_they_are(images))} |"


def single_digits(reader: Reader, count: int) -> Iterator[str]:
    yield "| one digit | right | right with `several=False` |"
    yield "|---|---|---|"
    dev = dev_digits().subset(slice(0, count))
    for at, (kind, make) in enumerate(SINGLE.items()):
        random = np.random.default_rng(at)
        pictures = [make(digit, random) for digit in dev.images]
        rights = [_right(reader, pictures, dev.labels, several) for several in (True, False)]
        yield f"| {kind} | {' | '.join(_share(right) for right in rights)} |"


def strings(reader: Reader, count: int) -> Iterator[str]:
    yield "| gaps | strings | right | digits right, where as many were found | doubt, of wrong | of right |"
    yield "|---|---|---|---|---|---|"
    dev = dev_digits()
    for at, (gaps, apart) in enumerate(GAPS.items()):
        random = np.random.default_rng(at)
        whole, digits, doubts = [], [], []
        for _ in range(count):
            index = random.integers(0, len(dev), random.integers(2, 7))
            reading = reader.read(line_of(dev.images[index], apart, random))[0]
            expected = "".join(str(label) for label in dev.labels[index])
            whole.append(reading.text == expected)
            doubts.append(reading.doubt is not None or reading.problem is not None)
            if len(reading.text) == len(expected):
                digits += [one == other for one, other in zip(reading.text, expected, strict=True)]
        right, doubt = np.array(whole), np.array(doubts)
        cells = [_share(right), _share(np.array(digits)), _share(doubt[~right]), _share(doubt[right])]
        yield f"| {gaps} | {count} | {' | '.join(cells)} |"


def eight_by_eight(reader: Reader) -> Iterator[str]:
    from sklearn.datasets import load_digits

    data = load_digits()
    right = _right(reader, (data.images * 255 / 16).astype(np.uint8), data.target, True)
    yield f"load_digits: {_share(right)}; the first 900 {_share(right[:900])}, the others {_share(right[900:])}"


def of_folder(reader: Reader, data: str) -> Iterator[str]:
    pair = bruit.load(data)
    for name, part in (("train", pair.train), ("test", pair.test)):
        right = _right(reader, part.images, [part.classes[label] for label in part.labels], True)
        yield f"{name}: {_share(right)}"


def dev_digits() -> bruit.Dataset:
    return bruit.load("mnist").train.subset(slice(-10_000, None))


def _right(reader: Reader, pictures: Sequence[Picture] | Picture, labels: Iterable[object], several: bool) -> Mask:
    read = reader.read(pictures, several=several)
    return np.array([one.text == str(label) for one, label in zip(read, labels, strict=True)])


def _share(true: Mask) -> str:
    return f"{100 * true.mean():.1f} % of {len(true):,}" if len(true) else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description="Digits in pictures: how well they are found and read.")
    parser.add_argument("--model", default="robust", help="as of Reader.load")
    parser.add_argument("--digits", type=int, default=500, help="for each kind of picture")
    parser.add_argument("--strings", type=int, default=300, help="for each kind of gap")
    parts = ("untouched", "digits", "strings", "8x8")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--folder", metavar="DATA", help="read these instead: anything that bruit.load reads")
    args = parser.parse_args()

    reader = Reader.load(args.model)
    tables: dict[str, Callable[[], Iterator[str]]] = {
        "untouched": lambda: untouched(args.digits),
        "digits": lambda: single_digits(reader, args.digits),
        "strings": lambda: strings(reader, args.strings),
        "8x8": lambda: eight_by_eight(reader),
    }
    chosen = [of_folder(reader, args.folder)] if args.folder else [tables[name]() for name in args.only]
    for table in chosen:
        for line in table:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
