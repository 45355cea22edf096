"""What else than a corruption may happen to an image: the noise of a known set, or nothing. None has severities."""

from __future__ import annotations

from collections.abc import Callable

from bruit.locale import mark
from bruit.noise import nmnist
from bruit.noise.course import course
from bruit.noise.draws import Draws
from bruit.noise.pixels import Images
from bruit.noise.registry import Corruption, find

CLEAN = "clean"


def _set(name: str, summary: str, make: Callable[[Images, Draws], Images]) -> Corruption:
    return Corruption(name, "set", summary, lambda images, severity, draws: make(images, draws), None, name)


SETS = {
    one.name: one
    for one in (
        _set(
            "course",
            mark("rotated by up to 72°, shifted by up to 20 %, shrunk by 20 %, made up to 20 % lighter or darker"),
            course,
        ),
        _set("nmnist-awgn", mark("n-MNIST: white Gaussian noise"), nmnist.awgn),
        _set("nmnist-motion-blur", mark("n-MNIST: motion blur"), nmnist.motion_blur),
        _set(
            "nmnist-contrast-awgn",
            mark("n-MNIST: half the contrast, then white Gaussian noise"),
            nmnist.contrast_awgn,
        ),
        _set(CLEAN, mark("as it is"), lambda images, draws: images),
    )
}


def find_any(name: str) -> Corruption:
    """The set or corruption of that name; raises ConfigError that names the nearest corruptions."""
    return SETS[name] if name in SETS else find(name)
