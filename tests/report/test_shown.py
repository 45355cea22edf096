"""The figures that notebooks show, of what the library's functions give."""

from __future__ import annotations

import numpy as np
import pytest

import bruit
from bruit.report.style import KNOWN
from bruit.training.crossval import CrossValidation, FoldFit


@pytest.fixture(scope="module")
def fitted(digits) -> bruit.Fit:
    return bruit.fit("dnn", digits.train, epochs=2)


@pytest.fixture(scope="module")
def figures(fitted, digits) -> dict:
    return bruit.evaluate(fitted.model, digits.test)


def test_images_have_a_row_for_each_class_that_is_there(digits) -> None:
    few = digits.train.subset(np.flatnonzero(digits.train.labels % 2)[:7])
    axes = bruit.plot_images(few, n=50, lang="en").axes[0]
    there = sorted({digits.classes[label] for label in few.labels})
    assert [tick.get_text() for tick in axes.get_yticklabels()] == there
    assert len(axes.get_xticklabels()) == few.counts[few.counts > 0].min()


@pytest.mark.parametrize("quantity", ["accuracy", "loss"])
def test_curves_are_those_of_the_history(fitted, quantity: str) -> None:
    training, validation = bruit.plot_curves(fitted, quantity, lang="en").axes[0].get_lines()
    scale = 100 if quantity == "accuracy" else 1
    for line, split in ((training, "train"), (validation, "validation")):
        assert line.get_ydata() == pytest.approx([scale * row[f"{split}_{quantity}"] for row in fitted.history])
        assert line.get_color() == KNOWN["dnn"].colour


def test_curves_of_a_cross_validation_are_those_of_its_folds(fitted) -> None:
    fold = FoldFit(0, 0, 60, 540, 0.5, 1.0, 1.0, fitted.history)
    nothing = np.empty(0)
    figure = bruit.plot_curves(CrossValidation("cnn", nothing, nothing, (fold,) * 3, ()), lang="en")
    assert len(figure.axes[0].get_lines()) == 2 * 3


def test_a_baseline_has_no_curve(digits, refused) -> None:
    fit = bruit.fit("logistic", digits.train)
    expected = "logistic is learned at once, without epochs: there is no curve to draw"
    with refused(bruit.DataError, expected):
        bruit.plot_curves(fit)
    with refused(bruit.ConfigError, "expected accuracy or loss, received speed"):
        bruit.plot_curves(fit, "speed")


def test_the_confusion_matrix_is_that_of_the_test(figures) -> None:
    words = [text.get_text() for text in bruit.plot_confusion(figures, "dnn", lang="en").axes[0].texts[::2]]
    assert words == [f"{count:,}" for row in figures["confusion"] for count in row if count]


def test_mistakes_are_shown_with_their_words(figures, digits, refused) -> None:
    figure = bruit.plot_mistakes(figures, digits.test, n=3, lang="en")
    captions = [text.get_text() for text in figure.axes[0].texts]
    for caption, mistake in zip(captions, figures["worst_mistakes"][:3], strict=True):
        assert caption.startswith(f"{mistake['true']} → {mistake['predicted']} · ")
    with refused(bruit.DataError, "there is no mistake to draw: all 1,200 images were read correctly"):
        bruit.plot_mistakes(figures | {"n": 1200, "worst_mistakes": []}, digits.test)


def test_accuracies_are_in_order_with_their_intervals(figures) -> None:
    better = figures | {"accuracy": 0.99, "accuracy_ci95": [0.98, 0.995]}
    axes = bruit.plot_accuracies({"dnn": figures, "cnn": better}, lang="en").axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["cnn", "dnn"]
    assert axes.get_lines()[0].get_xdata() == pytest.approx([98, 99.5])


def test_the_ground_is_opaque_for_a_notebook_of_any_colour(figures) -> None:
    assert bruit.plot_confusion(figures).get_facecolor()[3] == 1


def test_the_language_is_the_machine_s_unless_said(figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "fr")
    words = [text.get_text() for text in bruit.plot_confusion(figures).axes[0].texts]
    assert any("," in word and word.endswith("%") for word in words)
    assert not any("." in word for word in words)
    assert any("." in text.get_text() for text in bruit.plot_confusion(figures, lang="en").axes[0].texts)
