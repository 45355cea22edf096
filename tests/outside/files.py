"""Files of models, made by hand: what a program would write, and what somebody would who means harm."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np


def layer(kind: str, **config: Any) -> dict[str, Any]:
    config = {"name": kind.lower(), "trainable": True, "dtype": {"module": "keras"}} | config
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def sequential(*layers: Any, **more: Any) -> dict[str, Any]:
    config = {"name": "model", "trainable": True, "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None} | more


def images(*shape: int | None) -> dict[str, Any]:
    return layer("InputLayer", batch_shape=[None, *shape], sparse=False)


def tensor(name: str, *shape: int) -> dict[str, Any]:
    config = {"shape": [None, *shape], "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def functional(*layers: tuple[dict[str, Any], list[Any]], **more: Any) -> dict[str, Any]:
    """Layers, each with what it is called on."""
    connected = [
        one
        | {
            "name": one["config"]["name"],
            "inbound_nodes": [{"args": inputs, "kwargs": {"mask": None}}] if inputs else [],
        }
        for one, inputs in layers
    ]
    first, *_, last = (one["config"]["name"] for one, _ in layers)
    config = {"name": "model", "layers": connected, "input_layers": [first, 0, 0], "output_layers": [[last, 0, 0]]}
    made = {"module": "keras.src.models.functional", "class_name": "Functional", "config": config | more}
    return made | {"registered_name": "Functional"}


PLAIN = sequential(
    images(28, 28),
    layer("Flatten", data_format="channels_last"),
    layer("Dropout", rate=0.5, seed=2**40, noise_shape=None),
    layer("Dense", units=10, activation="softmax", use_bias=True, kernel_initializer={"any": "thing"}),
    build_config={"input_shape": [None, 28, 28]},
    compile_config={"optimizer": {"module": "os", "class_name": "system"}},
)


def dense_weights(file: h5py.File) -> None:
    """Those of PLAIN, and an optimizer's."""
    values = np.random.default_rng(0).normal(0, 0.1, (784, 10)).astype(np.float32)
    file["layers/dense/vars/0"], file["layers/dense/vars/1"] = values, np.zeros(10, np.float32)
    file["optimizer/vars/0"] = np.array(np.nan)


def h5(write: Callable[[h5py.File], None] = dense_weights) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def keras_bytes(
    config: Any = PLAIN,
    weights: bytes | None = None,
    metadata: Any = None,
    more: dict[str, bytes] | None = None,
    without: str | None = None,
    packing: int = zipfile.ZIP_STORED,
) -> bytes:
    """A .keras file: `config` and `metadata` as JSON or as bytes."""
    metadata = {"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"} if metadata is None else metadata
    members = {
        "metadata.json": metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode(),
        "config.json": config if isinstance(config, bytes) else json.dumps(config).encode(),
        "model.weights.h5": h5() if weights is None else weights,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in (members | (more or {})).items():
            if name != without:
                archive.writestr(name, content)
    return file.getvalue()


def changed(config: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """A copy of a config with another value at `path`."""
    made: Any = copy.deepcopy(config)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return made
