"""Models for other programs: as ONNX, from raw pixels to calibrated probabilities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

import bruit
from bruit.errors import ConfigError, ModelError, RunError
from bruit.files import write_atomically
from bruit.models.baselines import Neighbours
from bruit.models.trained import Baseline, Network, Trained, new_model

OPSET, FORMAT = 17, 8  # of 2022: what is in wide use reads them
TOLERANCE = 1e-4
TRIED = 64


def export_onnx(model: Trained, path: Path, *, force: bool = False) -> dict[str, Any]:
    """Write `model` as one ONNX file, once onnxruntime gives the same probabilities with it.

    The file takes "images", (N, H, W) uint8 for any N, and gives "probabilities", (N, C) float32; its metadata has the
    model's "name", "classes" and "input_shape" as JSON.

    Returns file, model, bytes, classes, input_shape, and max_difference: the largest one between its probabilities and
    the model's own in float32, on images one by one and in a batch.
    Raises ModelError for a model that is no graph of layers, or if the difference is above 1e-4; RunError if `path` is
    there and not to be replaced by `force`; ConfigError if onnx or onnxruntime is not installed.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            "exporting needs onnx and onnxruntime; install them, in the folder of bruit: pip install -e '.[export]'"
        ) from error

    if path.exists() and not force:
        raise RunError("{path} is there already; add --force to replace it, or choose another --out", path=path)
    graph = _as_graph(model)
    onnx.checker.check_model(graph, full_check=True)
    content = graph.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = _difference(model, session)
    if not difference <= TOLERANCE:
        raise ModelError(
            "{model.name} as ONNX differs from itself by {difference:.1e}, more than {TOLERANCE:g}; "
            "try another version of onnxruntime",
            model=model,
            difference=difference,
            TOLERANCE=TOLERANCE,
        )
    write_atomically(path, lambda file: file.write(content))
    return {
        "file": str(path),
        "model": model.name,
        "bytes": len(content),
        "classes": list(model.classes),
        "input_shape": list(model.input_shape),
        "max_difference": difference,
    }


def _as_graph(model: Trained) -> Any:
    """The model as onnx.ModelProto: one node after the other, each fed with the one before and its own weights."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    weights: list[Any] = []
    last = "images"

    def add(operator: str, *arrays: Any, **attributes: Any) -> None:
        nonlocal last
        names = [f"{len(nodes)}.{index}" for index in range(len(arrays))]
        weights.extend(numpy_helper.from_array(np.array(a, order="C"), n) for a, n in zip(arrays, names, strict=True))
        output = "probabilities" if operator == "Softmax" else f"{len(nodes)}"
        nodes.append(helper.make_node(operator, [last, *names], [output], **attributes))
        last = output

    add("Cast", to=TensorProto.FLOAT)
    add("Div", np.float32(255))
    if isinstance(model, Network):
        add("Sub", _values(model.module.mean))
        add("Div", _values(model.module.std))
        add("Unsqueeze", np.array([1]))
        for layer in model.module.body:
            _add_layer(layer, add)
    elif isinstance(model, Baseline) and not isinstance(model.config, Neighbours):
        add("Flatten", axis=1)
        add("Gemm", model.learned["weights"], model.learned["biases"], transB=1)
    else:
        raise ModelError(
            "{model.name} is no graph of layers, which is all that ONNX holds; export another model", model=model
        )
    add("Div", np.float32(model.temperature))
    add("Softmax", axis=1)

    height, width = model.input_shape
    graph = helper.make_graph(
        nodes,
        model.name,
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", height, width])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(model.classes)])],
        weights,
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
        producer_name="bruit",
        producer_version=bruit.__version__,
    )
    about = {"name": model.name, "classes": list(model.classes), "input_shape": [height, width]}
    helper.set_model_props(made, {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()})
    return made


def _add_layer(layer: nn.Module, add: Any) -> None:
    """One layer of bruit's networks as ONNX has it, as it is in prediction."""
    match layer:
        case nn.Flatten():
            add("Flatten", axis=1)
        case nn.Linear():
            add("Gemm", *_learned(layer), transB=1)
        case nn.Conv2d():
            (top, left), strides = map(int, layer.padding), list(layer.stride)
            add("Conv", *_learned(layer), strides=strides, pads=[top, left, top, left])
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            statistics = (_values(layer.running_mean), _values(layer.running_var))
            add("BatchNormalization", *_learned(layer), *statistics, epsilon=layer.eps)
        case nn.ReLU():
            add("Relu")
        case nn.MaxPool2d():
            side = [int(layer.kernel_size)] * 2  # type: ignore[arg-type]
            add("MaxPool", kernel_shape=side, strides=side)
        case nn.AdaptiveMaxPool2d():
            add("GlobalMaxPool")
        case nn.Dropout():
            pass
        case _:
            raise ModelError(
                "{layer} is no layer that can be exported; export another model", layer=type(layer).__name__
            )


def _learned(layer: nn.Module) -> list[NDArray[np.float32]]:
    """Weight, and bias where there is one."""
    return [_values(value) for value in (layer.weight, layer.bias) if value is not None]


def _values(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().cpu().numpy(), np.float32)


def _difference(model: Trained, session: Any) -> float:
    """The largest difference of any probability, on random images from dark to bright, in a batch and one by one."""
    exact = new_model(model.name, model.config, model.classes, model.input_shape)
    exact.load_tensors(model.tensors())
    brightness = np.linspace(0, 1, TRIED)[:, None, None]
    images = (np.random.default_rng(0).integers(0, 256, (TRIED, *model.input_shape)) * brightness).astype(np.uint8)
    batch = session.run(["probabilities"], {"images": images})[0]
    alone = np.concatenate([session.run(["probabilities"], {"images": image[None]})[0] for image in images])
    expected = exact.probabilities(images)
    return float(max(np.abs(batch - expected).max(), np.abs(alone - expected).max()))
