import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from bruit.errors import DataError
from bruit.evaluation import metrics


def random_case(seed: int, n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(n_classes, 0.3), size=n).astype(np.float32)
    return probs, rng.integers(n_classes, size=n)


cases = st.builds(random_case, st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 26))


def one_hot(predictions: list[int], n_classes: int) -> np.ndarray:
    return np.eye(n_classes, dtype=np.float32)[predictions]


def test_import_stays_light() -> None:
    code = "import sys, bruit.evaluation; sys.exit(bool({'torch', 'sklearn', 'scipy.stats'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wilson_published_example() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I: 81/263, 15/148, 0/20 and 1/29, method 3.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (k, n), expected in published.items():
        assert metrics.wilson_interval(k, n) == pytest.approx(expected, abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.999))
@settings(deadline=None)
def test_wilson_agrees_with_scipy_and_contains_the_estimate(counts: tuple[int, int], level: float) -> None:
    k, n = counts
    low, high = metrics.wilson_interval(k, n, level)
    expected = binomtest(k, n).proportion_ci(level, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(("k", "n", "level"), [(1, 0, 0.95), (3, 2, 0.95), (-1, 5, 0.95), (1, 2, 95)])
def test_wilson_refuses_impossible_counts(k: int, n: int, level: float) -> None:
    with pytest.raises(DataError, match=rf"k={k}, n={n}"):
        metrics.wilson_interval(k, n, level)


def test_accuracy_takes_the_first_class_on_a_tie() -> None:
    probs = np.array([[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]])
    assert metrics.accuracy(probs, np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_nll_by_hand_and_clipped() -> None:
    probs = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert metrics.nll(probs, np.array([0, 1])) == pytest.approx((np.log(4) + np.log(2)) / 2)
    assert metrics.nll(one_hot([1], 2), np.array([0])) == pytest.approx(-np.log(np.finfo(np.float32).eps))
    assert metrics.nll(one_hot([1], 2), np.array([1])) == 0


def test_ece_by_hand() -> None:
    # Confidences 0.90 and 0.92 share bin (13/15, 14/15]: mean 0.91, one of two right; 0.55 is alone and right.
    probs = np.array([[0.90, 0.10], [0.92, 0.08], [0.45, 0.55]])
    labels = np.array([0, 1, 1])
    assert metrics.ece(probs, labels) == pytest.approx((2 * abs(0.91 - 0.5) + abs(0.55 - 1)) / 3)
    rows = metrics.reliability(probs, labels)
    assert [row["n"] for row in rows] == [0] * 8 + [1] + [0] * 4 + [2, 0]
    assert rows[13] == pytest.approx({"low": 13 / 15, "high": 14 / 15, "n": 2, "confidence": 0.91, "accuracy": 0.5})
    assert rows[0]["confidence"] is None
    assert rows[0]["accuracy"] is None


def test_bins_are_closed_above() -> None:
    confidence = np.array([0.6, np.nextafter(0.6, 1), 1.0])
    probs = np.stack([confidence, 1 - confidence], axis=1)
    counts = [row["n"] for row in metrics.reliability(probs, np.zeros(3, dtype=int))]
    assert (counts[8], counts[9], counts[14]) == (1, 1, 1)


@pytest.mark.parametrize("n_classes", [2, 10, 26])
@pytest.mark.parametrize("right", [True, False])
def test_sure_of_everything(n_classes: int, right: bool) -> None:
    labels = np.arange(n_classes)
    probs = one_hot(list(labels if right else np.roll(labels, 1)), n_classes)
    assert metrics.accuracy(probs, labels) == right
    assert metrics.ece(probs, labels) == pytest.approx(0 if right else 1)
    assert len(metrics.worst_mistakes(probs, labels, labels, [str(i) for i in labels])) == (
        0 if right else min(n_classes, 25)
    )


@given(cases)
@settings(deadline=None)
def test_bounds_and_order_of_images_does_not_matter(case: tuple[np.ndarray, np.ndarray]) -> None:
    probs, labels = case
    shuffled = np.random.default_rng(0).permutation(len(labels))
    for metric in (metrics.accuracy, metrics.ece, metrics.nll):
        value = metric(probs, labels)
        assert value >= 0
        assert metric(probs[shuffled], labels[shuffled]) == pytest.approx(value)
    assert metrics.ece(probs, labels) <= 1
    rows = metrics.reliability(probs, labels)
    assert sum(row["n"] for row in rows) == len(labels)
    assert all(row["low"] - 1e-7 <= row["confidence"] <= row["high"] + 1e-7 for row in rows if row["n"])


@given(cases)
@settings(deadline=None)
def test_renaming_classes_changes_no_total(case: tuple[np.ndarray, np.ndarray]) -> None:
    probs, labels = case
    n_classes = probs.shape[1]
    new_place = np.random.default_rng(1).permutation(n_classes)
    renamed = np.empty_like(probs)
    renamed[:, new_place] = probs
    assert metrics.accuracy(renamed, new_place[labels]) == metrics.accuracy(probs, labels)
    assert metrics.nll(renamed, new_place[labels]) == pytest.approx(metrics.nll(probs, labels))
    assert metrics.ece(renamed, new_place[labels]) == pytest.approx(metrics.ece(probs, labels))


def test_confusion_and_per_class_agree_with_scikit_learn() -> None:
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    labels, predictions = rng.integers(9, size=(2, 300))  # class 9 of 10 is neither true nor predicted
    confusion = metrics.confusion_matrix(labels, predictions, 10)
    every = list(range(10))
    np.testing.assert_array_equal(confusion, sklearn_metrics.confusion_matrix(labels, predictions, labels=every))
    expected = sklearn_metrics.precision_recall_fscore_support(labels, predictions, labels=every, zero_division=0)
    rows = metrics.per_class(confusion, [str(i) for i in every])
    received = [[row[key] for row in rows] for key in ("precision", "recall", "f1", "support")]
    np.testing.assert_allclose(received, expected)


def test_per_class_by_hand_with_an_absent_class() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 3)
    np.testing.assert_array_equal(confusion, [[2, 1, 0], [0, 1, 0], [0, 0, 0]])
    a, b, absent = metrics.per_class(confusion, ["a", "b", "c"])
    assert a == pytest.approx({"class": "a", "precision": 1, "recall": 2 / 3, "f1": 0.8, "support": 3})
    assert b == pytest.approx({"class": "b", "precision": 0.5, "recall": 1, "f1": 2 / 3, "support": 1})
    assert absent == {"class": "c", "precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_most_confused_in_order_without_the_right_ones() -> None:
    confusion = np.array([[50, 2, 0], [3, 40, 2], [0, 0, 30]])
    pairs = metrics.most_confused(confusion, ["a", "b", "c"])
    assert [(p["true"], p["predicted"], p["count"]) for p in pairs] == [("b", "a", 3), ("a", "b", 2), ("b", "c", 2)]
    assert pairs[0]["fraction_of_true"] == pytest.approx(3 / 45)
    assert metrics.most_confused(confusion, ["a", "b", "c"], top=1) == pairs[:1]
    assert metrics.most_confused(np.diag([4, 4]), ["a", "b"]) == []


def test_worst_mistakes_are_the_surest_errors() -> None:
    probs = np.array([[0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.1, 0.9]])
    rows = metrics.worst_mistakes(probs, np.array([0, 0, 0, 0]), np.array([70, 71, 72, 73]), ["no", "yes"])
    assert [(row["index"], row["id"]) for row in rows] == [(2, 72), (3, 73), (1, 71)]
    assert rows[0] == {"index": 2, "id": 72, "true": "no", "predicted": "yes", "confidence": 0.9}
    assert len(metrics.worst_mistakes(probs, np.zeros(4, dtype=int), np.arange(4), ["no", "yes"], top=2)) == 2


@pytest.mark.parametrize(
    ("probs", "labels", "complaint"),
    [
        (np.zeros((0, 10)), np.zeros(0, dtype=int), r"shape \(0, 10\)"),
        (np.full(10, 0.1), np.zeros(10, dtype=int), r"shape \(10,\)"),
        (np.full((2, 2), 0.5), np.zeros(3, dtype=int), r"expected 2 integer labels"),
        (np.full((2, 2), 0.5), np.zeros(2), r"of float64"),
        (np.full((2, 2), 0.5), np.array([0, 2]), r"labels in 0…1 .* received 0…2"),
        (np.full((2, 2), 0.5), np.array([-1, 0]), r"received -1…0"),
        (np.array([[np.nan, 0.5]]), np.array([0]), "NaN"),
        (np.array([[3.0, -2.0]]), np.array([0]), "softmax"),
        (np.array([["a", "b"]]), np.array([0]), "real numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_one_line(probs: np.ndarray, labels: np.ndarray, complaint: str) -> None:
    for metric in (metrics.accuracy, metrics.nll, metrics.ece):
        with pytest.raises(DataError, match=complaint) as caught:
            metric(probs, labels)
        assert "\n" not in str(caught.value)


def test_confusion_refuses_what_does_not_fit() -> None:
    with pytest.raises(DataError, match="as many predictions"):
        metrics.confusion_matrix(np.array([0, 1]), np.array([0]), 2)
    with pytest.raises(DataError, match=r"predictions in 0…1, received 0…2"):
        metrics.confusion_matrix(np.array([0, 1]), np.array([0, 2]), 2)
