"""Reader: a trained model that reads pictures of digits, however large, dark, light or off the middle they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.errors import BruitError, ConfigError
from bruit.locale import Sentence
from bruit.predictor import Predictor
from bruit.reading.graph import Graph
from bruit.reading.pictures import Picture, grey
from bruit.reading.scans import Found, find_digits, fit_as_they_are

# Images that are handed to the model at once where there are many: enough for its own batches, and little memory.
AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit that was read.

    label          the class that the model holds most likely
    confidence     how likely, 0…1
    runner_up      the next one, and how likely, runner_up_confidence
    probabilities  (C,) float32, of all classes of the model
    seen           (H, W) uint8: what the model looked at
    box            where it stands in its picture, in pixels: left, top, right, bottom; None: it is the whole picture
    sure           whether the confidence is at least the one asked for
    """

    label: str
    confidence: float
    runner_up: str
    runner_up_confidence: float
    probabilities: NDArray[np.float32]
    seen: NDArray[np.uint8]
    box: tuple[int, int, int, int] | None
    sure: bool

    @property
    def digit(self) -> str | None:
        """The label; None where the model is not sure enough."""
        return self.label if self.sure else None


@dataclass(frozen=True)
class Reading:
    """What was read in one picture.

    digits   from left to right
    problem  why there are none
    doubt    why they may not be what stands there
    """

    digits: tuple[Digit, ...]
    problem: BruitError | None = None
    doubt: Sentence | None = None

    @property
    def text(self) -> str:
        """All digits, “?” for those that the model is not sure of."""
        return "".join(one.digit or "?" for one in self.digits)


class Reader:
    """A model that reads pictures; a Predictor itself, of raw images of the model's own size. Several threads may use
    one Reader.

    model  any Predictor
    """

    def __init__(self, model: Predictor) -> None:
        self.model = model
        # onnxruntime computes for several threads at once; what else a model is need not be able to.
        self._one_at_a_time = None if isinstance(model, Graph) else threading.Lock()

    @classmethod
    def load(
        cls,
        model: str | Path = "robust",
        *,
        threads: int | None = None,
        scale: str | None = None,
        classes: Sequence[str] | None = None,
    ) -> Reader:
        """The reader that comes with bruit, or RUN (its winner), RUN:NAME, a folder that `bruit train` wrote, FILE.onnx
        or FILE.keras.

        threads         to compute with, by default one for each core; of the model that comes with bruit
        scale, classes  see `bruit.load_model`

        Raises ModelError where there is no such model or it cannot be used, ConfigError where a file needs more to be
        said, or what it needs is not installed.
        """
        from bruit.reading.models import open_model

        return cls(open_model(model, threads=threads, scale=scale, classes=classes))

    @property
    def name(self) -> str:
        return str(getattr(self.model, "name", type(self.model).__name__))

    @property
    def classes(self) -> tuple[str, ...]:
        return self.model.classes

    @property
    def input_shape(self) -> tuple[int, int]:
        return self.model.input_shape

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W) uint8, as the model was trained on → (N, C) float32, each row summing to 1."""
        if self._one_at_a_time is None:
            return self.model.probabilities(images)
        with self._one_at_a_time:
            return self.model.probabilities(images)

    def stream(self, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
        """The same of any number of images, which may be mapped from a file: the probabilities block by block."""
        for start in range(0, len(images), AT_ONCE):
            yield self.probabilities(images[start : start + AT_ONCE])

    def read(
        self, pictures: Picture | Sequence[Picture] | NDArray[Any], *, several: bool = True, min_confidence: float = 0.0
    ) -> list[Reading]:
        """What stands in pictures: one Reading for each.

        pictures        files, bytes of files, Pillow images or arrays (H, W): any size, digits dark or light; or one of
                        them; or an array (N, H, W). Images of the model's own size, light digits on dark, are read as
                        they are, others are prepared as MNIST was (`bruit.reading.scans`)
        several         look for more than one digit in larger pictures
        min_confidence  0…1: digits read with less are not `sure`

        A picture that cannot be read says so in its Reading. Raises DataError for what is no picture at all.
        """
        if not 0 <= min_confidence <= 1:
            raise ConfigError("expected min_confidence of 0 to 1, received {value}", value=min_confidence)
        found = self.find(pictures, several=several)
        seen = to_be_read(found)
        return self.told(found, self.probabilities(np.stack(seen)) if seen else None, min_confidence)

    def find(
        self, pictures: Picture | Sequence[Picture] | NDArray[Any], *, several: bool = True
    ) -> list[list[Found] | BruitError]:
        """The first half of `read`, without the model: of each picture its digits, or why there are none."""
        if isinstance(pictures, np.ndarray) and pictures.ndim == 3:
            images = grey(pictures)
            if images.shape[1:] == self.input_shape and fit_as_they_are(images).all():
                return [[Found(image)] for image in images]
            return [self._found_in(image, several) for image in images]
        alone = isinstance(pictures, str | Path | bytes | np.ndarray) or not isinstance(pictures, Sequence)
        each: Any = [pictures] if alone else pictures
        return [self._found_in(picture, several) for picture in each]

    def told(
        self,
        found: Sequence[list[Found] | BruitError],
        probabilities: NDArray[np.float32] | None,
        min_confidence: float = 0.0,
    ) -> list[Reading]:
        """The second half: a Reading for each of `found`.

        probabilities  (N, C) of the images that are `to_be_read`, in that order; None where there are none
        """
        read = iter(() if probabilities is None else probabilities)
        return [
            Reading((), digits)
            if isinstance(digits, BruitError)
            else Reading(
                tuple(_digit(one, next(read), self.classes, min_confidence) for one in digits),
                doubt=next((one.doubt for one in digits if one.doubt), None),
            )
            for digits in found
        ]

    def _found_in(self, picture: Picture, several: bool) -> list[Found] | BruitError:
        try:
            return find_digits(
                grey(picture),
                self.input_shape,
                several=several,
                confidence=lambda seen: self.probabilities(seen).max(1),
            )
        except BruitError as error:
            return error


def to_be_read(found: Sequence[list[Found] | BruitError]) -> list[NDArray[np.uint8]]:
    """The images that the model is to be shown, of what `Reader.find` found."""
    return [one.pixels for digits in found if isinstance(digits, list) for one in digits]


def _digit(found: Found, given: NDArray[np.float32], classes: tuple[str, ...], min_confidence: float) -> Digit:
    first, second = (int(at) for at in np.argsort(-given, kind="stable")[:2])
    return Digit(
        label=classes[first],
        confidence=float(given[first]),
        runner_up=classes[second],
        runner_up_confidence=float(given[second]),
        probabilities=given,
        seen=found.pixels,
        box=found.box,
        sure=bool(given[first] >= min_confidence),
    )
