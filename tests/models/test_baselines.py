import numpy as np
import pytest

from bruit.data.dataset import Dataset
from bruit.models.baselines import Logistic, Neighbours
from bruit.training.fit import fit


@pytest.mark.parametrize("name", ["logistic", "knn"])
def test_they_beat_chance_by_far_on_clean_digits(digits, zoo, name):
    probabilities = zoo[name].probabilities(digits.test.images)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (probabilities > 0).all()
    assert (probabilities.argmax(axis=1) == digits.test.labels).mean() > 0.75


@pytest.mark.parametrize("name", ["logistic", "knn"])
def test_they_beat_chance_on_noisy_digits(noisy, name):
    model = fit(name, noisy.train).model
    assert (model.probabilities(noisy.test.images).argmax(axis=1) == noisy.test.labels).mean() > 0.16  # 3 deviations


@pytest.mark.parametrize("config", [Logistic(), Neighbours()])
def test_two_classes(digits, config):
    few = digits.train.subset(digits.train.labels < 2)
    two = Dataset(few.images, few.labels, ("0", "1"), few.ids)
    scores = config.log_probabilities(config.learn(two), two.images, 2)
    assert scores.shape == (120, 2)
    assert (scores.argmax(axis=1) == two.labels).mean() > 0.98


def test_logistic_regression_is_scikit_learns(digits):
    from sklearn.linear_model import LogisticRegression

    for n_classes in (2, 3):
        few = digits.train.subset(digits.train.labels < n_classes)
        some = Dataset(few.images, few.labels, tuple("012"[:n_classes]), few.ids)
        config = Logistic(regularisation=0.1, iterations=1000)
        scores = config.log_probabilities(config.learn(some), some.images, n_classes)
        theirs = LogisticRegression(C=1 / 0.1 / len(some), max_iter=1000, tol=1e-3)
        rows = (some.images / 255).reshape(len(some), -1)
        expected = theirs.fit(rows, some.labels).predict_proba(rows)
        ours = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        assert np.allclose(ours, expected, atol=0.01)


def test_stronger_regularisation_gives_smaller_weights(digits):
    weak, strong = (np.abs(Logistic(regularisation=r).learn(digits.train)["weights"]).mean() for r in (1e-3, 10))
    assert strong < weak / 3


def test_neighbours_votes_by_hand():
    images = np.array([[[0]], [[10]], [[40]], [[255]]], np.uint8)
    config = Neighbours(k=3)
    learned = config.learn(Dataset(images, np.array([0, 1, 1, 2]), ("a", "b", "c"), np.arange(4)))
    shares = np.exp(config.log_probabilities(learned, np.array([[[20]]], np.uint8), 3))[0]
    # At distances 20, 10 and 20 the votes weigh 1, 2 and 1, and a vote more is shared among the three classes.
    assert shares == pytest.approx([(3 * 1 / 4 + 1 / 3) / 4, (3 * 3 / 4 + 1 / 3) / 4, (1 / 3) / 4], rel=1e-5)


def test_fewer_images_than_neighbours():
    images = np.array([[[0]], [[200]]], np.uint8)
    config = Neighbours(k=5)
    learned = config.learn(Dataset(images, np.array([0, 1]), ("a", "b"), np.arange(2)))
    scores = config.log_probabilities(learned, np.array([[[10]], [[190]]], np.uint8), 2)
    assert scores.argmax(axis=1).tolist() == [0, 1]


def test_a_class_that_was_never_seen_is_not_impossible(digits):
    few = digits.train.subset(digits.train.labels != 4)
    shares = np.exp(Neighbours().log_probabilities(Neighbours().learn(few), digits.test.images, 10))
    assert shares.shape == (200, 10)
    assert shares[:, 4] == pytest.approx(1 / 60)
