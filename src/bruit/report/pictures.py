"""Small grey images for people: as pictures in the page, and as mosaics on a sheet of their own."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]


def data_uri(image: Grey) -> str:
    """An (H, W) uint8 image as a PNG inside a URI, pixel by pixel."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def strip(images: Grey, gap: int = 2) -> NDArray[np.uint8]:
    """(N, H, W) images side by side as (H, N·W + gaps, 2): grey and opacity, the gaps transparent."""
    n, height, width = images.shape
    row = np.zeros((height, n, width + gap, 2), np.uint8)
    row[:, :, :width, 0] = images.transpose(1, 0, 2)
    row[:, :, :width, 1] = 255
    return row.reshape(height, -1, 2)[:, :-gap]


def stretched(*means: NDArray[np.float32] | None) -> list[Grey | None]:
    """Mean images of any scale as uint8, all by the same factor, the brightest pixel of all at 255."""
    brightest = max((float(mean.max(initial=0)) for mean in means if mean is not None), default=0) or 1.0
    return [
        None if mean is None else np.rint(255 * np.clip(mean, 0, None) / brightest).astype(np.uint8) for mean in means
    ]


def mosaic(rows: Sequence[Grey], gap: int = 2, below: int = 0) -> NDArray[np.uint8]:
    """Rows of (N, H, W) images as one (·, ·, 2) picture; transparent are gaps, missing images and `below` each row."""
    strips = [strip(row, gap) for row in rows]
    width = max(part.shape[1] for part in strips)
    return np.concatenate([np.pad(part, ((0, gap + below), (0, width - part.shape[1]), (0, 0))) for part in strips])
