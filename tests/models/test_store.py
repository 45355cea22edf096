import json
import resource

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bruit.data.dataset import Dataset
from bruit.errors import ModelError
from bruit.models.store import load_model, read_tensors, save_model, write_tensors
from bruit.models.zoo import ZOO
from bruit.training.fit import fit


@pytest.fixture
def stored(zoo, tmp_path):
    """A stored model to damage, and where it lies."""

    def store(name: str = "dnn"):
        save_model(zoo[name], tmp_path / name, {"seed": 0})
        return tmp_path / name

    return store


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value != "gone"}))


@pytest.mark.parametrize("name", ZOO)
def test_what_is_stored_reads_exactly_alike(zoo, digits, stored, name):
    model = zoo[name]
    again = load_model(stored(name))
    assert np.array_equal(again.probabilities(digits.test.images), model.probabilities(digits.test.images))
    assert type(again) is type(model)
    assert (again.name, again.config, again.classes) == (model.name, model.config, model.classes)
    assert (again.input_shape, again.temperature) == (model.input_shape, model.temperature)
    assert (again.parameters, again.layers) == (model.parameters, model.layers)


@pytest.mark.parametrize("name", ZOO)
def test_every_model_goes_by_its_classes_and_sizes(tmp_path, digits, name):
    for n_classes, crop in ((2, 16), (26, 27)):
        labels = np.arange(600) % n_classes
        images = np.ascontiguousarray(digits.train.images[:, :crop, :])
        classes = tuple("abcdefghijklmnopqrstuvwxyz"[:n_classes])
        model = fit(
            name, Dataset(images, labels, classes, np.arange(600)), epochs=1, folder=tmp_path / classes[-1]
        ).model
        again = load_model(tmp_path / classes[-1])
        assert again.classes == classes
        assert again.input_shape == (crop, 28)
        assert again.probabilities(images[:9]).shape == (9, n_classes)
        assert np.array_equal(again.probabilities(images[:9]), model.probabilities(images[:9]))


def test_classes_may_have_any_names(tmp_path, digits):
    few = digits.train.subset(digits.train.labels < 2)
    names = ("α/β", 'a "quoted" one\n')
    model = fit("logistic", Dataset(few.images, few.labels, names, few.ids), folder=tmp_path).model
    assert load_model(tmp_path).classes == names == model.classes


def test_what_is_said_about_a_model_is_stored_with_it(zoo, tmp_path):
    save_model(zoo["knn"], tmp_path, {"title": "Neighbours", "seed": 7})
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["title"], config["seed"], config["kind"], config["schema"]) == ("Neighbours", 7, "Neighbours", 1)


def test_a_folder_without_a_model(tmp_path, refused):
    with refused(ModelError, f"{tmp_path} holds no model (config.json is missing); expected RUN/models/NAME"):
        load_model(tmp_path)


def test_the_weights_are_missing(stored):
    folder = stored()
    (folder / "weights.safetensors").unlink()
    with pytest.raises(
        ModelError, match=r"cannot read .*weights\.safetensors: .*No such file.*; train the model again"
    ):
        load_model(folder)


@pytest.mark.parametrize("name", ["dnn", "knn"])
@pytest.mark.parametrize("kept", [0, 5, 100, 5000, -1])
def test_truncated_weights(stored, name, kept):
    weights = stored(name) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ModelError) as caught:
        load_model(weights.parent)
    assert str(caught.value) == f"{weights} is damaged; train the model again"
    assert str(caught.value).endswith("; train the model again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "other"), [("dnn", "cnn"), ("logistic", "dnn"), ("logistic", "knn"), ("cnn", "knn")])
def test_weights_of_another_model(stored, refused, name, other):
    folder = stored(name)
    (stored(other) / "weights.safetensors").replace(folder / "weights.safetensors")
    with refused(ModelError, f"the weights of {name} do not fit its config; they come from another model"):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'"dnn"', b"{}"])
def test_a_config_that_is_garbage(stored, content):
    folder = stored()
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert str(caught.value) == f"{folder / 'config.json'} is not a model's description; train it again"
    assert str(caught.value).endswith("; train it again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "Transformer"},
        {"kind": "gone"},
        {"kind": ["Dense"]},
        {"config": {"hidden": [8], "gates": 3}},
        {"config": {}},
        {"config": {"hidden": "many"}},
        {"config": {"hidden": [8, None]}},
        {"config": {"hidden": [8], "dropout": 7}},
        {"config": [1]},
        {"input_shape": [28]},
        {"input_shape": "gone"},
        {"input_shape": [28, "wide"]},
        {"classes": 10},
        {"classes": "gone"},
        {"name": "gone"},
    ],
)
def test_a_config_that_makes_no_sense(stored, changes):
    folder = stored()
    change_config(folder, **changes)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_nothing_stored_is_ever_run(stored, tmp_path, monkeypatch):
    """Neither file is a pickle, and PyTorch's own reader, which unpickles, is not used."""
    import pickle

    import torch

    def never(*args, **kwargs):
        raise AssertionError("unpickled")

    folder = stored()
    for module, name in ((torch, "load"), (pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(module, name, never)
    load_model(folder)


def test_tensors_of_every_kind_come_back(tmp_path):
    tensors = {
        "steps": np.float32(3),
        "labels": np.arange(5, dtype=np.int64),
        "images": np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
        "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "none": np.empty((0, 4), np.float32),
    }
    write_tensors(tmp_path / "t.safetensors", tensors)
    read = read_tensors(tmp_path / "t.safetensors")
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert np.array_equal(read[name], array), name
        assert read[name].dtype == array.dtype


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_to_tensors_gives_tensors_or_a_model_error(tmp_path, changes):
    place = tmp_path / "t.safetensors"
    write_tensors(place, {"weights": np.ones((3, 2), np.float32), "biases": np.ones(3, np.float32)})
    content = bytearray(place.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    place.write_bytes(content)
    try:
        read_tensors(place)
    except ModelError as error:
        message = str(error)
    else:
        return
    assert message == f"{place} is damaged; train the model again"
    assert "\n" not in message


@pytest.mark.parametrize("hidden", [[10**6, 10**6], [2**62, 2**62], [-1], [10**30]])
def test_a_config_that_is_too_large_gets_no_memory(stored, hidden):
    folder = stored("dnn")
    config = json.loads((folder / "config.json").read_text())
    config["config"]["hidden"] = hidden
    (folder / "config.json").write_text(json.dumps(config))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError):
        load_model(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16
