"""ONNX files of other programs; and what may be no part of one."""

from __future__ import annotations

import io
import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from bruit.errors import ModelError
from bruit.outside import onnx_in
from bruit.outside.onnx_in import open_onnx

FLOAT = TensorProto.FLOAT
WEIGHTS = np.random.default_rng(0).normal(0, 0.1, (784, 10)).astype(np.float32)
DENSE = [helper.make_node("Flatten", ["x"], ["f"], axis=1), helper.make_node("MatMul", ["f", "w"], ["l"])]
SOFTMAX = helper.make_node("Softmax", ["l"], ["y"], axis=1)


def onnx_bytes(
    nodes=(*DENSE, SOFTMAX),
    weights=(("w", WEIGHTS), ("v", WEIGHTS[:28])),
    shape=("N", 28, 28),
    kind=FLOAT,
    outputs=("y",),
    inputs=("x",),
    change=lambda model: None,
    domains=("",),
) -> bytes:
    graph = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, FLOAT, ["N", 10]) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(name, 17) for name in domains], ir_version=8)
    change(model)
    return model.SerializeToString()


def test_a_plain_model() -> None:
    opened = open_onnx(onnx_bytes())
    assert (opened.shape, opened.outputs, opened.gives, opened.about) == ((28, 28), 10, "probabilities", {})
    assert (opened.parameters, opened.numbers, opened.pixels) == (7840 + 280, 804, False)
    assert opened.layers == ("Flatten", "MatMul", "Softmax")
    x = np.random.default_rng(1).random((5, 28, 28), np.float32)
    scores = np.exp(x.reshape(5, -1) @ WEIGHTS)
    np.testing.assert_allclose(opened.run(x), scores / scores.sum(axis=1, keepdims=True), rtol=1e-5)


def test_uint8_says_that_it_takes_pixels() -> None:
    cast = helper.make_node("Cast", ["x"], ["c"], to=FLOAT)
    flatten = helper.make_node("Flatten", ["c"], ["f"], axis=1)
    opened = open_onnx(onnx_bytes([cast, flatten, DENSE[1], SOFTMAX], kind=TensorProto.UINT8))
    assert opened.pixels
    assert opened.run(np.full((2, 28, 28), 255, np.float32)).shape == (2, 10)


class Notebook(nn.Module):
    """PyTorch's own example for MNIST."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3)
        self.fc1, self.fc2, self.dropout = nn.Linear(1152, 16), nn.Linear(16, 10), nn.Dropout(0.25)

    def forward(self, x):
        x = torch.relu(self.conv2(torch.relu(self.conv1(x))))
        x = torch.flatten(self.dropout(torch.max_pool2d(x, 2)), 1)
        return torch.log_softmax(self.fc2(torch.relu(self.fc1(x))), 1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("fixed", [False, True])
def test_what_pytorch_exports(fixed: bool) -> None:
    model, file = Notebook().eval(), io.BytesIO()
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    axes = None if fixed else {"x": {0: "n"}, "y": {0: "n"}}
    torch.onnx.export(model, (x[:1],), file, dynamo=False, dynamic_axes=axes, input_names=["x"], output_names=["y"])
    opened = open_onnx(file.getvalue())
    assert (opened.shape, opened.outputs, opened.gives) == ((1, 28, 28), 10, "logits")
    assert opened.batch == (1 if fixed else 512)
    given_ = np.concatenate([opened.run(one[None].numpy()) for one in x]) if fixed else opened.run(x.numpy())
    np.testing.assert_allclose(given_, model(x).detach().numpy(), atol=1e-5)


def external(model) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def function(model) -> None:
    model.functions.add(name="mine", domain="")


def sparse(model) -> None:
    model.graph.sparse_initializer.add()


def inner(kind: str) -> list:
    made = helper.make_tensor_value_info("z", FLOAT, None)
    body = helper.make_graph([helper.make_node("Identity", ["l"], ["z"])], "body", [], [made])
    return [*DENSE, helper.make_node(kind, ["l"], ["y"], then_branch=body, else_branch=body)]


def constant_outside() -> list:
    value = numpy_helper.from_array(np.zeros(10, np.float32), "v")
    value.ClearField("raw_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="x")
    return [helper.make_node("Constant", [], ["k"], value=value), *DENSE, SOFTMAX]


def doubled(times: int) -> list:
    """Concatenated with itself again and again."""
    names = ["x", *(f"d{i}" for i in range(times))]
    chain = [helper.make_node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]
    pool = helper.make_node("ReduceMax", [names[-1]], ["p"], axes=[1], keepdims=0)
    return [*chain, pool, helper.make_node("MatMul", ["p", "v"], ["l"]), SOFTMAX]


NEEDS = "which no plain classifier needs"
SHAPE = "; expected (N, C), one for each class"
ONE = "it has 1 inputs and 2 outputs; expected one of each"
INPUT = "its input is not that of any number of images of one size, as float or uint8"
ENDS = "which makes no probabilities; expected a softmax, or a Dense layer without activation"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff no protobuf", "it is no whole .onnx file; copy it again"),
        (pickle.dumps(print), "it is no whole .onnx file; copy it again"),
        (b"", "it has 0 inputs and 0 outputs; expected one of each"),
        (onnx_bytes()[:-500], "it is no whole .onnx file; copy it again"),
        (onnx_bytes(change=external), "it keeps weights in another file; export it with all of them inside"),
        (onnx_bytes(constant_outside()), "it keeps weights in another file; export it with all of them inside"),
        (onnx_bytes(change=function), "it holds functions, training or sparse weights; expected a plain graph"),
        (onnx_bytes(change=sparse), "it holds functions, training or sparse weights; expected a plain graph"),
        (onnx_bytes(domains=("", "mine")), "it has operators of mine; expected those of ONNX alone"),
        (
            onnx_bytes([*DENSE, helper.make_node("Softmax", ["l"], ["y"], domain="com.microsoft")]),
            "it has operators of com.microsoft; expected those of ONNX alone",
        ),
        (onnx_bytes([helper.make_node("PyOp", ["x"], ["y"])]), f"it has an operator PyOp, {NEEDS}"),
        (onnx_bytes(inner("If")), f"it has an operator If, {NEEDS}"),
        (onnx_bytes(inner("Identity")), "it has a graph inside its graph; expected a plain one"),
        (onnx_bytes([helper.make_node("Loop", ["x"], ["y"])]), f"it has an operator Loop, {NEEDS}"),
        (onnx_bytes(outputs=("y", "l")), ONE),
        (onnx_bytes(inputs=("x", "z")), "it has 2 inputs and 1 outputs; expected one of each"),
        (onnx_bytes(kind=TensorProto.STRING), INPUT),
        (onnx_bytes(shape=("N", "H", "W")), INPUT),
        (onnx_bytes(shape=(7, 28, 28)), INPUT),
        (onnx_bytes(shape=()), INPUT),
        (onnx_bytes([*DENSE, helper.make_node("Sigmoid", ["l"], ["y"])]), f"it ends with Sigmoid, {ENDS}"),
        (onnx_bytes([helper.make_node("Identity", ["x"], ["y"])]), f"it ends with nothing, {ENDS}"),
        (onnx_bytes([helper.make_node("Softmax", ["x"], ["y"])]), f"it gives outputs of the shape (1, 28, 28){SHAPE}"),
        (
            onnx_bytes(weights=[("w", WEIGHTS[:, :1])]),
            f"it gives outputs of the shape (1, 1){SHAPE}",
        ),
    ],
)
def test_refused(content: bytes, message: str, refused) -> None:
    with refused(ModelError, message):
        open_onnx(content)


@pytest.mark.parametrize("times", [20, 30, 62, 63, 64, 70])
def test_what_it_makes_of_an_image_is_known_before_it_is_made(times: int) -> None:
    with pytest.raises(
        ModelError,
        match=r"^it makes [\d,]+ numbers of one image, the limit|^it does not say how large|^its operators do not",
    ):
        open_onnx(onnx_bytes(doubled(times)))
    assert open_onnx(onnx_bytes(doubled(2))).numbers == 28 * 28 * (2 + 4) + 28 + 20


def test_what_does_not_fit_together_is_said_in_one_line() -> None:
    for content in (
        onnx_bytes(weights=[("w", WEIGHTS[:7])]),
        onnx_bytes(weights=[]),
        onnx_bytes([DENSE[1], SOFTMAX]),
        onnx_bytes(change=lambda model: setattr(model, "ir_version", 99)),
        onnx_bytes(change=lambda model: model.graph.initializer[0].dims.__setitem__(0, 2**40)),
        onnx_bytes([helper.make_node("Reshape", ["x", "x"], ["f"]), DENSE[1], SOFTMAX]),
    ):
        with pytest.raises(ModelError) as caught:
            open_onnx(content)
        assert "\n" not in str(caught.value)


def test_a_name_that_is_no_text_is_said_in_the_error_alone(capfd) -> None:
    with pytest.raises(ModelError, match=r"^onnxruntime cannot open it \('utf-8' codec"):
        open_onnx(onnx_bytes().replace(b"axis", b"\xffxis", 1))
    assert capfd.readouterr() == ("", "")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_noticed_or_does_no_harm(data) -> None:
    """Bytes changed or cut where the graph is described: opened, or a ModelError and nothing else."""
    content = bytearray(onnx_bytes(weights=[("w", WEIGHTS[:, :3])]))
    start = content.index(b"MatMul") - 60
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, start + 200)) % len(content)] = data.draw(st.integers(0, 255))
    try:
        opened = open_onnx(bytes(content))
    except ModelError:
        return
    assert opened.outputs >= 2


def test_a_file_may_not_be_larger_than_onnx_is(monkeypatch, refused) -> None:
    monkeypatch.setattr(onnx_in, "MOST_BYTES", 1000)
    content = onnx_bytes()
    with refused(ModelError, f"it has {len(content):,} bytes; ONNX files have 1,000 at most"):
        open_onnx(content)
