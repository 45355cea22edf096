from __future__ import annotations

import json

import numpy as np
import pytest

from bruit.errors import ModelError
from bruit.models.networks import Convolutional, Dense, Normalised
from bruit.models.trained import Together, new_model
from bruit.models.zoo import ZOO
from bruit.outside.export import export

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
EXPORTED = [name for name in ZOO if name != "knn"]


def session_of(path):
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", EXPORTED)
def test_the_file_says_of_raw_pixels_what_the_model_says(zoo, digits, tmp_path, name):
    model = zoo[name]
    kept = model.temperature
    try:
        model.temperature = 1.7
        told = export(model, tmp_path / "model.onnx")
        exact = new_model(name, model.config, model.classes, model.input_shape)
        exact.load_tensors(model.tensors())
    finally:
        model.temperature = kept
    session = session_of(tmp_path / "model.onnx")
    (images,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["N", 28, 28])
    assert (probabilities.name, probabilities.type, probabilities.shape) == (
        "probabilities",
        "tensor(float)",
        ["N", 10],
    )
    for n in (1, 7, 200):
        given = session.run(None, {"images": digits.test.images[:n]})[0]
        assert np.abs(given - exact.probabilities(digits.test.images[:n])).max() < 1e-4
        assert np.allclose(given.sum(axis=1), 1, atol=1e-5)
    about = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert about == {"name": name, "classes": list("0123456789"), "input_shape": [28, 28]}
    size = (tmp_path / "model.onnx").stat().st_size
    assert told == {
        "file": str(tmp_path / "model.onnx"),
        "format": "onnx",
        "model": name,
        "bytes": size,
        "classes": list("0123456789"),
        "input_shape": [28, 28],
        "max_difference": told["max_difference"],
    }
    assert told["max_difference"] < 1e-4
    assert size < sum(array.nbytes for array in model.tensors().values()) + 8192
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_networks_that_read_together_are_one_file(digits, tmp_path):
    shape, classes = (28, 28), tuple("0123456789")
    members = [new_model("cnn-plus", ZOO["cnn-plus"].config, classes, shape) for _ in range(3)]
    for member, temperature in zip(members, (0.2, 1.0, 0.05), strict=True):
        member.temperature = temperature
    together = Together("cnn-plus-folds", members)
    together.temperature = 0.7
    export(together, tmp_path / "model.onnx")
    given = session_of(tmp_path / "model.onnx").run(None, {"images": digits.test.images})[0]
    assert np.abs(given - together.probabilities(digits.test.images)).max() < 1e-4
    assert np.ptp(given[:, 3]) > 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 4), (9, 12)])
@pytest.mark.parametrize(
    "config",
    [
        Dense((8, 4), dropout=0.2, batch_norm=True),
        Convolutional((4, 4, 4), dropout=0.1),
        Normalised((4, 4, 4), strides=(1, 2, 2), dropout=0.1),
    ],
)
def test_images_of_any_size(tmp_path, shape, config):
    model = new_model("small", config, ("no", "maybe", "yes"), shape)
    told = export(model, tmp_path / "small.onnx")
    assert told["input_shape"] == list(shape)
    assert told["classes"] == ["no", "maybe", "yes"]


def test_a_model_that_remembers_is_refused(zoo, refused, tmp_path):
    with refused(ModelError, "knn is no graph of layers, which is all that ONNX holds; export another model"):
        export(zoo["knn"], tmp_path / "knn.onnx")
    assert not list(tmp_path.iterdir())
