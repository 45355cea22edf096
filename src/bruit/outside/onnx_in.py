"""An .onnx file as a function from images to the outputs of its model.

It is examined before onnxruntime opens it, from memory: operators of a fixed list, of the standard's own domain; no
data in other files, no functions, no graphs inside graphs; and known shapes, so that what it needs is known before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.errors import ModelError
from bruit.locale import printable
from bruit.outside.brought import MOST_AT_ONCE, Gives, Opened, refuse_large
from bruit.outside.session import first_line, open_session

MOST_BYTES = 2**31 - 1
MAX_NODES = 5000
OPERATORS = frozenset(
    (
        *("Add", "ArgMax", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "Conv", "Div"),
        *("Dropout", "Elu", "Erf", "Exp", "Flatten", "Gather", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool"),
        *("GroupNormalization", "HardSigmoid", "HardSwish", "Identity", "InstanceNormalization"),
        *("LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg"),
        *("PRelu", "Pad", "Pow", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Selu"),
        *("Shape", "Sigmoid", "Slice", "Softmax", "Softplus", "Softsign", "Sqrt", "Squeeze", "Sub", "Tanh"),
        *("Transpose", "Unsqueeze"),
    )
)
# What leaves every value as it is.
LEAVES = ("Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Dropout")
STANDARD = ("", "ai.onnx")


def open_onnx(content: bytes) -> Opened:
    """Open an .onnx file. Raises ModelError for one that bruit does not open."""
    import onnx

    if len(content) > MOST_BYTES:
        raise ModelError("it has {n:,} bytes; ONNX files have {most:,} at most", n=len(content), most=MOST_BYTES)
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf fails in many ways
        raise ModelError("it is no whole .onnx file; copy it again") from error
    _refuse_more_than_a_graph(model)
    graph = model.graph
    weights = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in weights]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelError("it has {n} inputs and {m} outputs; expected one of each", n=len(inputs), m=len(graph.output))
    (entry,), (end,) = inputs, graph.output
    kinds = {onnx.TensorProto.UINT8: np.uint8, onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64}
    kind = kinds.get(entry.type.tensor_type.elem_type)
    batch, *sides = _shape(entry) or [0]
    shape = tuple(side for side in sides if side)
    if kind is None or not shape or len(shape) < len(sides) or batch not in (None, 1):
        raise ModelError("its input is not that of any number of images of one size, as float or uint8")
    gives = _gives(graph)
    shapes = _shapes(onnx, model, entry.name)
    outputs = shapes[end.name]
    if len(outputs) != 2 or outputs[0] != 1 or outputs[1] < 2:
        raise ModelError("it gives outputs of the shape {shape}; expected (N, C), one for each class", shape=outputs)
    numbers = sum(int(np.prod(one, dtype=object)) for one in shapes.values())
    refuse_large(numbers)  # before onnxruntime computes what is constant
    session = open_session(content)

    def run(pixels: NDArray[Any]) -> NDArray[Any]:
        try:
            return np.asarray(session.run([end.name], {entry.name: pixels.astype(kind, copy=False)})[0])
        except Exception as error:
            raise ModelError("onnxruntime cannot run it ({error})", error=first_line(error)) from error

    return Opened(
        run=run,
        shape=shape,
        outputs=outputs[1],
        gives=gives,
        pixels=kind is np.uint8,
        numbers=numbers,
        parameters=sum(int(np.prod(one.dims, dtype=object)) for one in graph.initializer if _is_float(onnx, one)),
        layers=tuple(node.op_type for node in graph.node if node.op_type not in (*LEAVES[:2], "Constant", "Shape")),
        about=_about(model),
        batch=1 if batch == 1 else MOST_AT_ONCE,
    )


def _refuse_more_than_a_graph(model: Any) -> None:
    domains = {one.domain for one in model.opset_import} | {node.domain for node in model.graph.node}
    foreign = sorted(domains.difference(STANDARD))
    if foreign:
        raise ModelError("it has operators of {domain}; expected those of ONNX alone", domain=printable(foreign[0], 60))
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise ModelError("it holds functions, training or sparse weights; expected a plain graph")
    if len(model.graph.node) > MAX_NODES:
        raise ModelError("it has {n:,} operators, the limit is {most:,}", n=len(model.graph.node), most=MAX_NODES)
    for node in model.graph.node:
        if node.op_type not in OPERATORS:
            raise ModelError(
                "it has an operator {name}, which no plain classifier needs", name=printable(node.op_type, 60)
            )
        if any(one.HasField("g") or one.graphs or one.HasField("sparse_tensor") for one in node.attribute):
            raise ModelError("it has a graph inside its graph; expected a plain one")
    for tensor in _tensors(model.graph):
        if tensor.data_location or tensor.external_data:
            raise ModelError("it keeps weights in another file; export it with all of them inside")


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors


def _shape(value: Any) -> list[int | None]:
    return [one.dim_value if one.HasField("dim_value") else None for one in value.type.tensor_type.shape.dim]


def _shapes(onnx: Any, model: Any, entry: str) -> dict[str, tuple[int, ...]]:
    """The shape of everything that the graph makes of one image."""
    one_image = onnx.ModelProto()
    one_image.CopyFrom(model)
    for value in one_image.graph.input:
        if value.name == entry:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    del one_image.graph.value_info[:]  # what the file says of them is not to be relied on
    for value in one_image.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(one_image, strict_mode=True, data_prop=True).graph
    except Exception as error:  # onnx fails in many ways
        raise ModelError("its operators do not fit together ({error})", error=first_line(error)) from error
    known = {value.name: _shape(value) for value in (*inferred.value_info, *inferred.output)}
    shapes = {}
    for name in (name for node in model.graph.node for name in node.output if name):
        shape = known.get(name)
        if shape is None or not all(n and 0 < n < MOST_BYTES for n in shape):
            raise ModelError("it does not say how large {name} is; export it for images of one size",
                             name=printable(name, 60))  # fmt: skip
        shapes[name] = tuple(n for n in shape if n is not None)
    if any(value.name not in shapes for value in model.graph.output):
        raise ModelError("it computes no output")
    return shapes


def _gives(graph: Any) -> Gives:
    """What the output is. Raises ModelError for what is neither probabilities nor logits."""
    made_by = {name: node for node in graph.node for name in node.output}
    node = made_by.get(graph.output[0].name)
    for _ in graph.node:
        if node is None or node.op_type not in LEAVES:
            break
        node = made_by.get(node.input[0]) if node.input else None
    operator = node.op_type if node is not None else "nothing"
    if operator == "Softmax":
        return "probabilities"
    last = made_by.get(node.input[0]) if operator == "Add" and node is not None else None
    if operator in ("Gemm", "MatMul", "LogSoftmax") or (last is not None and last.op_type == "MatMul"):
        return "logits"
    raise ModelError(
        "it ends with {layer}, which makes no probabilities; expected a softmax, or a Dense layer without activation",
        layer=printable(operator, 60),
    )


def _about(model: Any) -> dict[str, Any]:
    """What bruit wrote into a file of its own."""
    if model.producer_name != "bruit":
        return {}
    try:
        return {one.key: json.loads(one.value) for one in model.metadata_props}
    except (ValueError, RecursionError) as error:
        raise ModelError("its metadata are damaged; export it again") from error


def _is_float(onnx: Any, tensor: Any) -> bool:
    return tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
