"""Any number of images of one size, block by block, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bruit.errors import BruitError, DataError
from bruit.reading.reader import AT_ONCE, Reader
from bruit.reading.scans import light_on_dark


@dataclass(frozen=True, eq=False)
class Block:
    """What was read in some images of a stack that follow each other, one digit in each.

    start          the number of the first one
    probabilities  (n, C) float32; rows of images in `problems` mean nothing
    problems       why nothing was read, by their place in the block
    """

    start: int
    probabilities: NDArray[np.float32]
    problems: dict[int, BruitError]


def read_stack(reader: Reader, images: NDArray[np.uint8]) -> Iterator[Block]:
    """(N, H, W) uint8, perhaps mapped from a file → what is read in them. Images of the model's own size, light digits
    on dark, are read as they are, others are prepared.
    """
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        problems: dict[int, BruitError] = {}
        if part.shape[1:] == reader.input_shape:
            part, blank = light_on_dark(part)
            given = reader.probabilities(part)
            problems = {int(at): DataError("no digit found") for at in np.flatnonzero(blank)}
        else:
            given = np.zeros((len(part), len(reader.classes)), np.float32)
            for at, reading in enumerate(reader.read(list(part), several=False)):
                if reading.problem is not None:
                    problems[at] = reading.problem
                else:
                    given[at] = reading.digits[0].probabilities
        yield Block(start, given, problems)
