"""Networks that read the mean of nine views of an image."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from bruit.errors import ConfigError, ModelError
from bruit.evaluation.calibration import apply_temperature
from bruit.models.networks import AVERAGED, Dense, shifted
from bruit.models.store import load_model, load_together, save_model
from bruit.models.trained import Network
from bruit.models.zoo import ZOO
from bruit.outside.export import export
from bruit.training.fit import fit
from bruit.training.start import digest

RECIPE = dataclasses.replace(ZOO["dnn"].recipe, epochs=2, least_steps=0)


def test_the_views_are_the_image_shifted_by_up_to_a_pixel() -> None:
    image = torch.arange(12.0).view(1, 1, 3, 4)
    views = shifted(image)[0]
    edged = np.pad(image[0, 0].numpy(), 1, mode="edge")
    expected = [edged[down : down + 3, right : right + 4] for down in range(3) for right in range(3)]
    assert np.array_equal(views.numpy(), np.stack(expected))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 4)])
def test_it_gives_the_mean_of_the_logits_of_its_views(shape) -> None:
    model = Network("small", Dense((8,)), ("no", "maybe", "yes"), shape)
    model.temperature = 0.5
    images = np.random.default_rng(0).integers(0, 256, (7, *shape)).astype(np.uint8)
    views = shifted(torch.tensor(images).unsqueeze(1).float()).numpy().astype(np.uint8)
    each = np.stack([model.logits(np.ascontiguousarray(views[:, one])) for one in range(9)])
    model.views = 9
    np.testing.assert_allclose(model.logits(images), each.mean(0), atol=1e-5)


@pytest.fixture(scope="module")
def folders(digits, tmp_path_factory):
    """Where one network with views lies, and the same without them."""
    base = tmp_path_factory.mktemp("views")
    for views in (1, 9):
        recipe = dataclasses.replace(RECIPE, views=views)
        fit("dnn", digits.train, recipe=recipe, folder=base / str(views))
    return {views: base / str(views) for views in (1, 9)}


def test_only_the_trained_network_has_them(folders, digits) -> None:
    """Training is the same; the temperature is of what the network then reads."""
    alone, averaged = (load_model(folders[views]) for views in (1, 9))
    assert (alone.views, averaged.views) == (1, 9)
    assert [row["validation_loss"] for row in history(folders[1])] == [
        row["validation_loss"] for row in history(folders[9])
    ]
    weights = averaged.tensors()
    assert all(np.array_equal(value, weights[name]) for name, value in alone.tensors().items() if name != "temperature")
    assert alone.temperature != averaged.temperature
    assert averaged.layers == [*alone.layers, AVERAGED]
    stored = np.load(folders[9] / "val_probs.npy")
    assert not np.allclose(stored, np.load(folders[1] / "val_probs.npy"), atol=1e-3)


def history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_it_comes_back_as_it_was(folders, digits, tmp_path) -> None:
    model = load_model(folders[9])
    save_model(model, tmp_path, {})
    again = load_model(tmp_path)
    assert np.array_equal(again.probabilities(digits.test.images), model.probabilities(digits.test.images))


@pytest.mark.parametrize("views", [0, 4, "9", None, [9], 9.0])
def test_another_number_of_views_is_refused(folders, refused, tmp_path, views) -> None:
    model = load_model(folders[1])
    save_model(model, tmp_path, {"views": views})
    with refused(ModelError, f"{tmp_path / 'config.json'} is not a model's description; train it again"):
        load_model(tmp_path)


def test_a_baseline_has_none(digits, refused, tmp_path) -> None:
    save_model(fit("logistic", digits.train).model, tmp_path, {"views": 9})
    with refused(ModelError, f"{tmp_path / 'config.json'} is not a model's description; train it again"):
        load_model(tmp_path)


def test_a_recipe_of_another_number_is_refused_before_training(digits, refused) -> None:
    with refused(ConfigError, "a network reads 1 view of an image or 9, received 4"):
        fit("dnn", digits.train, recipe=dataclasses.replace(RECIPE, views=4))


def test_fine_tuning_keeps_them(folders, digits) -> None:
    start = load_model(folders[9])
    assert fit("dnn", digits.train, start=start, epochs=1).model.views == 9
    alone = load_model(folders[1])
    alone.temperature = start.temperature
    assert digest(alone) != digest(start)


def test_a_model_of_an_older_version_has_one(folders, tmp_path) -> None:
    save_model(load_model(folders[9]), tmp_path, {})
    told = json.loads((tmp_path / "config.json").read_text())
    del told["views"]
    (tmp_path / "config.json").write_text(json.dumps(told))
    assert load_model(tmp_path).views == 1


def test_as_onnx_it_says_the_same(folders, digits, tmp_path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = load_model(folders[9])
    told = export(model, tmp_path / "views.onnx")
    assert told["max_difference"] < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "views.onnx")
    given = session.run(None, {"images": digits.test.images})[0]
    assert np.abs(given - model.probabilities(digits.test.images)).max() < 1e-4


def test_keras_has_no_chain_of_layers_for_it(folders, refused, tmp_path) -> None:
    expected = "dnn reads the mean of 9 views, which bruit writes as ONNX alone; export it as that"
    with refused(ModelError, expected):
        export(load_model(folders[9]), tmp_path / "views.keras")


def test_together_they_keep_their_views(folders, refused, digits, tmp_path) -> None:
    together = load_together([folders[9], folders[9]], "-folds")
    alone = load_model(folders[9])
    assert together.views == 9
    expected = apply_temperature(np.log(alone.probabilities(digits.test.images)), 1.0)
    np.testing.assert_allclose(together.probabilities(digits.test.images), expected, atol=1e-5)
    save_model(together, tmp_path, {})
    again = load_model(tmp_path)
    assert np.array_equal(again.probabilities(digits.test.images), together.probabilities(digits.test.images))
    with refused(ModelError, f"{folders[1]} holds another network than {folders[9]}"):
        load_together([folders[9], folders[1]], "-folds")
