"""The readers of other programs' models."""

from __future__ import annotations

import io
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzzer import Target, lay
from run_targets import finished, with_member

from bruit.models.store import load_model
from bruit.models.trained import Trained
from bruit.outside.brought import bring
from bruit.outside.keras_out import keras_content
from bruit.outside.onnx_out import onnx_content


def read_two(folder: Path) -> None:
    """Open the model in the folder, and have it read two images."""
    (path,) = folder.iterdir()
    model = bring(path, scale="0-255")
    model.probabilities(np.zeros((2, *model.input_shape), np.uint8))


@cache
def trained() -> list[Trained]:
    """A linear model and a CNN."""
    with tempfile.TemporaryDirectory() as folder:
        lay(finished(), Path(folder))
        return [load_model(Path(folder, name)) for name in ("run/models/logistic", "cnn")]


def onnx_as_json(model: bytes) -> bytes:
    import onnx
    from google.protobuf.json_format import MessageToJson

    return bytes(MessageToJson(onnx.load_model_from_string(model)).encode())


def onnx_of_json(content: bytes) -> bytes:
    """The model that the JSON describes, as far as it does; so that changes come behind protobuf's own lengths."""
    import onnx
    from google.protobuf.json_format import Parse, ParseError

    model = onnx.ModelProto()
    with suppress(ParseError, ValueError, RecursionError, TypeError):
        Parse(content, model, ignore_unknown_fields=True)
    return bytes(model.SerializeToString())


def brought_models() -> list[Target]:
    onnx, keras = (tuple(map(content_of, trained())) for content_of in (onnx_content, keras_content))

    def member(name: str, **more: Any) -> Target:
        """A .keras file, of which one member is changed."""
        seed = zipfile.ZipFile(io.BytesIO(keras[0])).read(name)
        return Target(f"keras, its {name}", "model.keras", (seed,), read_two, cost=20, writes=True, **more,
                      wrap=lambda content: with_member(keras[0], name, content))  # fmt: skip

    return [
        Target("onnx", "model.onnx", onnx, read_two, cost=4),
        Target("onnx, its graph", "model.onnx", (onnx_as_json(onnx[0]),), read_two, json=True, cost=4,
               wrap=onnx_of_json),
        Target("keras", "model.keras", keras, read_two, cost=4, writes=True),
        member("config.json", json=True),
        member("metadata.json", json=True),
        member("model.weights.h5"),
    ]  # fmt: skip
