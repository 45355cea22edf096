"""The small models that come with bruit: what is stated of them, measured again."""

from __future__ import annotations

import pytest

import bruit
from bruit.files import read_json
from bruit.seals import broken
from bruit.studies.places import SMALL, SMALL_NAMES

STATED = read_json(SMALL / "benchmark.json")["figures"]


@pytest.mark.parametrize("name", SMALL_NAMES)
def test_it_reads_as_well_as_its_card_says(name: str) -> None:
    first = bruit.load("mnist+course").test.subset(slice(500))
    assert bruit.evaluate(bruit.Reader.load(f"small/{name}"), first)["accuracy"] == pytest.approx(
        STATED[name]["first"], abs=0.0021
    )
    assert f"| `{name}` | {STATED[name]['parameters']:,} |" in (SMALL / "card.md").read_text("utf-8")


def test_they_are_as_they_were_written_and_small() -> None:
    assert broken(SMALL) == []
    assert sum(path.stat().st_size for path in SMALL.iterdir()) < 4e6


def test_they_are_models_wherever_a_model_is_named() -> None:
    model = bruit.load_model("small/cnn")
    assert (model.name, model.classes) == ("small/cnn", tuple("0123456789"))
    with pytest.raises(bruit.ModelError):
        bruit.Reader.load("small/knn")
