import numpy as np
import pytest

from bruit.errors import DataError, ModelError
from bruit.models import trained
from bruit.models.networks import Dense
from bruit.models.trained import new_model
from bruit.models.zoo import ZOO
from bruit.predictor import Predictor


@pytest.mark.parametrize("name", ZOO)
def test_every_model_is_a_predictor(zoo, digits, name):
    model = zoo[name]
    assert isinstance(model, Predictor)
    assert model.classes == tuple("0123456789")
    assert model.input_shape == (28, 28)
    assert model.layers
    probabilities = model.probabilities(digits.test.images)
    assert probabilities.shape == (200, 10)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (probabilities >= 0).all()


@pytest.mark.parametrize("name", ZOO)
def test_prediction_repeats_and_changes_nothing(zoo, digits, name):
    model = zoo[name]
    before = {key: value.copy() for key, value in model.tensors().items()}
    assert np.array_equal(model.probabilities(digits.test.images), model.probabilities(digits.test.images))
    assert all(np.array_equal(value, before[key]) for key, value in model.tensors().items())


@pytest.mark.parametrize("name", ZOO)
def test_an_image_is_read_alike_alone_and_in_a_batch(zoo, digits, name, monkeypatch):
    whole = zoo[name].probabilities(digits.test.images[:20])
    monkeypatch.setattr(trained, "PIXELS_AT_ONCE", 7 * 28 * 28)
    # Batches of another size are summed in another order, in bf16 visibly so.
    assert np.allclose(zoo[name].probabilities(digits.test.images[:20]), whole, atol=0.02)
    assert np.allclose(zoo[name].probabilities(digits.test.images[4:5]), whole[4:5], atol=0.02)


@pytest.mark.parametrize("name", ZOO)
def test_images_may_lie_in_memory_as_they_like(zoo, digits, name):
    images = digits.test.images[:40]
    expected = zoo[name].probabilities(images)
    assert np.array_equal(zoo[name].probabilities(np.asfortranarray(images)), expected)
    assert np.array_equal(zoo[name].probabilities(images[::-1].copy()[::-1]), expected)


@pytest.mark.parametrize("name", ZOO)
def test_no_images_have_no_probabilities(zoo, digits, name):
    assert zoo[name].probabilities(digits.test.images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda images: images[:, :27], "uint8 (200, 27, 28)"),
        (lambda images: images[0], "uint8 (28, 28)"),
        (lambda images: images[..., None], "uint8 (200, 28, 28, 1)"),
        (lambda images: images / 255, "float64 (200, 28, 28)"),
    ],
)
@pytest.mark.parametrize("name", ["knn", "dnn"])
def test_other_images_than_it_learned_from_are_refused(zoo, digits, refused, name, change, received):
    with refused(DataError, f"{name} expects images as uint8 (N, 28, 28), received {received}"):
        zoo[name].probabilities(change(digits.test.images))


@pytest.mark.parametrize("name", ["logistic", "dnn"])
def test_a_higher_temperature_makes_it_less_sure_of_the_same_answer(zoo, digits, name):
    model = zoo[name]
    kept = model.temperature
    try:
        model.temperature = 1.0
        sure = model.probabilities(digits.test.images)
        model.temperature = 3.0
        assert model.temperature == pytest.approx(3.0)
        unsure = model.probabilities(digits.test.images)
    finally:
        model.temperature = kept
    assert np.array_equal(sure.argmax(axis=1), unsure.argmax(axis=1))
    assert (unsure.max(axis=1) < sure.max(axis=1)).all()


def test_parameters_are_counted():
    network = new_model("small", Dense((5,), batch_norm=True), ("a", "b", "c"), (2, 3))
    assert network.parameters == 6 * 5 + 2 * 5 + (5 * 3 + 3)


def test_parameters_of_baselines(zoo):
    assert zoo["logistic"].parameters == 10 * 784 + 10
    assert zoo["knn"].parameters == 0


@pytest.mark.parametrize(
    ("name", "other"), [("dnn", "dnn-plus"), ("dnn", "logistic"), ("logistic", "knn"), ("knn", "cnn")]
)
def test_weights_of_another_model_are_refused(zoo, refused, name, other):
    model = new_model(name, ZOO[name].config, tuple("0123456789"), (28, 28))
    with refused(ModelError, f"the weights of {name} do not fit its config; they come from another model"):
        model.load_tensors(zoo[other].tensors())


@pytest.mark.parametrize("name", ZOO)
def test_weights_for_other_classes_are_refused(zoo, refused, name):
    model = new_model(name, ZOO[name].config, ("a", "b", "c"), (28, 28))
    with refused(ModelError, f"the weights of {name} do not fit its config; they come from another model"):
        model.load_tensors(zoo[name].tensors())


@pytest.mark.parametrize("name", ["logistic", "knn", "dnn", "cnn"])
def test_weights_for_images_of_another_size_are_refused(zoo, refused, name):
    model = new_model(name, ZOO[name].config, tuple("0123456789"), (32, 32))
    with refused(ModelError, f"the weights of {name} do not fit its config; they come from another model"):
        model.load_tensors(zoo[name].tensors())
