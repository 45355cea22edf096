"""Every corruption by its name: its family, its severities, where it comes from; and how it is applied."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bruit.data import room
from bruit.errors import ConfigError, DataError
from bruit.locale import Sentence, mark
from bruit.noise import affine, blur, digital, edges, occlusion, sensor, tone, weather
from bruit.noise.draws import Draws
from bruit.noise.pixels import Images
from bruit.whole import required, whole

Make = Callable[[Images, "int | None", Draws], Images]
# The archive, and what else is in the code that made it: Mu and Gilmer, MNIST-C, arXiv 1906.02337.
ARCHIVE, CODE = "MNIST-C", "MNIST-C code"
SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST = 8
# Pixels handled at once by one worker: its arrays stay in the processor's cache, and all of them within 500 MB.
_PIXELS_AT_ONCE = 400_000
_MOST_WORKERS = 16


@dataclass(frozen=True)
class Corruption:
    """One way to damage an image.

    make        (N, H, W) uint8, a severity and draws → the same damaged
    severities  1, the mildest, to 5; none where the published code has none
    default     the severity of the archive, or of the code
    source      where its parameters were published
    """

    name: str
    family: str
    summary: str
    make: Make
    default: int | None
    source: str

    @property
    def severities(self) -> tuple[int, ...]:
        return () if self.default is None else SEVERITIES


def _all() -> dict[str, Corruption]:
    rows: dict[str, tuple[tuple[Make, str, int | None, str], ...]] = {
        "sensor": (
            (sensor.gaussian_noise, mark("normally distributed noise"), 5, CODE),
            (sensor.shot_noise, mark("few photons: Poisson noise"), 5, ARCHIVE),
            (sensor.impulse_noise, mark("salt and pepper"), 4, ARCHIVE),
            (sensor.speckle_noise, mark("noise in proportion to the light"), 5, CODE),
        ),
        "blur": (
            (blur.gaussian_blur, mark("smoothed along the columns"), 2, CODE),
            (blur.glass_blur, mark("seen through rough glass"), 1, ARCHIVE),
            (blur.defocus_blur, mark("out of focus"), 1, CODE),
            (blur.motion_blur, mark("moved while it was taken"), 1, ARCHIVE),
            (blur.zoom_blur, mark("zoomed while it was taken"), 5, CODE),
        ),
        "geometry": (
            (affine.shear, mark("sheared to the left or right"), 2, ARCHIVE),
            (affine.scale, mark("made smaller"), 3, ARCHIVE),
            (affine.rotate, mark("turned to the left or right"), 2, ARCHIVE),
            (affine.translate, mark("shifted along both axes"), 3, ARCHIVE),
            (affine.elastic_transform, mark("bent"), 1, CODE),
        ),
        "tone": (
            (tone.brightness, mark("lighter"), 5, ARCHIVE),
            (tone.contrast, mark("less contrast"), 4, CODE),
            (tone.saturate, mark("value, saturation and hue scaled"), 5, CODE),
            (tone.inverse, mark("light for dark"), None, CODE),
            (tone.quantize, mark("few grey levels"), 5, CODE),
        ),
        "digital": (
            (digital.jpeg_compression, mark("compressed as JPEG"), 5, CODE),
            (digital.pixelate, mark("fewer, larger pixels"), 3, CODE),
        ),
        "weather": (
            (weather.fog, mark("clouds over it"), 5, ARCHIVE),
            (weather.spatter, mark("mud on the lens"), 4, ARCHIVE),
            (weather.snow, mark("snow that falls"), 5, CODE),
        ),
        "occlusion": (
            (occlusion.stripe, mark("outer columns inverted"), None, ARCHIVE),
            (occlusion.line, mark("a stroke across"), None, CODE),
            (occlusion.dotted_line, mark("a dotted stroke across"), None, ARCHIVE),
            (occlusion.zigzag, mark("a zigzag across"), None, ARCHIVE),
        ),
        "edges": ((edges.canny_edges, mark("edges alone"), None, ARCHIVE),),
    }
    return {
        make.__name__: Corruption(make.__name__, family, summary, make, default, source)
        for family, members in rows.items()
        for make, summary, default, source in members
    }


CORRUPTIONS = _all()
# The fifteen of the archive, in its order; it also holds `identity`.
MNIST_C = (
    *("shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate", "brightness"),
    *("translate", "stripe", "fog", "spatter", "dotted_line", "zigzag", "canny_edges"),
)


def find(name: str) -> Corruption:
    """The corruption of that name; raises ConfigError that names the nearest ones."""
    if not isinstance(name, str) or name not in CORRUPTIONS:
        near = ", ".join(get_close_matches(str(name), CORRUPTIONS, n=3))
        choose = Sentence("did you mean {near}?", near=near) if near else Sentence("see bruit corruptions")
        raise ConfigError("no corruption is called {name!r}; {choose}", name=name, choose=choose)
    return CORRUPTIONS[name]


def settled(corruption: Corruption, severity: int | None) -> int | None:
    """The severity to apply: the default where none is given. Raises ConfigError for one that there is not."""
    if severity is None:
        return corruption.default
    if corruption.default is None:
        raise ConfigError(
            "{name} has no severities, received {severity!r}; leave it out", name=corruption.name, severity=severity
        )
    if isinstance(severity, bool) or whole("severity", severity) not in SEVERITIES:
        raise ConfigError("expected a severity of 1 to 5, received {severity}", severity=severity)
    return severity


def corrupt(
    images: NDArray[np.uint8], name: str, severity: int | None = None, seed: int = 0, ids: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """Images damaged by one corruption.

    images    (N, H, W) uint8, of 8 × 8 pixels or more
    severity  1 to 5; by default the one of the published set
    seed      the same seed gives the same noise
    ids       (N,) whole numbers; by default 0…N − 1. The noise of an image depends on (seed, name, its id) alone

    Returns (N, H, W) uint8. Raises ConfigError for an unknown corruption or severity, DataError for other images.
    Source: the published code of MNIST-C (google-research/mnist-c), without its files.
    """
    corruption = find(name)
    severity = settled(corruption, severity)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 3:
        is_array = isinstance(images, np.ndarray)
        received = f"{images.dtype} {images.shape}" if is_array else type(images).__name__
        raise DataError("expected images as uint8 (N, H, W), received {received}", received=received)
    refuse_small(images.shape[1:])
    known = np.arange(len(images)) if ids is None else np.asarray(ids)
    if known.shape != (len(images),) or known.dtype.kind not in "iu":
        received = f"{known.dtype} {known.shape}"
        raise DataError("expected {n} whole numbers as ids, received {received}", n=len(images), received=received)
    draws = Draws(required("seed", seed), name, known)
    return applied(lambda part, drawn: corruption.make(part, severity, drawn), images, draws)


def refuse_small(shape: tuple[int, ...]) -> None:
    """Raise DataError for images that are too small to be damaged as published."""
    if min(shape) < SMALLEST:
        height, width = shape
        raise DataError(
            "expected images of 8 × 8 pixels or more, received {height} × {width}; make them larger first",
            height=height,
            width=width,
        )


def applied(
    make: Callable[[Images, Draws], Images],
    images: Images,
    draws: Draws,
    advance: Callable[[int], None] = lambda count: None,
) -> Images:
    """`make` of all images; `advance` is called with how many were done.

    What does not fit into memory goes into a temporary file, see `bruit.data.room`.
    """
    result, done = room.empty(images.shape, np.uint8), 0
    for part in made(make, images, draws):
        result[done : done + len(part)] = part
        done += len(part)
        advance(len(part))
    return result


def made(make: Callable[[Images, Draws], Images], images: Images, draws: Draws) -> Iterator[Images]:
    """`make` of all images, some at a time and in order, on all cores; few are made before they are asked for."""
    size = max(1, _PIXELS_AT_ONCE // (images.shape[1] * images.shape[2]))
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    ahead: deque[Future[Images]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(images), size):
            part = slice(start, start + size)
            ahead.append(pool.submit(lambda part: make(images[part], draws.subset(part)), part))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def describe() -> list[dict[str, Any]]:
    """Every corruption as plain values: name, family, summary, severities, default, source."""
    return [
        {
            "name": one.name,
            "family": one.family,
            "summary": one.summary,
            "severities": list(one.severities),
            "default": one.default,
            "source": one.source,
        }
        for one in CORRUPTIONS.values()
    ]


# The names of the families, for the catalogue of sentences.
FAMILIES = (
    *(mark("sensor"), mark("blur"), mark("geometry"), mark("tone"), mark("digital"), mark("weather")),
    *(mark("occlusion"), mark("edges")),
)
