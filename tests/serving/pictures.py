"""Pictures as files."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image


def png(image: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
