"""What explanations look like: a digit with the pixels that spoke for it, and its neighbours, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bruit.reading.explain import Explanation

if TYPE_CHECKING:
    from PIL.Image import Image

# Of a pixel that spoke for the digit, and of one that spoke against it: red, green, blue.
FOR, AGAINST = (222, 110, 32), (48, 112, 190)
ZOOM, GAP = 6, 12


def coloured(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) uint8 and its heat → (H, W, 3) uint8: grey, and coloured the more the more a pixel mattered."""
    strength = heat / max(float(np.abs(heat).max()), 1e-6)
    grey = np.repeat(image[..., None].astype(np.float32) * np.float32(0.75), 3, axis=2)
    colour = np.where(strength[..., None] > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    share = np.abs(strength)[..., None] ** np.float32(0.7)
    mixed: NDArray[np.uint8] = np.rint(grey * (1 - share) + colour * share).astype(np.uint8)
    return mixed


def figure(explanations: Sequence[Explanation]) -> Image:
    """A row for each digit: what the model saw, the same coloured, and its neighbours; enlarged, on white."""
    from PIL import Image

    rows = [
        [one.digit.seen, coloured(one.digit.seen, one.heat), *(neighbour.image for neighbour in one.nearest)]
        for one in explanations
    ]
    height, width = (side * ZOOM for side in rows[0][0].shape[:2])
    columns = max(map(len, rows))
    canvas = Image.new("RGB", (GAP + columns * (width + GAP), GAP + len(rows) * (height + GAP)), "white")
    for down, row in enumerate(rows):
        for right, pixels in enumerate(row):
            tile = Image.fromarray(pixels).convert("RGB").resize((width, height), Image.Resampling.NEAREST)
            canvas.paste(tile, (GAP + right * (width + GAP), GAP + down * (height + GAP)))
    return canvas
