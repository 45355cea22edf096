"""A .keras file as a function from images to the outputs of its model."""

from __future__ import annotations

import copy
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.errors import ConfigError, ModelError
from bruit.locale import printable
from bruit.outside.brought import Opened, refuse_large
from bruit.outside.keras_archive import examined


def open_keras(content: bytes) -> Opened:
    """Open a .keras file. Raises ModelError for one that bruit does not open, ConfigError if Keras is not there."""
    archive = examined(io.BytesIO(content))
    keras = import_keras()
    with _said_by_keras(), keras.device("meta"):  # where shapes are known, and no memory is taken
        plan = keras.saving.deserialize_keras_object(copy.deepcopy(archive.model.config), safe_mode=True)
        outputs, needed, numbers = tuple(plan.outputs[0].shape), plan.count_params(), _numbers(plan)
    if len(outputs) != 2 or not isinstance(outputs[1], int) or outputs[1] < 2:
        raise ModelError("it gives outputs of the shape {shape}; expected (N, C), one for each class", shape=outputs)
    if needed > archive.parameters:
        raise ModelError(
            "its layers learn {needed:,} numbers, its weights are {there:,}", needed=needed, there=archive.parameters
        )
    refuse_large(numbers)
    with _said_by_keras(), tempfile.TemporaryDirectory(prefix="bruit-") as folder:
        # Keras opens the copy that holds nothing but what passed, and no other file.
        path = Path(folder) / "model.keras"
        path.write_bytes(archive.content)
        model = keras.saving.load_model(path, compile=False, safe_mode=True)

    def run(pixels: NDArray[Any]) -> NDArray[Any]:
        with _said_by_keras():
            return np.asarray(model.predict_on_batch(pixels))

    return Opened(
        run=run,
        shape=archive.model.shape,
        outputs=outputs[1],
        gives=archive.model.gives,
        pixels=archive.model.pixels,
        numbers=numbers,
        parameters=needed,
        layers=archive.model.layers,
        about=archive.about,
    )


def import_keras() -> Any:
    """Keras on PyTorch. Raises ConfigError where it is missing, or runs on something else."""
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        backend = os.environ["KERAS_BACKEND"]
        if backend != "torch":  # before TensorFlow is imported in vain
            raise ConfigError(
                "KERAS_BACKEND is {backend}; bruit needs Keras on PyTorch: set it to torch", backend=backend
            )
    try:
        import keras
    except ImportError as error:
        raise ConfigError(
            "a .keras file needs Keras 3; install it, in the folder of bruit: pip install -e '.[keras]'"
        ) from error
    if keras.backend.backend() != "torch":
        raise ConfigError(
            "Keras was imported on {backend}; bruit needs it on PyTorch: set KERAS_BACKEND to torch",
            backend=keras.backend.backend(),
        )
    return keras


@contextmanager
def _said_by_keras() -> Iterator[None]:
    """What Keras raises about a file, which is of many types and lines, as one ModelError."""
    try:
        yield
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError("Keras cannot use it ({error})", error=printable(first, 160)) from error


def _numbers(model: Any) -> int:
    """How many numbers all layers together make of one image."""
    total = 0
    for layer in model.layers:
        if hasattr(layer, "layers"):
            total += _numbers(layer)
        else:
            shape = layer.output.shape[1:]
            if None in shape:
                raise ValueError(f"layer {layer.name} has an output of no fixed size")
            total += int(np.prod(shape, dtype=object))
    return total
