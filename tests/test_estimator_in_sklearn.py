"""bruit.Classifier among scikit-learn's tools: its checks, cross-validation, searches, calibration and pipelines."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from bruit import Classifier
from bruit.models.zoo import ZOO


@parametrize_with_checks([Classifier(name, epochs=2 if ZOO[name].recipe else None) for name in ZOO])
def test_scikit_learns_own_checks(estimator: Classifier, check: partial[None]) -> None:
    if check.func.__name__ == "check_classifiers_train":
        # Three clouds of 300 points are to be told apart: for that the recipes' own epochs have to be enough. The same
        # check, on arrays of other kinds, is quicker.
        estimator.set_params(epochs=30 if check.keywords else None)
    check(estimator)


def test_cross_val_score_is_the_same_with_one_worker_and_two(digits):
    classifier = Classifier("dnn-plus", epochs=6)
    one, two = (
        cross_val_score(classifier, digits.train.images, digits.train.labels, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert np.array_equal(one, two)
    assert one.min() > 0.4  # chance is 0.1


def test_grid_search_over_model_and_epochs(digits):
    search = GridSearchCV(Classifier(), {"model": ["logistic", "dnn"], "epochs": [1, 4]}, cv=2)
    search.fit(digits.train.images, digits.train.labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert set(search.best_params_) == {"model", "epochs"}
    assert search.score(digits.test.images, digits.test.labels) > 0.6


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_classifier(digits, method):
    calibrated = CalibratedClassifierCV(Classifier("dnn", epochs=4), method=method, cv=2)
    probabilities = calibrated.fit(digits.train.images, digits.train.labels).predict_proba(digits.test.images)
    assert probabilities.shape == (200, 10)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == digits.test.labels).mean() > 0.6


def test_in_a_pipeline(digits):
    inverted = make_pipeline(FunctionTransformer(np.invert), Classifier("logistic"))
    inverted.fit(digits.train.images, digits.train.labels)
    plain = Classifier("logistic").fit(255 - digits.train.images, digits.train.labels)
    assert np.array_equal(inverted.predict_proba(digits.test.images), plain.predict_proba(255 - digits.test.images))


def test_parameters_are_kept_as_they_are_given():
    classifier = Classifier("cnn", epochs=3, random_state=7, image_shape=(2, 3), precision="fp32")
    parameters = {"model": "cnn", "epochs": 3, "random_state": 7, "image_shape": (2, 3), "precision": "fp32"}
    assert classifier.get_params() == clone(classifier).get_params() == parameters
    assert Classifier().set_params(**parameters).get_params() == parameters
