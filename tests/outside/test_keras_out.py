from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from bruit.errors import ModelError
from bruit.models.networks import Convolutional, Dense, Normalised
from bruit.models.trained import new_model
from bruit.models.zoo import ZOO
from bruit.outside.brought import bring
from bruit.outside.export import export
from bruit.outside.keras_in import import_keras
from bruit.outside.keras_out import keras_content

EXPORTED = [name for name in ZOO if name != "knn"]


@pytest.mark.parametrize("name", EXPORTED)
def test_the_file_says_of_raw_pixels_what_the_model_says(zoo, digits, tmp_path, name) -> None:
    model, path = zoo[name], tmp_path / "model.keras"
    kept = model.temperature
    try:
        model.temperature = 1.7
        told = export(model, path)
        exact = new_model(name, model.config, model.classes, model.input_shape)
        exact.load_tensors(model.tensors())
    finally:
        model.temperature = kept
    images = digits.test.images
    keras = import_keras()
    plain = keras.saving.load_model(path)  # as anybody would
    assert plain.input_shape == (None, 28, 28)
    for n in (1, 7, 200):
        for pixels in (images[:n], images[:n].astype(np.float64)):
            given = plain.predict_on_batch(pixels)
            assert np.abs(given - exact.probabilities(images[:n])).max() < 1e-4
    brought = bring(path)
    assert (brought.scale, brought.classes, brought.input_shape) == ("0-255", tuple("0123456789"), (28, 28))
    assert np.abs(brought.probabilities(images) - exact.probabilities(images)).max() < 1e-4
    assert told == {
        "file": str(path),
        "format": "keras",
        "model": name,
        "bytes": path.stat().st_size,
        "classes": list("0123456789"),
        "input_shape": [28, 28],
        "max_difference": told["max_difference"],
    }
    assert told["max_difference"] < 1e-4
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("metadata.json"))["bruit"]
    assert about == {"name": name, "classes": list("0123456789"), "input_shape": [28, 28]}
    assert [one.name for one in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 4), (9, 12)])
@pytest.mark.parametrize(
    "config",
    [
        Dense((8, 4), dropout=0.2, batch_norm=True),
        Convolutional((4, 4, 4), dropout=0.1),
        Normalised((4, 4, 4), strides=(1, 2, 2), dropout=0.1),
    ],
)
def test_images_of_any_size(tmp_path, shape, config) -> None:
    model = new_model("small", config, ("no", "maybe", "yes"), shape)
    told = export(model, tmp_path / "small.keras")
    assert told["input_shape"] == list(shape)
    assert bring(tmp_path / "small.keras").classes == ("no", "maybe", "yes")


def test_a_model_that_remembers_is_refused(zoo, refused) -> None:
    with refused(ModelError, "knn is no graph of layers, which is all that Keras holds; export another model"):
        keras_content(zoo["knn"])
