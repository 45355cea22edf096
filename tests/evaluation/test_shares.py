"""How many images of each class there are, from a classifier's probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.evaluation.shares import RESAMPLES, class_shares

# What a classifier says of an image of each class, and how often: the likeliest class is the wrong one for a tenth.
SAYS = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]])


def judged(shares: list[float], n: int, seed: int = 0) -> np.ndarray:
    """Probabilities of a calibrated classifier that sees one of three signs, by SAYS, of each of n images."""
    draw = np.random.default_rng(seed)
    truth = draw.choice(3, n, p=shares)
    signs = np.array([draw.choice(3, p=SAYS[label]) for label in truth])
    return SAYS.T[signs] / SAYS.T[signs].sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shares", [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
def test_it_undoes_what_the_classifier_confuses(shares) -> None:
    probabilities = judged(shares, 8000)
    found, resampled = class_shares(probabilities)
    assert found == pytest.approx(shares, abs=0.04)
    assert resampled.shape == (RESAMPLES, 3)
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    assert ((low <= found) & (found <= high)).all()
    # Counting the likeliest classes would be off by far more where the classes are not equally frequent.
    counted = np.bincount(probabilities.argmax(axis=1), minlength=3) / len(probabilities)
    if max(shares) > 0.9:
        assert abs(counted - shares).max() > 0.2


def test_shares_and_their_resamples_sum_to_one_and_more_images_narrow_them() -> None:
    few, many = (class_shares(judged([0.2, 0.3, 0.5], n)) for n in (200, 5000))
    for found, resampled in (few, many):
        assert found.sum() == pytest.approx(1)
        assert resampled.sum(axis=1) == pytest.approx(1)
    assert many[1].std(axis=0).max() < few[1].std(axis=0).max() / 2


def test_the_same_probabilities_give_the_same_and_one_image_will_do() -> None:
    probabilities = judged([0.2, 0.3, 0.5], 300)
    assert np.array_equal(class_shares(probabilities)[1], class_shares(probabilities)[1])
    found, resampled = class_shares(np.array([[0.0, 1.0, 0.0]], np.float32))
    assert found.tolist() == [0, 1, 0]
    assert (resampled == found).all()
