"""Which models a server offers."""

from __future__ import annotations

import numpy as np
import pytest

from bruit.report.style import KNOWN
from bruit.serving import models
from bruit.serving.models import open_shelf
from bruit.serving.pages import WEB
from bruit.serving.refusal import RequestError
from bruit.serving.words import WORDS


def test_without_a_run_the_models_that_come_with_bruit_are_offered() -> None:
    shelf = open_shelf()
    assert [one.name for one in shelf] == ["robust", "dnn", "dnn-plus", "cnn", "cnn-plus"]
    assert shelf.find("cnn").reader.probabilities(np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)
    assert shelf.find(None).name == shelf.first.name == "robust"
    with pytest.raises(RequestError, match="no model is called knn; there are robust, dnn, dnn-plus, cnn, cnn-plus"):
        shelf.find("knn")


def test_models_are_called_and_look_as_in_the_report() -> None:
    script = (WEB / "show.js").read_text("utf-8")
    for name in models.SMALL_NAMES:
        assert f"model.{name}" in WORDS
        assert KNOWN[name].colour in script
