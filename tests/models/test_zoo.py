import json

import numpy as np
import pytest

from bruit.errors import ConfigError
from bruit.models.trained import new_model
from bruit.models.zoo import ZOO, describe_zoo, entry


def test_an_unknown_name_is_refused_with_those_there_are(refused):
    with refused(ConfigError, f"no model is called resnet; choose among {', '.join(ZOO)}"):
        entry("resnet")


def test_every_entry_is_described_in_plain_values():
    described = json.loads(json.dumps(describe_zoo()))
    assert [model["name"] for model in described] == list(ZOO)
    for model in described:
        assert model["title"]
        assert model["summary"].endswith(".")
        assert "\n" not in model["summary"]


def test_networks_have_a_recipe_and_baselines_none():
    for name, model in ZOO.items():
        assert (model.recipe is None) == (model.family == "baseline"), name


@pytest.mark.parametrize("n_classes", [2, 10, 26])
@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (16, 16), (28, 28), (32, 32), (20, 30), (27, 27), (31, 16)])
@pytest.mark.parametrize("name", [name for name in ZOO if ZOO[name].recipe])
def test_networks_adapt_to_the_size_of_images_and_the_number_of_classes(name, shape, n_classes):
    classes = tuple(f"class {i}" for i in range(n_classes))
    model = new_model(name, ZOO[name].config, classes, shape)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    probabilities = model.probabilities(images)
    assert probabilities.shape == (3, n_classes)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_study_at_its_best_trains_longer_where_that_helps():
    for model in ZOO.values():
        if model.best is not None:
            assert model.best.epochs > model.recipe.epochs
            assert model.recipe_for(best=True) is model.best
        else:
            assert model.recipe_for(best=True) is model.recipe
        assert model.recipe_for(best=False) is model.recipe
    assert ZOO["dnn-plus"].best is not None
