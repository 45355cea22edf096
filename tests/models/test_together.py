"""Networks that read together: the mean of their probabilities, as one model."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import bruit
from bruit.errors import ModelError
from bruit.evaluation.calibration import apply_temperature
from bruit.models.store import load_model, load_together, save_model
from bruit.models.trained import Together
from bruit.outside.export import export
from bruit.training.fit import fit


@pytest.fixture(scope="module")
def folders(digits, tmp_path_factory):
    """Where three dense networks of different seeds lie."""
    base = tmp_path_factory.mktemp("members")
    for seed in range(3):
        fit("dnn", digits.train, epochs=2, seed=seed, folder=base / str(seed))
    return [base / str(seed) for seed in range(3)]


def test_it_gives_the_mean_of_what_its_members_give(folders, digits) -> None:
    images = digits.test.images
    each = [load_model(folder).probabilities(images) for folder in folders]
    together = load_together(folders, "-folds")
    assert together.name == "dnn-folds"
    assert np.abs(each[0] - each[1]).max() > 0.1
    np.testing.assert_allclose(together.probabilities(images), np.mean(each, axis=0), atol=1e-6)
    assert together.parameters == 3 * load_model(folders[0]).parameters


def test_its_temperature_is_applied_to_the_mean(folders, digits) -> None:
    together = load_together(folders, "-folds")
    plain = together.probabilities(digits.test.images)
    together.temperature = 2.0
    expected = apply_temperature(np.log(np.maximum(plain, 1e-30)), 2.0)
    np.testing.assert_allclose(together.probabilities(digits.test.images), expected, atol=1e-5)


def test_what_is_stored_reads_exactly_alike(folders, digits, tmp_path) -> None:
    together = load_together(folders, "-ensemble")
    together.temperature = 1.5
    save_model(together, tmp_path, {"title": "three"})
    again = load_model(tmp_path)
    assert isinstance(again, Together)
    assert (again.name, again.config, again.temperature) == ("dnn-ensemble", together.config, 1.5)
    assert np.array_equal(again.probabilities(digits.test.images), together.probabilities(digits.test.images))


@pytest.mark.parametrize(
    "config",
    [
        {"member": {"kind": "Dense", "config": {"hidden": [256, 128], "dropout": 0.3, "batch_norm": False}}, "n": 4},
        {"member": {"kind": "Dense", "config": {"hidden": [256, 128], "dropout": 0.3, "batch_norm": False}}, "n": 0},
        {"member": {"kind": "Logistic", "config": {}}, "n": 3},
        {"member": {"kind": "Ensemble", "config": {}}, "n": 3},
        {"n": 3},
        {},
    ],
)
def test_a_description_that_does_not_fit_is_refused(folders, tmp_path, config) -> None:
    save_model(load_together(folders, "-ensemble"), tmp_path, {})
    stored = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(stored | {"config": config}))
    with pytest.raises(ModelError, match=r"not a model's description|do not fit its config"):
        load_model(tmp_path)


def test_baselines_do_not_read_together(zoo, folders, tmp_path, refused) -> None:
    save_model(zoo["logistic"], tmp_path / "logistic", {})
    with refused(ModelError, f"{tmp_path / 'logistic'} holds no network, which is all that reads together"):
        load_together([*folders, tmp_path / "logistic"], "-folds")


def test_other_networks_do_not_read_together(zoo, folders, tmp_path, refused) -> None:
    save_model(zoo["cnn"], tmp_path / "cnn", {})
    with refused(ModelError, f"{tmp_path / 'cnn'} holds another network than {folders[0]}"):
        load_together([*folders, tmp_path / "cnn"], "-folds")


def test_keras_files_hold_one_network(folders, tmp_path, refused) -> None:
    message = "dnn-folds is several networks, which bruit writes as ONNX alone; export it as that, or one of them"
    with refused(ModelError, message):
        export(load_together(folders, "-folds"), tmp_path / "model.keras")


def test_a_cross_validation_reads_by_its_fold_models(digits, tmp_path) -> None:
    result = bruit.cross_validate("dnn", digits.train, k=2, epochs=1, folder=tmp_path / "cv", workers=1)
    reader = bruit.load_model(tmp_path / "cv")
    assert (reader.name, reader.config.n) == ("dnn-folds", 2)
    each = [load_model(tmp_path / "cv" / f"fold-{fold}") for fold in range(2)]
    first = np.flatnonzero(result.folds == 0)
    held_out = each[0].probabilities(digits.train.images[first])
    np.testing.assert_allclose(held_out, result.oof_probabilities[first], atol=1e-5)
    mean = sum(one.probabilities(digits.test.images) for one in each) / 2
    np.testing.assert_allclose(reader.probabilities(digits.test.images), mean, atol=1e-6)
    shutil.rmtree(tmp_path / "cv" / "fold-1")
    with pytest.raises(ModelError, match="fold-1 holds no model"):
        bruit.load_model(tmp_path / "cv")


def test_one_that_is_not_finished_is_said_to_be_so(digits, refused, tmp_path) -> None:
    bruit.cross_validate("dnn", digits.train, k=2, epochs=1, folder=tmp_path, workers=1)
    (tmp_path / "folds.npy").unlink()
    with refused(ModelError, f"the cross-validation in {tmp_path} is not finished; the same command goes on"):
        bruit.load_model(tmp_path)
