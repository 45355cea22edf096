"""A model that bruit wrote as ONNX itself, as a Predictor that starts at once: raw pixels in, probabilities out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bruit.errors import ModelError
from bruit.files import read_bytes
from bruit.outside.session import open_session
from bruit.predictor import refuse_other_images

# Images that are read at once: more is no faster, and takes more memory.
AT_ONCE = 256


class Graph:
    """The model in `path`, which comes with bruit: what anybody else wrote goes through `bruit.outside.brought`, which
    examines it.

    threads  to compute with; by default, and at the most, one for each core
    """

    def __init__(self, path: Path, name: str, threads: int | None = None) -> None:
        try:
            content = read_bytes(path)
        except OSError as error:
            raise ModelError("{path} is missing; install bruit again", path=path) from error
        self.path, self.name = path, name
        cores = os.cpu_count() or 1
        self._session = open_session(content, min(threads or cores, cores))
        about = {key: json.loads(value) for key, value in self._session.get_modelmeta().custom_metadata_map.items()}
        height, width = about["input_shape"]
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self.input_shape: tuple[int, int] = (height, width)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W) uint8 → (N, C) float32, each row summing to 1. Raises DataError for other shapes or types."""
        refuse_other_images(self.name, self.input_shape, images)
        given = np.empty((len(images), len(self.classes)), np.float32)
        for start in range(0, len(images), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            given[part] = self._session.run(None, {"images": np.ascontiguousarray(images[part])})[0]
        return given
