"""bruit robustness."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bruit
from bruit.noise.registry import MNIST_C


def test_models_side_by_side(cli, finished, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    models, data = [f"{finished.run}:cnn", f"{finished.run}:dnn"], finished.data
    tested = bruit.robustness(models, "mnist-c", data, seed=4)
    table, figure = tmp_path / "all.csv", tmp_path / "map.png"
    command = ("robustness", *models, "--data", data, "--seed", "4")
    shown = cli(*command, "--csv", table, "--figure", figure)
    assert shown.code == 0
    assert f"{tested['models'][models[0]]['mean']['accuracy']:.2%}" in shown.out
    for key in (*MNIST_C, "mCE"):
        assert key in shown.out
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert len(rows) == 2 * 16
    for row in rows[1:16]:
        assert float(row["accuracy"]) == tested["models"][models[0]]["sets"][row["set"]]["accuracy"]
    with Image.open(figure) as image:
        assert min(image.size) > 300
    assert "is there already" in cli(*command, "--csv", table).problem()
    assert "expected a file whose name ends in .png" in cli(*command, "--figure", tmp_path / "map.svg").problem()
    told = cli("robustness", models[0], "--data", data, "--suite", "course", "--json").json
    assert told["models"][models[0]]["sets"].keys() == {"course"}
    assert "expected a suite of" in cli("robustness", models[0], "--data", data, "--suite", "fog").problem()


def test_curves_over_severities(cli, finished, tmp_path: Path) -> None:
    model, curves = f"{finished.run}:dnn", tmp_path / "curves.png"
    command = ("robustness", model, "--data", finished.data, "--curves", curves)
    told = cli(*command, "--suite", "severity")
    assert told.code == 0
    assert f"Written: {curves}" in told.out
    with Image.open(curves) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
    for suite in ("mnist-c", "nmnist", "course"):
        refused = cli(*command, "--suite", suite, "--force").problem()
        assert refused == f"the suite {suite} has no severities to draw curves over; take --suite severity"


@pytest.mark.parametrize(("option", "ending"), [("--csv", ".csv"), ("--figure", ".png"), ("--curves", ".png")])
def test_a_file_that_cannot_be_written_is_said_before_any_work(
    cli, tmp_path: Path, monkeypatch, option: str, ending: str
) -> None:
    monkeypatch.setattr("bruit.studies.robustness.robustness", lambda *args, **more: pytest.fail("it worked"))
    in_the_way, folder = tmp_path / "file", tmp_path / f"folder{ending}"
    in_the_way.write_text("")
    folder.mkdir()

    def problem(path: Path, *more: str) -> str:
        return str(cli("robustness", "robust", "--suite", "severity", option, path, *more).problem())

    expected = f"{in_the_way / 'deep' / 'a'}{ending} cannot be written: {in_the_way} is no folder; choose another place"
    assert problem(in_the_way / "deep" / f"a{ending}") == expected
    for more in ((), ("--force",)):
        assert problem(folder, *more) == f"{folder} is a folder; choose another name, or move it away"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # whoever runs this may write anywhere
    path = tmp_path / "new" / f"a{ending}"
    assert problem(path) == f"{path} cannot be written: {tmp_path} is not writable; choose another place"


@pytest.fixture
def onnx_file(tmp_path: Path):
    """Writes an ONNX file of a linear classifier, and says where."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def write(name: str, side: int, outputs: int) -> Path:
        make, floats = onnx.helper, onnx.TensorProto.FLOAT
        weights = np.random.default_rng(0).normal(size=(side * side, outputs)).astype(np.float32)
        nodes = [
            make.make_node("Flatten", ["x"], ["flat"]),
            make.make_node("MatMul", ["flat", "w"], ["scores"]),
            make.make_node("Softmax", ["scores"], ["y"]),
        ]
        graph = make.make_graph(
            nodes,
            "linear",
            [make.make_tensor_value_info("x", floats, ["N", side, side])],
            [make.make_tensor_value_info("y", floats, ["N", outputs])],
            [onnx.numpy_helper.from_array(weights, "w")],
        )
        onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), tmp_path / name)
        return tmp_path / name

    return write


def test_models_that_do_not_go_with_the_data_are_named(cli, npy_folder, onnx_file) -> None:
    data = npy_folder()

    def problem(model: Path, *more: str) -> str:
        command = ("robustness", "robust", model, "--data", data, "--suite", "course", "--scale", "0-1", *more)
        return str(cli(*command).problem())

    large = onnx_file("large.onnx", 32, 10)
    assert problem(large) == (
        f"{large} does not go with the data: the model reads images of 32 × 32 pixels, the data has 28 × 28; resize "
        "them first"
    )
    for outputs in (3, 12):
        path = onnx_file(f"{outputs}.onnx", 28, outputs)
        assert problem(path) == (
            f"{path} has {outputs} outputs and does not say what they are, the data has 10 classes, "
            "0, 1, 2, 3, 4, 5, 6, 7, 8, 9; name the outputs with --classes, in their order"
        )
    letters = problem(onnx_file("letters.onnx", 28, 10), "--classes", "a,b,c,d,e,f,g,h,i,j")
    assert "letters.onnx does not go with the data: the model knows the classes a, b, c" in letters
    assert letters.endswith("take other data, or, of a file, say its classes with --classes")


def test_a_file_whose_outputs_are_named_may_know_more_than_the_data(cli, npy_folder, onnx_file) -> None:
    path = onnx_file("twelve.onnx", 28, 12)
    names = ",".join(map(str, range(12)))
    command = ("robustness", path, "--data", npy_folder(), "--suite", "course", "--scale", "0-1", "--classes", names)
    told = cli(*command, "--json").json
    assert told["models"][str(path)]["seen"] == []
    shown = cli(*command)
    assert shown.code == 0
    assert "twelve.onnx: unknown" in shown.out
