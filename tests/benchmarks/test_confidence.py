"""benchmarks/confidence.py: noise that the shipped model has seen, and noise that it has not, are kept apart."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import bruit

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import confidence
from noisy_sets import readings

from bruit.noise.registry import MNIST_C


def test_what_it_has_seen_is_not_among_what_it_has_not() -> None:
    groups = confidence.sets()
    assert {name for name, _ in groups["seen"]} >= set(MNIST_C)
    assert not {name for name, _ in groups["unseen"]} & {name for name, _ in groups["seen"]}
    assert {severity for name, severity in groups["unseen"] if name == "gaussian_noise"} == {1, 2, 3, 4, 5}
    assert ("line", None) in groups["unseen"]


def test_sets_are_those_of_the_other_benchmarks(digits) -> None:
    reader, few = bruit.Reader.load(threads=1), digits.test.subset(slice(10))
    np.testing.assert_array_equal(confidence.reading(reader, few, "fog", None), readings(reader, few, ["fog"])[0])


def test_the_table_and_the_figure(digits, tmp_path, monkeypatch, capsys) -> None:
    groups = {"unseen": [("snow", 1), ("snow", 5)], "seen": [("clean", None)]}
    monkeypatch.setattr(confidence, "sets", lambda: groups)
    monkeypatch.setattr(sys, "argv", ["confidence.py", "--images", "60", "--figure", str(tmp_path / "curve.svg")])
    confidence.main()
    said = capsys.readouterr().out
    for row in ("| `snow` |", "| `clean` |", "| **all unseen** |", "| wrong, seen noise |"):
        assert row in said
    assert (tmp_path / "curve.svg").read_text("utf-8").startswith("<?xml")


def test_the_test_images_are_counted(tmp_path, monkeypatch, digits) -> None:
    counted: list[tuple[object, ...]] = []
    monkeypatch.setattr(confidence, "sets", lambda: {"unseen": [("snow", 1)], "seen": [("clean", None)]})
    monkeypatch.setattr(confidence, "record_test_evaluations", lambda *given: counted.append(given))
    monkeypatch.setattr(sys, "argv", ["confidence.py", "--images", "5", "--test"])
    confidence.main()
    ((_, script, model, n, _why),) = counted
    assert (script, model, n) == ("confidence.py", "robust", 2)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_row_says_what_is_read_surely(share: float) -> None:
    from bruit.evaluation.selective import risk_coverage

    n = int(10 * share)
    given = np.tile([0.6, 0.4], (10, 1))
    given[:n] = [0.99, 0.01]
    assert (
        confidence.row("`x`", risk_coverage(given, np.zeros(10, int))) == f"| `x` | 100.00% | {share:.1%} | 100.00% |"
    )
