import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bruit.errors import DataError
from bruit.evaluation import apply_temperature, ece, fit_temperature, log_probabilities, nll, without_temperature


def calibrated_sample(seed: int, n: int = 20_000, n_classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the very distribution that the labels are drawn from."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(n, n_classes))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, labels


@pytest.mark.parametrize("planted", [0.3, 1.0, 2.5, 8.0])
def test_recovers_a_planted_temperature_and_calibrates(planted: float) -> None:
    logits, labels = calibrated_sample(seed=7)
    fitted = fit_temperature(planted * logits, labels)
    assert fitted == pytest.approx(planted, rel=0.03)
    assert ece(apply_temperature(planted * logits, fitted), labels) < 0.015


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20), st.integers(2, 26))
@settings(deadline=None, max_examples=50)
def test_no_temperature_changes_the_answer(seed: int, temperature: float, n_classes: int) -> None:
    logits = np.random.default_rng(seed).normal(scale=3, size=(20, n_classes))
    probs = apply_temperature(logits, temperature)
    assert probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(probs.argmax(axis=1), logits.argmax(axis=1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(deadline=None, max_examples=50)
def test_fitting_never_raises_the_nll_of_the_images_it_sees(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(scale=4, size=(n, 5)), rng.integers(5, size=n)
    fitted = fit_temperature(logits, labels)
    assert 0.05 <= fitted <= 20
    before, after = (nll(apply_temperature(logits, t), labels) for t in (1.0, fitted))
    assert after <= before + 1e-5


def test_a_shift_of_a_row_or_log_probabilities_give_the_same_temperature() -> None:
    logits, labels = calibrated_sample(seed=1, n=2_000)
    expected = fit_temperature(3 * logits, labels)
    assert fit_temperature(3 * logits + np.arange(2_000)[:, None], labels) == pytest.approx(expected, rel=1e-4)
    probs = apply_temperature(3 * logits, 1.0).astype(np.float64)
    assert fit_temperature(np.log(np.maximum(probs, 1e-300)), labels) == pytest.approx(expected, rel=1e-3)


def test_all_right_says_nothing_and_all_wrong_flattens() -> None:
    sure = np.array([[9.0, 0.0], [0.0, 9.0]])
    assert fit_temperature(sure, np.array([0, 1])) == 1.0
    assert fit_temperature(sure[:1], np.array([0])) == 1.0
    assert fit_temperature(sure, np.array([1, 0])) == pytest.approx(20, rel=1e-3)


def test_extreme_logits_do_not_overflow() -> None:
    logits = np.array([[1e4, -1e4], [-1e4, 1e4], [1e4, -1e4]])
    assert np.isfinite(apply_temperature(logits, 0.05)).all()
    assert fit_temperature(logits, np.array([0, 1, 1])) == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_a_temperature_can_be_taken_out_again(temperature: float) -> None:
    logits, labels = calibrated_sample(seed=2, n=2_000)
    stored = apply_temperature(logits, temperature)
    without = without_temperature(stored, temperature)
    np.testing.assert_allclose(without, apply_temperature(logits, 1.0), atol=1e-5)
    assert nll(without, labels) == pytest.approx(nll(apply_temperature(logits, 1.0), labels), rel=1e-5)


def test_log_probabilities_of_zero_are_finite() -> None:
    logs = log_probabilities(np.array([[0.0, 1.0], [0.75, 0.25]], dtype=np.float32))
    assert logs[0, 0] == pytest.approx(-87.3365, rel=1e-5)
    np.testing.assert_allclose(np.exp(logs), [[0, 1], [0.75, 0.25]], atol=1e-30)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        (np.zeros((2, 3)), np.zeros(3, dtype=int)),
        (np.zeros((2, 3)), np.array([0, 3])),
        (np.array([[0.0, -np.inf]]), np.array([0])),
        (np.zeros((0, 3)), np.zeros(0, dtype=int)),
    ],
)
def test_scores_that_do_not_fit_are_refused(scores: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(DataError) as caught:
        fit_temperature(scores, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_temperatures_are_refused(temperature: float) -> None:
    with pytest.raises(DataError, match="temperature above 0"):
        apply_temperature(np.zeros((1, 2)), temperature)
