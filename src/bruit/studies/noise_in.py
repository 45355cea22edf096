"""Which noise images carry, from the images alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import bruit
from bruit.data.builtin import mnist
from bruit.data.dataset import Images, pixel_counts
from bruit.evaluation.metrics import wilson_interval
from bruit.evaluation.shares import ALIKE, class_shares
from bruit.files import read_json
from bruit.models.store import load_model
from bruit.models.trained import Trained
from bruit.noise.draws import Draws
from bruit.noise.kinds import Kind
from bruit.noise.mixture import Mixture, Part, mix
from bruit.noise.registry import applied
from bruit.noise.sets import CLEAN

# The model that tells kinds of noise apart, and what it confuses, see tools/noise_reader.py.
MODEL = Path(bruit.__file__).parent / "models" / "noise_reader"
# More images would hardly narrow the intervals.
MOST_IMAGES = 10_000
# What fewer images have may be the network's mistake: it is not spoken of, nor, if it may be fewer, augmented by.
SPOKEN_OF = 0.05
# Images that are remade with the noise found, to see whether they look alike.
REMADE = 2000
# Neighbouring grey levels that are taken together.
LEVELS = 16


@dataclass(frozen=True)
class Share:
    """A corruption or recipe, and how many of the images carry it.

    share       of the images, with its 95 % interval over other images
    severities  what part of these has which severity; empty where it has none
    recognised  of the dev images under it, at all severities, the part that is recognised one by one
    taken_for   what else they are taken for most often, and the part that is
    """

    name: str
    share: float
    ci95: tuple[float, float]
    severities: dict[int, float]
    recognised: float
    taken_for: tuple[str, float]

    @property
    def severity(self) -> float | None:
        """The mean of the severities."""
        return sum(at * part for at, part in self.severities.items()) if self.severities else None

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values, none of which is None."""
        severities = {str(at): part for at, part in self.severities.items()}
        mean = {} if self.severity is None else {"severity": self.severity}
        return {
            **vars(self),
            "ci95": list(self.ci95),
            "taken_for": list(self.taken_for),
            "severities": severities,
        } | mean


@dataclass(frozen=True)
class Noise:
    """What noise n images carry, the most frequent first.

    resized  they were made 28 × 28 to be looked at
    overlap  of their grey levels with those of MNIST under the noise found, 0…1. Where it is small something else is at
             work: several corruptions on one image, say, or digits unlike those of MNIST
    """

    n: int
    shares: tuple[Share, ...]
    resized: bool
    overlap: float

    @property
    def alike(self) -> bool:
        """Whether MNIST under the noise found has such grey levels."""
        return self.overlap >= ALIKE

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        shares = [share.as_dict() for share in self.shares]
        return {"n": self.n, "resized": self.resized, "overlap": self.overlap, "shares": shares}

    def mixture(self) -> Mixture | None:
        """An augmentation for images like these: half of them as they are, the others under the noise found; None where
        there is none, or they are not `alike`.
        """
        if not self.alike:
            return None
        parts = _parts([one for one in self.shares if one.name != CLEAN and one.ci95[0] >= SPOKEN_OF])
        return Mixture.half_clean(parts) if parts else None


def noise_in(images: Images) -> Noise:
    """Estimate which corruptions images carry, and how severely; each image is taken to carry one at the most.

    images  (N, H, W) uint8; of more than 10,000 as many are looked at, and those of other sizes are made 28 × 28 first.
            Images of one grey level are left out: on them nothing is to be seen

    A small network has learned from MNIST to tell the kinds of noise apart that bruit knows. It judges each image, and
    the shares are those that make its judgements most likely (`bruit.evaluation.shares`).
    """
    model, measured = _reader()
    every = -(-len(images) // MOST_IMAGES)
    looked_at = images[::every]
    looked_at = looked_at[looked_at.max(axis=(1, 2)) > looked_at.min(axis=(1, 2))]
    if not len(looked_at):
        return Noise(0, (), False, 0.0)
    resized = looked_at.shape[1:] != model.input_shape
    if resized:
        height, width = model.input_shape
        looked_at = np.stack([np.asarray(Image.fromarray(one).resize((width, height))) for one in looked_at])
    shares, resampled = class_shares(model.probabilities(looked_at))
    kinds = [Kind.parse(name) for name in model.classes]
    found = []
    for name in dict.fromkeys(kind.name for kind in kinds):
        members = [n for n, kind in enumerate(kinds) if kind.name == name]
        share = min(float(shares[members].sum()), 1.0)
        if share < SPOKEN_OF:
            continue
        drawn = np.percentile(resampled[:, members].sum(axis=1), [2.5, 97.5])
        # Images drawn again are none that were not there: of few, or of one kind, they vary too little.
        counted = wilson_interval(share * len(looked_at), len(looked_at))
        low, high = min(drawn[0], counted[0]), min(max(drawn[1], counted[1]), 1.0)
        severities = {at: float(shares[n]) / share for n in members if (at := kinds[n].severity) and shares[n] > 0}
        found.append(Share(name, share, (float(low), float(high)), severities, *_confused(name, measured)))
    found.sort(key=lambda one: -one.share)
    return Noise(len(looked_at), tuple(found), resized, overlap(looked_at, Mixture(_parts(found))))


def _parts(shares: Sequence[Share]) -> tuple[Part, ...]:
    """One for each severity of each."""
    of_each: list[tuple[Share, int | None, float]] = []
    for one in shares:
        of_each += [(one, at, part) for at, part in one.severities.items()] or [(one, None, 1.0)]
    return tuple(Part(one.name, one.share * part, (at,)) for one, at, part in of_each)


def overlap(images: Images, mixture: Mixture) -> float:
    """What part of the pixels has the same grey levels as those of MNIST under the mixture."""
    digits = mnist().train.subset(slice(REMADE))
    remade = applied(partial(mix, mixture), digits.images, Draws(0, mixture.stream, digits.ids))
    one, other = (pixel_counts(made).reshape(-1, LEVELS).sum(axis=1) / made.size for made in (images, remade))
    return float(np.minimum(one, other).sum())


@cache
def _reader() -> tuple[Trained, dict[str, Any]]:
    """The model, and what it was measured to confuse."""
    return load_model(MODEL), read_json(MODEL / "config.json")["measured"]


def _confused(name: str, measured: dict[str, Any]) -> tuple[float, tuple[str, float]]:
    """How many dev images under a kind of noise are recognised, and what else they are taken for most often."""
    names = measured["names"]
    own = names.index(name)
    counts = np.array(measured["confusion"][own])
    recognised, shares = float(counts[own] / counts.sum()), counts / counts.sum()
    shares[own] = -1
    other = int(shares.argmax())
    return recognised, (names[other], float(shares[other]))
