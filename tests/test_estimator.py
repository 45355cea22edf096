"""bruit.Classifier: what images and labels become in it, and what comes out."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.exceptions import NotFittedError

import bruit
from bruit import Classifier
from bruit.data.builtin import mnist
from bruit.errors import BruitError, ConfigError, DataError
from bruit.estimator import InputError
from bruit.models.zoo import ZOO


def same_weights(a: Classifier, b: Classifier) -> bool:
    first, second = a.model_.tensors(), b.model_.tensors()
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def read(digits) -> dict[str, Classifier]:
    """Every model of the zoo after two epochs on some hundred images."""
    return {name: Classifier(name, epochs=2).fit(digits.train.images, digits.train.labels) for name in ZOO}


# Learning


@pytest.mark.parametrize(("name", "least"), [("logistic", 0.75), ("knn", 0.85), ("dnn", 0.8), ("cnn-plus", 0.9)])
def test_two_thousand_digits_are_enough_to_read_most_others(digits, name, least):
    train = mnist().train.subset(slice(10_000, 12_000))
    classifier = Classifier(name, epochs=4).fit(train.images, train.labels)
    assert classifier.score(digits.test.images, digits.test.labels) > least


@pytest.mark.parametrize("name", ["logistic", "dnn-plus"])
def test_the_weights_are_those_of_bruit_fit_with_that_seed(digits, name):
    classifier = Classifier(name, epochs=2, random_state=5).fit(digits.train.images, digits.train.labels)
    fitted = bruit.fit(name, digits.train, epochs=2, seed=5)
    expected = fitted.model.tensors()
    assert all(np.array_equal(array, expected[key]) for key, array in classifier.model_.tensors().items())
    assert len(classifier.history_) == len(fitted.history)


def test_the_seed_is_an_int_or_drawn_from_a_random_stream(digits):
    few = digits.train.images[:100], digits.train.labels[:100]

    def fitted(random_state: Any) -> Classifier:
        return Classifier("dnn", epochs=1, random_state=random_state).fit(*few)

    stream = np.random.RandomState
    assert same_weights(fitted(3), fitted(np.int64(3)))
    assert not same_weights(fitted(3), fitted(4))
    assert same_weights(fitted(stream(3)), fitted(stream(3)))
    assert not same_weights(fitted(None), fitted(None))


def test_trainings_in_threads_do_not_disturb_each_other(digits):
    few = digits.train.images[:200], digits.train.labels[:200]
    alone = Classifier("dnn", epochs=2).fit(*few)
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda _: Classifier("dnn", epochs=2).fit(*few), range(3)))
    assert all(same_weights(alone, one) for one in together)


def test_the_callers_random_stream_and_threads_are_left_alone(digits):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    classifier = Classifier("dnn", epochs=1).fit(digits.train.images, digits.train.labels)
    pickle.loads(pickle.dumps(classifier)).predict(digits.test.images)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("size", [1, 8, 28])
def test_one_image_of_each_class_is_enough_to_train_on(digits, name, size):
    index = [np.flatnonzero(digits.train.labels == label)[0] for label in (0, 1)]
    images = digits.train.images[index, :size, :size]
    classifier = Classifier(name, epochs=2).fit(images, ["no", "yes"])
    assert classifier.model_.temperature == 1
    assert classifier.predict_proba(images).shape == (2, 2)


def test_a_class_of_one_image_is_trained_on_and_the_others_calibrate(digits):
    rare = np.flatnonzero((digits.train.labels != 4) | (np.cumsum(digits.train.labels == 4) == 1))
    train = digits.train.subset(rare)
    assert train.counts[4] == 1
    classifier = Classifier("knn").fit(train.images, train.labels)
    kept = classifier.model_.tensors()
    assert len(kept["labels"]) == len(train) - 9 * 6  # a tenth of 60 of each of the other nine
    assert (kept["labels"] == 4).sum() == 1
    assert classifier.model_.temperature != 1


# Labels


@pytest.mark.parametrize("names", [[f"digit {d}" for d in range(10)], [-5 + d for d in range(10)], list("abcdefghij")])
def test_labels_of_any_kind_come_back(digits, names):
    labels = np.array(names)[digits.train.labels]
    classifier = Classifier("knn").fit(digits.train.images, labels)
    assert classifier.classes_.tolist() == sorted(names)
    assert classifier.predict(digits.test.images).dtype == labels.dtype
    assert classifier.score(digits.test.images, np.array(names)[digits.test.labels]) > 0.7
    as_numbers = Classifier("knn").fit(digits.train.images, digits.train.labels).predict(digits.test.images)
    assert np.array_equal(classifier.predict(digits.test.images), np.array(names)[as_numbers])


# Images


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("n", [1, 3, 130])
def test_an_image_is_read_alike_alone_and_among_others(read, digits, name, n):
    whole = read[name].predict_proba(digits.test.images)
    assert np.array_equal(read[name].predict_proba(digits.test.images[-n:]), whole[-n:])
    assert np.array_equal(read[name].predict_proba(digits.test.images[::-1]), whole[::-1])


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images[..., None],
        lambda images: images.reshape(len(images), -1),
        lambda images: np.asfortranarray(images),
        lambda images: images.tolist(),
        lambda images: images / 255,
        lambda images: images / np.float32(255),
        lambda images: (images / 255).reshape(len(images), -1),
        lambda images: images.astype(np.int32),
        lambda images: images * 2.0 - 255,
    ],
)
def test_the_same_images_in_another_form_give_the_same(digits, form):
    plain = Classifier("dnn", epochs=1).fit(digits.train.images, digits.train.labels)
    other = Classifier("dnn", epochs=1).fit(form(digits.train.images), digits.train.labels)
    assert other.image_shape_ == (28, 28)
    assert other.n_features_in_ == 784
    assert np.array_equal(
        other.predict_proba(form(digits.test.images)[:20]), plain.predict_proba(digits.test.images[:20])
    )


def test_prediction_goes_by_the_range_of_fit_and_never_by_its_own(digits):
    classifier = Classifier("dnn", epochs=1).fit(digits.train.images / 255, digits.train.labels)
    dark = digits.test.images[:5] / 1000
    bright = digits.test.images[5:10] / 100
    together = classifier.predict_proba(np.concatenate([dark, bright]))
    assert classifier.range_ == (0.0, 1.0)
    assert np.array_equal(classifier.predict_proba(dark), together[:5])
    clipped = np.minimum(bright, 1)
    assert np.array_equal(classifier.predict_proba(clipped), together[5:])
    assert np.array_equal(
        classifier.predict_proba(digits.test.images[:9]), classifier.predict_proba(digits.test.images[:9] / 255)
    )


numbers = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.int8, np.bool_]).flatmap(
    lambda kind: npst.arrays(
        kind,
        st.tuples(st.integers(2, 8), st.integers(1, 4)),
        elements=None if np.dtype(kind).kind != "f" else {"allow_nan": False, "allow_infinity": False},
    )
)


@settings(max_examples=60, deadline=None)
@given(numbers)
def test_the_range_of_any_numbers_becomes_0_to_255_in_their_order(X):
    y = np.arange(len(X)) % 2
    images = Classifier("knn").fit(X, y).model_.tensors()["images"].reshape(X.shape)
    values, pixels = X.reshape(-1).astype(np.float64), images.reshape(-1).astype(int)
    assert pixels[values.argmin()] == 0
    assert pixels[values.argmax()] == (255 if values.max() > values.min() else 0)
    assert (np.diff(pixels[values.argsort()]) >= 0).all()


@pytest.mark.parametrize(
    ("n_features", "image_shape", "expected"),
    [(16, None, (4, 4)), (12, None, (1, 12)), (12, (3, 4), (3, 4)), (16, [2, 8], (2, 8)), (1, None, (1, 1))],
)
def test_rows_become_images(n_features, image_shape, expected):
    X = np.arange(4 * n_features, dtype=np.uint8).reshape(4, n_features)
    classifier = Classifier("knn", image_shape=image_shape).fit(X, [0, 1, 0, 1])
    assert classifier.image_shape_ == expected
    assert np.array_equal(classifier.model_.tensors()["images"], X.reshape(4, *expected))


def test_what_was_fitted_does_not_change_with_the_callers_array():
    X = np.arange(16, dtype=np.uint8).reshape(4, 4)
    classifier = Classifier("knn").fit(X, [0, 1, 0, 1])
    before = classifier.predict_proba(X.copy())
    images = X.copy()
    X[:] = 0
    assert np.array_equal(classifier.predict_proba(images), before)


# Pickling


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("copied", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_a_copy_reads_alike(read, digits, name, copied):
    again = copied(read[name])
    assert np.array_equal(again.predict_proba(digits.test.images), read[name].predict_proba(digits.test.images))
    assert again.get_params() == read[name].get_params()
    assert same_weights(again, read[name])


def test_what_is_not_fitted_can_be_pickled_too():
    again = pickle.loads(pickle.dumps(Classifier("dnn", epochs=3)))
    assert again.get_params() == Classifier("dnn", epochs=3).get_params()
    with pytest.raises(NotFittedError):
        again.predict(np.zeros((1, 4)))


def test_a_pickle_holds_arrays_and_no_tensors(read):
    assert b"torch" not in pickle.dumps(read["cnn-plus"])


# What is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": "alexnet"}, f"no model is called alexnet; choose among {', '.join(ZOO)}"),
        ({"model": ["cnn"]}, f"no model is called ['cnn']; choose among {', '.join(ZOO)}"),
        ({"epochs": 0}, "expected 1 or more as epochs, received 0"),
        ({"epochs": 1.5}, "expected a whole number as epochs, received 1.5"),
        ({"random_state": -1}, "expected 0 or more as seed, received -1"),
        ({"precision": "fp16"}, 'expected "bf16", "fp32" or None as precision, received \'fp16\''),
        ({"image_shape": 16}, "expected image_shape as (height, width), received 16"),
        ({"image_shape": (4, 4, 1)}, "expected image_shape as (height, width), received (4, 4, 1)"),
        ({"image_shape": (4, 5)}, "expected images of 4 × 5, as image_shape says, received 16 features"),
        ({"image_shape": (-4, -4)}, "expected images of -4 × -4, as image_shape says, received 16 features"),
    ],
)
def test_parameters_that_make_no_sense(refused, parameters, message):
    with refused(ConfigError, message):
        Classifier(**({"model": "dnn"} | parameters)).fit(np.eye(16), np.arange(16) % 2)


def test_an_image_shape_that_is_not_that_of_the_images(refused):
    with refused(ConfigError, "expected images of 8 × 2, as image_shape says, received images of 4 × 4"):
        Classifier("knn", image_shape=(8, 2)).fit(np.zeros((2, 4, 4)), [0, 1])


@pytest.mark.parametrize("kind", [InputError, DataError, BruitError, ValueError])
def test_one_class_is_refused_as_scikit_learn_and_as_bruit_do(kind):
    with pytest.raises(kind) as caught:
        Classifier("knn").fit(np.zeros((3, 4)), [7, 7, 7])
    assert str(caught.value) == "expected 2 classes or more in y, received 1 class, 7; add images of others"


@pytest.mark.parametrize("shape", [(4, 1, 2, 2), (4, 2, 2, 3), (4, 2, 2, 1, 1)])
def test_images_in_colour_or_of_other_dimensions(refused, shape):
    with refused(InputError, f"expected images as (N, H, W), (N, H, W, 1) or (N, features), received {shape}"):
        Classifier("knn").fit(np.zeros(shape), [0, 1, 0, 1])


def test_images_of_another_shape_than_in_fit(refused):
    classifier = Classifier("knn").fit(np.zeros((2, 4, 4)), [0, 1])
    assert classifier.predict(np.zeros((2, 16))).shape == (2,)
    with refused(InputError, "expected images of 4 × 4, as in fit, received 2 × 8"):
        classifier.predict(np.zeros((2, 2, 8)))
    with pytest.raises(ValueError, match="X has 9 features, but Classifier is expecting 16 features as input"):
        classifier.predict(np.zeros((2, 3, 3)))


def test_floats_are_refused_where_uint8_was_fitted(refused):
    """Their scale is unknown then: 0…1 would be read as black."""
    classifier = Classifier("knn").fit(np.eye(4, dtype=np.uint8) * 255, [0, 1, 0, 1])
    assert classifier.range_ is None
    assert np.array_equal(classifier.predict(np.eye(4, dtype=np.int64) * 255), [0, 1, 0, 1])
    message = "expected X as uint8, as in fit, received float64; convert it, or fit on floats"
    with refused(InputError, message):
        classifier.predict(np.eye(4))


@pytest.mark.parametrize("shape", [(0, 4, 4), (3, 0, 4)])
def test_no_images_or_pixels(shape):
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        Classifier("knn").fit(np.zeros(shape), np.arange(shape[0]) % 2)
