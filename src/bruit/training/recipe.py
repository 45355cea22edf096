"""How a network is to be trained, as plain values: stored with the weights and shown in the report."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Literal

from bruit.noise.mixture import Mixture

# Of a recipe's epochs and learning rates, what a network needs that goes on from another one (docs/models.md).
FINE_EPOCHS, FINE_RATE = 0.5, 0.3


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random change made to each training image, a draw of its own per image and epoch.

    rotation    degrees, uniform in ±rotation
    shift       fraction of the side, uniform in ±shift, along each axis
    scale       uniform in 1 ± scale
    brightness  fraction of full scale, uniform in ±brightness
    shear       uniform in ±shear: so many pixels sideways for each pixel upwards
    contrast    uniform in 1 ± contrast, about the mean of the image
    """

    rotation: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    brightness: float = 0.0
    shear: float = 0.0
    contrast: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether pixels change their places."""
        return any((self.rotation, self.shift, self.scale, self.shear))


@dataclass(frozen=True)
class Focus:
    """An epoch on the images that still have something to teach, and on a draw of the others.

    hard  share of the images that are all taken: those with the largest loss when last seen
    easy  share of the others that is drawn, anew each epoch; each counts 1 / easy times, so that gradient and loss
          remain, in the mean, those of all images

    Source: Z. Qin et al., InfoBatch (2024), which takes the images above the mean loss instead of a fixed share.
    """

    hard: float
    easy: float

    def n_hard(self, n: int) -> int:
        """How many of n images are taken for their loss."""
        return math.ceil(self.hard * n)

    def n_drawn(self, n: int) -> int:
        """How many of n images an epoch sees."""
        return self.n_hard(n) + math.ceil(self.easy * (n - self.n_hard(n)))


@dataclass(frozen=True)
class Recipe:
    """Optimiser, schedule and regularisation of one training.

    optimizer  "muon" takes Muon for the kernels of convolutions, at the rates of that name or else those of the rest,
               and AdamW for the rest
    schedule   "constant", or "one-cycle": linear rise over `warmup` of all steps, then half a cosine to nearly zero
    noise      what happens to a training image after the augmentation, drawn anew each epoch
    keep       "last" epoch's weights, or those of the epoch that was "best" on validation
    focus      which images the epochs after the first one train on; None for all
    views      once trained it reads the mean of so many views of an image, shifted by up to a pixel; 1: the image alone
    least_steps
               how many batches a training is to see at the least: so few images that `epochs` would give fewer are gone
               through more often, see `for_images`
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
    keep: Literal["last", "best"] = "last"
    augmentation: Augmentation | None = None
    noise: Mixture | None = None
    focus: Focus | None = None
    views: int = 1
    least_steps: int = 0

    def for_images(self, n: int, epochs: int | None = None) -> Recipe:
        """This recipe for n training images: of so many epochs, or with as many more as `least_steps` asks for."""
        if epochs is not None:
            return replace(self, epochs=epochs)
        first, both = (replace(self, epochs=epochs).steps(n) for epochs in (1, 2))
        needed = 1 + math.ceil((self.least_steps - first) / (both - first))
        return replace(self, epochs=max(self.epochs, needed))

    def steps(self, n: int) -> int:
        """How many batches a training on n images sees in all its epochs."""
        return sum(self.batches_per_epoch(n))

    def batches_per_epoch(self, n: int) -> list[int]:
        """How many batches each epoch sees of n training images."""
        return [math.ceil(seen / self.batch_size) for seen in self.images_per_epoch(n)]

    def fine_tuning(self) -> Recipe:
        """This recipe for a network that has learned already: smaller steps, so that it forgets little, and fewer."""
        muon = self.muon_learning_rate
        return replace(
            self,
            epochs=math.ceil(self.epochs * FINE_EPOCHS),
            learning_rate=self.learning_rate * FINE_RATE,
            muon_learning_rate=None if muon is None else muon * FINE_RATE,
            least_steps=math.ceil(self.least_steps * FINE_EPOCHS),
        )

    def images_per_epoch(self, n: int) -> list[int]:
        """How many of n training images each epoch sees: all of them, or those that the focus draws."""
        later = n if self.focus is None else self.focus.n_drawn(n)
        return [n] + [later] * (self.epochs - 1)

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
