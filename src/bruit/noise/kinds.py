"""Every kind of noise that an image may carry: each corruption at each severity, the other recipes, or none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bruit.noise.draws import Draws
from bruit.noise.pixels import Images
from bruit.noise.recipes import RECIPES, SUITE, find
from bruit.noise.registry import CORRUPTIONS


class Kind(NamedTuple):
    """A corruption or recipe by its name, and its severity if it has severities."""

    name: str
    severity: int | None = None

    def __str__(self) -> str:
        return self.name if self.severity is None else f"{self.name}/{self.severity}"

    @classmethod
    def parse(cls, text: str) -> Kind:
        """The kind that is written so."""
        name, _, severity = text.partition("/")
        return cls(name, int(severity) if severity else None)


KINDS = (
    *(Kind(name) for name in RECIPES if not name.startswith(SUITE)),
    *(Kind(name, at) for name, one in CORRUPTIONS.items() for at in one.severities or (None,)),
)


def every_kind(images: Images, of: np.ndarray, draws: Draws) -> Images:
    """(N, H, W) uint8 images, each under the kind of noise `of` (N,) says by its place in KINDS."""
    noisy = np.empty_like(images)
    for n, kind in enumerate(KINDS):
        index = np.flatnonzero(of == n)
        if len(index):
            recipe = find(*kind)
            noisy[index] = recipe.make(images[index], draws.named(recipe.stream).subset(index))
    return noisy
