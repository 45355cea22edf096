"""A trained model as ONNX, from raw pixels to calibrated probabilities."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

import bruit
from bruit.errors import ModelError
from bruit.models.baselines import Neighbours
from bruit.models.trained import Baseline, Network, Together, Trained

OPSET, FORMAT = 17, 8  # of 2022: what is in wide use reads them


def onnx_content(model: Trained) -> bytes:
    """The model as the bytes of one ONNX file.

    It takes "images", (N, H, W) uint8 for any N, and gives "probabilities", (N, C) float32; its metadata have the
    model's "name", "classes" and "input_shape" as JSON.
    Raises ModelError for a model that is no graph of layers.
    """
    import onnx

    graph = _as_graph(model)
    onnx.checker.check_model(graph, full_check=True)
    content: bytes = graph.SerializeToString()
    return content


def _as_graph(model: Trained) -> Any:
    """The model as onnx.ModelProto: one node after the other, each fed with the one before and its own weights."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    weights: list[Any] = []
    last = "images"

    def add(operator: str, *arrays: Any, also: tuple[str, ...] = (), **attributes: Any) -> None:
        nonlocal last
        names = [f"{len(nodes)}.{index}" for index in range(len(arrays))]
        weights.extend(numpy_helper.from_array(np.array(a, order="C"), n) for a, n in zip(arrays, names, strict=True))
        output = f"{len(nodes)}"
        nodes.append(helper.make_node(operator, [last, *also, *names], [output], **attributes))
        last = output

    add("Cast", to=TensorProto.FLOAT)
    add("Div", np.float32(255))
    if isinstance(model, Together):
        pixels, total = last, None
        for member in model.members:
            last = pixels
            _add_network(member, add)
            if total is not None:
                add("Add", also=(total,))
            total = last
        add("Div", np.float32(len(model.members)))
        add("Log")
        add("Div", np.float32(model.temperature))
        add("Softmax", axis=1)
    elif isinstance(model, Network):
        _add_network(model, add)
    elif isinstance(model, Baseline) and not isinstance(model.config, Neighbours):
        add("Flatten", axis=1)
        add("Gemm", model.learned["weights"], model.learned["biases"], transB=1)
        add("Div", np.float32(model.temperature))
        add("Softmax", axis=1)
    else:
        raise ModelError(
            "{model.name} is no graph of layers, which is all that ONNX holds; export another model", model=model
        )
    nodes[-1].output[0] = "probabilities"

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
    helper.set_model_props(made, {key: json.dumps(value, ensure_ascii=False) for key, value in about(model).items()})
    return made


def _add_network(model: Network, add: Any) -> None:
    """From pixels in 0…1 to probabilities."""
    add("Sub", _values(model.module.mean))
    add("Div", _values(model.module.std))
    add("Unsqueeze", np.array([1]))
    if model.views > 1:
        add("Pad", np.array([0, 0, 1, 1, 0, 0, 1, 1]), mode="edge")
        add("Conv", np.eye(9, dtype=np.float32).reshape(9, 1, 3, 3))  # each kernel takes one of the nine neighbours
        add("Reshape", np.array([-1, 1, *model.input_shape]))
    for layer in model.module.body:
        _add_layer(layer, add)
    if model.views > 1:
        add("Reshape", np.array([-1, model.views, len(model.classes)]))
        add("ReduceMean", axes=[1], keepdims=0)
    add("Div", np.float32(model.temperature))
    add("Softmax", axis=1)


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


def about(model: Trained) -> dict[str, Any]:
    """What a file says of its model beside the layers."""
    return {"name": model.name, "classes": list(model.classes), "input_shape": list(model.input_shape)}


def _values(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().cpu().numpy(), np.float32)
