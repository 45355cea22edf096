"""Wrong labels are found by models that did not learn them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bruit.errors import ConfigError, DataError
from bruit.evaluation.labels import suspect_labels


def judged(n: int, accuracy: float, wrong: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(probabilities of a model of ten classes, labels of which `wrong` are wrong, those, the true classes)."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 10, n)
    read = np.where(rng.random(n) < accuracy, true, rng.integers(0, 10, n))
    scores = rng.gumbel(size=(n, 10))
    scores[np.arange(n), read] += np.where(read == true, 6 + 3 * rng.random(n), 3 * rng.random(n))
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    planted = rng.permutation(n)[:wrong]
    labels = true.copy()
    labels[planted] = (true[planted] + rng.integers(1, 10, wrong)) % 10
    return probs, labels, planted, true


@pytest.mark.parametrize("accuracy", [0.99, 0.95])
def test_planted_labels_come_first(accuracy: float) -> None:
    probs, labels, planted, true = judged(5000, accuracy, wrong=100)
    suspects, suggested, n = suspect_labels(probs, labels)
    assert np.isin(suspects[:50], planted).mean() >= 0.95  # precision at 50
    assert np.isin(suspects[:100], planted).mean() >= 0.85
    assert np.isin(planted, suspects[:100]).mean() >= 0.8  # recall at 100
    found = np.isin(suspects, planted)
    assert (suggested[found] == true[suspects[found]]).mean() >= 0.95
    assert n == len(suspects) < 5000 * (1 - accuracy) + 120


def test_a_model_that_agrees_suspects_nothing() -> None:
    labels = np.arange(100) % 10
    suspects, suggested, n = suspect_labels(np.eye(10)[labels] * 0.9 + 0.01, labels)
    assert len(suspects) == len(suggested) == n == 0


def test_where_few_are_suspect_the_least_sure_follow() -> None:
    probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.45, 0.55], [0.55, 0.45], [0.95, 0.05]])
    labels = np.array([0, 0, 1, 1, 1, 1])
    assert suspect_labels(probs, labels)[0].tolist() == [5, 4]
    suspects, suggested, n = suspect_labels(probs, labels, least=4)
    assert n == 2
    assert suspects.tolist() == [5, 4, 3, 1]
    assert suggested.tolist() == [0, 0, 0, 1]
    assert len(suspect_labels(probs, labels, least=100)[0]) == 6


def test_the_surest_comes_first() -> None:
    sure = np.array([0.02, 0.2, 0.1])
    probs = np.concatenate([np.full((6, 2), [0.7, 0.3]), np.full((6, 2), [0.3, 0.7]), np.stack([1 - sure, sure], 1)])
    suspects, _, _ = suspect_labels(probs, np.repeat([0, 1, 1], [6, 6, 3]))
    assert suspects.tolist() == [12, 14, 13]


@given(st.integers(0, 10**6), st.integers(0, 40))
def test_it_follows_images_and_classes(seed: int, wrong: int) -> None:
    """The order of images, and the names of classes, change nothing."""
    probs, labels, _, _ = judged(200, 0.9, wrong, seed)
    rng = np.random.default_rng(seed)
    rows, classes = rng.permutation(200), rng.permutation(10)
    suspects, suggested, _ = suspect_labels(probs, labels)
    again, renamed, _ = suspect_labels(probs[rows][:, classes], np.argsort(classes)[labels[rows]])
    assert set(zip(rows[again].tolist(), classes[renamed].tolist(), strict=True)) == set(
        zip(suspects.tolist(), suggested.tolist(), strict=True)
    )
    assert not (suggested == labels[suspects]).any()


def test_no_image_is_no_error() -> None:
    suspects, suggested, n = suspect_labels(np.empty((0, 3)), np.empty(0, np.int64))
    assert len(suspects) == len(suggested) == n == 0


def test_cleanlab_ranks_what_it_finds_then_what_it_trusts_least() -> None:
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    probs, labels, planted, _ = judged(2000, 0.97, wrong=60)
    suspects, suggested, n = suspect_labels(probs, labels, least=200, by="cleanlab")
    found, quality = find_label_issues(labels, probs, n_jobs=1), get_label_quality_scores(labels, probs)
    assert set(suspects[:n]) == set(np.flatnonzero(found))
    assert len(suspects) == max(n, 200)
    for part in (quality[suspects[:n]], quality[suspects[n:]]):
        assert (np.diff(part) >= 0).all()
    assert np.isin(planted, suspects).mean() >= 0.9
    assert not (suggested == labels[suspects]).any()


def test_a_way_to_rank_that_there_is_not(refused, monkeypatch: pytest.MonkeyPatch) -> None:
    probs, labels, _, _ = judged(20, 0.9, wrong=2)
    with refused(ConfigError, "expected one of margin, cleanlab to rank labels by, received 'luck'"):
        suspect_labels(probs, labels, by="luck")
    monkeypatch.setattr("bruit.evaluation.labels.find_spec", lambda name: None)
    with refused(ConfigError, "this ranking needs cleanlab: pip install cleanlab"):
        suspect_labels(probs, labels, by="cleanlab")


@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        (np.ones((3, 2)), [0, 1], "expected (N, C) probabilities and (N,) labels, received (3, 2) and (2,)"),
        (np.ones(3), [0, 1, 0], "expected (N, C) probabilities and (N,) labels, received (3,) and (3,)"),
        (np.ones((2, 2)), [0.5, 1], "expected (N, C) probabilities and (N,) labels, received (2, 2) and (2,)"),
        (np.ones((2, 2)), [0, 2], "expected labels in 0…1, received 0…2"),
    ],
)
def test_what_does_not_fit_is_refused(refused, probs: np.ndarray, labels: list[int], message: str) -> None:
    with refused(DataError, message):
        suspect_labels(probs, labels)
