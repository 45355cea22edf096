"""A picture under noise, as every model sees it, and what each believes."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.errors import BruitError, DataError
from bruit.noise.registry import CORRUPTIONS, SMALLEST, corrupt
from bruit.reading.scans import Found
from bruit.serving.limits import MAX_SHOWN
from bruit.serving.models import Offered, Shelf
from bruit.serving.pictures import Pixels
from bruit.serving.refusal import RequestError

Shape = tuple[int, int]
MOST_DRAWS = 50
MOST_SEVERE = 5


def look(shelf: Shelf, picture: Pixels, noise: str | None, severity: int, seed: int) -> dict[str, Any]:
    """What stands in a picture, and what every model believes when noise falls on its digits.

    picture   (H, W) uint8
    severity  0: none, to 5; of a corruption without severities anything above 0 is all of it

    Where there is no digit, "problem" says why.
    """
    first = shelf.first.reader
    try:
        found = _found(shelf, picture)
    except DataError as problem:
        return {"text": "", "shape": list(first.input_shape), "digits": [], "problem": problem}
    clean = _stacked(found[first.input_shape])
    noisy = {shape: damaged(_stacked(digits), noise, severity, seed) for shape, digits in found.items()}
    given = {one.name: one.reader.probabilities(noisy[one.reader.input_shape]) for one in shelf}
    labels = [first.classes[at] for at in first.probabilities(clean).argmax(1)]
    text = "".join(first.classes[at] for at in given[shelf.first.name].argmax(1))
    digits = [
        {
            "label": label,
            "box": one.box,
            "doubt": one.doubt,
            "seen": base64.b64encode(noisy[first.input_shape][at].tobytes()).decode(),
            # Where a model of another size finds fewer digits, it says nothing of the last ones.
            "believed": {name: _rounded(rows[at]) for name, rows in given.items() if at < len(rows)},
        }
        for at, (label, one) in enumerate(zip(labels, found[first.input_shape], strict=True))
    ]
    return {"text": text, "shape": list(first.input_shape), "digits": digits}


def curve(shelf: Shelf, picture: Pixels, digit: int, label: str | None, noise: str, draws: int) -> dict[str, Any]:
    """How sure each model is of one digit of a picture, against the severity of the noise: means over `draws` draws of
    it, and the share of them in which it reads the digit rightly.

    label  what the digit is; None: what the first model reads where there is no noise

    Raises DataError where there is no digit.
    """
    found = _found(shelf, picture)
    first = shelf.first.reader
    if digit >= len(found[first.input_shape]):
        raise RequestError("there is no digit {n} in the picture", n=digit)
    severities = [0, *(CORRUPTIONS[noise].severities or (1,))]
    sets = {shape: _at_each(digits[digit].pixels, noise, severities, draws)
            for shape, digits in found.items() if digit < len(digits)}  # fmt: skip
    if label is None:
        clean = found[first.input_shape][digit].pixels
        label = first.classes[int(first.probabilities(clean[None]).argmax())]
    models = {one.name: _held(one, sets[one.reader.input_shape], label, len(severities))
              for one in shelf if one.reader.input_shape in sets}  # fmt: skip
    return {"noise": noise, "label": label, "draws": draws, "severities": severities, "models": models}


def damaged(images: Pixels, noise: str | None, severity: int, seed: int) -> Pixels:
    """(N, H, W) uint8 under noise; as they are where there is none, or where they are too small for it."""
    if noise is None or severity == 0 or min(images.shape[1:]) < SMALLEST:
        return images
    return corrupt(images, noise, severity if CORRUPTIONS[noise].severities else None, seed)


def _found(shelf: Shelf, picture: Pixels) -> dict[Shape, list[Found]]:
    """By the size that models take, as the first of that size finds them. Raises DataError where there are none."""
    readers = {one.reader.input_shape: one.reader for one in reversed(list(shelf))}
    found = {}
    for shape, reader in readers.items():
        (digits,) = reader.find(picture)
        if isinstance(digits, BruitError):
            raise digits
        found[shape] = digits[:MAX_SHOWN]
    return found


def _stacked(digits: list[Found]) -> Pixels:
    return np.stack([one.pixels for one in digits])


def _at_each(image: Pixels, noise: str, severities: list[int], draws: int) -> Pixels:
    """(severities · draws, H, W)."""
    copies = np.repeat(image[None], draws, axis=0)
    return np.concatenate([damaged(copies, noise, severity, seed=0) for severity in severities])


def _held(model: Offered, images: Pixels, label: str, count: int) -> dict[str, list[float]] | None:
    """None where the model knows no such label."""
    if label not in model.reader.classes:
        return None
    at = model.reader.classes.index(label)
    given = model.reader.probabilities(images).reshape(count, -1, len(model.reader.classes))
    right = (given.argmax(2) == at).mean(1)
    return {"confidence": _rounded(given[:, :, at].mean(1)), "right": _rounded(right)}


def _rounded(values: NDArray[np.floating[Any]]) -> list[float]:
    return [round(float(value), 4) for value in values]
