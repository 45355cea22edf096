"""Abstaining: what is left, and how wrong it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bruit.evaluation.selective import risk_coverage

FOUR = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55]])


def test_the_most_confident_are_read_first() -> None:
    told = risk_coverage(FOUR, [0, 1, 1, 1])
    np.testing.assert_allclose(told.confidence, [0.9, 0.8, 0.6, 0.55])
    np.testing.assert_allclose(told.coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(told.risk, [0, 0, 1 / 3, 1 / 4])
    assert told.at_coverage(0.5) == 0
    assert told.at_coverage(0.51) == pytest.approx(1 / 3)
    assert told.at_confidence(0.6) == pytest.approx((0.75, 1 / 3))
    assert told.at_confidence(0.95) == (0, 0)


def test_no_order_of_the_images_flatters() -> None:
    alike = np.tile([0.7, 0.3], (4, 1))
    for labels in ([0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]):
        np.testing.assert_allclose(risk_coverage(alike, labels).risk, [1, 1, 2 / 3, 1 / 2])


@given(
    scores=arrays(float, (30, 3), elements=st.floats(0.01, 1)),
    labels=arrays(int, 30, elements=st.integers(0, 2)),
    share=st.floats(0, 1),
)
def test_reading_all_is_the_error(scores, labels, share) -> None:
    likely = scores / scores.sum(1, keepdims=True)
    told = risk_coverage(likely, labels)
    assert told.risk[-1] == pytest.approx((likely.argmax(1) != labels).mean())
    assert told.coverage[-1] == 1
    assert (np.diff(told.confidence) <= 0).all()
    wrong = told.risk * np.arange(1, 31)
    assert set(np.rint(np.diff(wrong))) <= {0, 1}
    assert 0 <= told.at_coverage(share) <= 1
