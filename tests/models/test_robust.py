"""The model that comes with bruit is what its card and its benchmark table say."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.evaluation.metrics import accuracy, ece
from bruit.files import read_json
from bruit.noise.draws import Draws
from bruit.noise.recipes import find
from bruit.noise.registry import applied

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FOLDER = Path(str(files("bruit"))) / "models" / "robust"
TOLD = read_json(FOLDER / "benchmark.json")


@pytest.fixture(scope="module")
def reader():
    return bruit.load_model(FOLDER / "robust.onnx")


def test_the_file_is_small_and_says_what_the_weights_say(reader) -> None:
    assert (FOLDER / "robust.onnx").stat().st_size <= 2_000_000
    images = bruit.load("mnist").test.images[:200]
    given, ours = (model.probabilities(images) for model in (reader, bruit.load_model("robust")))
    np.testing.assert_allclose(given, ours, atol=1e-4)


@pytest.mark.parametrize("name", TOLD["first"]["sets"])
def test_it_reads_as_well_as_it_is_said_to(reader, name: str) -> None:
    stated, few = TOLD["first"]["sets"][name], bruit.load("mnist").test.subset(slice(TOLD["first"]["n"]))
    recipe = find(name)
    probabilities = reader.probabilities(applied(recipe.make, few.images, Draws(0, recipe.stream, few.ids)))
    # Another processor rounds otherwise, which may decide an image that could be two digits.
    assert accuracy(probabilities, few.labels) == pytest.approx(stated["accuracy"], abs=1.01 / len(few))
    assert ece(probabilities, few.labels) == pytest.approx(stated["ece"], abs=3e-3)


def test_the_figures_of_all_images_go_with_those_of_the_first() -> None:
    whole, first = TOLD["figures"], TOLD["first"]
    assert (whole["n"], list(whole["sets"])) == (10_000, list(first["sets"]))
    for name, stated in whole["sets"].items():
        p = stated["accuracy"]
        spread = (max(p * (1 - p), 1e-3) / first["n"]) ** 0.5
        assert abs(first["sets"][name]["accuracy"] - p) < 4 * spread, name
    suite = whole["suites"]["mnist-c"]
    assert suite["accuracy"] == pytest.approx(np.mean([whole["sets"][name]["accuracy"] for name in suite["over"]]))
    assert suite["worst"]["accuracy"] == min(whole["sets"][name]["accuracy"] for name in suite["over"])


def test_the_card_has_the_figures_of_the_table() -> None:
    card = (FOLDER / "card.md").read_text(encoding="utf-8")
    for name, stated in TOLD["figures"]["sets"].items():
        row = re.search(rf"^\| {name} \| ([\d.]+) % .*\| ([\d.]+) % ", card, re.MULTILINE)
        assert row is not None, name
        assert (row[1], row[2]) == (f"{100 * stated['accuracy']:.2f}", f"{100 * stated['ece']:.2f}")
