"""How a network is to be trained, as plain values: stored with the weights and shown in the report."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random change made to each training image, a draw of its own per image and epoch.

    rotation    degrees, uniform in ±rotation
    shift       fraction of the side, uniform in ±shift, along each axis
    scale       uniform in 1 ± scale
    brightness  fraction of full scale, uniform in ±brightness
    """

    rotation: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    brightness: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Optimiser, schedule and regularisation of one training.

    optimizer  "muon" takes Muon for the kernels of convolutions, at the rates of that name or else those of the rest,
               and AdamW for the rest
    schedule   "constant", or "one-cycle": linear rise over `warmup` of all steps, then half a cosine to nearly zero
    keep       "last" epoch's weights, or those of the epoch that was "best" on validation
    ema        decay a step of the exponential moving average of the weights that is used in the end; 0 for none
    """

    epochs: int
    batch_size: int
    optimizer: Literal["adam", "adamw", "rmsprop", "muon"]
    learning_rate: float
    schedule: Literal["constant", "one-cycle"] = "constant"
    warmup: float = 0.2
    weight_decay: float = 0.0
    muon_learning_rate: float | None = None
    muon_weight_decay: float | None = None
    label_smoothing: float = 0.0
    ema: float = 0.0
    keep: Literal["last", "best"] = "last"
    augmentation: Augmentation | None = None

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step 0 ≤ step < steps."""
        if self.schedule == "constant":
            return self.learning_rate
        rise = self.warmup * steps
        if step < rise:
            return self.learning_rate * min(1.0, (step + 1) / rise)
        return self.learning_rate * (1 + math.cos(math.pi * (step - rise + 1) / (steps - rise + 1))) / 2


def derived_seed(seed: int, *names: object) -> int:
    """A seed in 0…2⁶³−1 for one purpose, so that no two parts of a study share a random stream."""
    digest = hashlib.blake2b(repr((seed, *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % math.floor(2**63)
