"""What is said of models under noise: no stronger than the intervals."""

from __future__ import annotations

from typing import Any

import bruit
from bruit.report.conclusion import WORDS, Speaker
from bruit.report.noise_words import seen_words, under_noise
from bruit.studies.evaluate import SEEN

MODELS = {"cnn": {"title": "CNN"}, "dnn": {"title": "DNN"}}
VALUES: dict[str, Any] = {
    "model": "cnn",
    "n": 500,
    "sets": 59,
    "clean": 0.98,
    "accuracy": 0.9,
    "ci95": [0.88, 0.92],
    "closest": {"name": "dnn", "difference": 0.02, "ci95": [0.01, 0.03], "clear": True},
    "hardest": "fog",
    "hardest_accuracy": 0.7,
    "next_hardest": {"name": "zigzag", "difference": 0.05, "ci95": [0.03, 0.07], "clear": True},
}


def said(lang: str = "en", **otherwise: Any) -> str:
    return " ".join(under_noise(VALUES | otherwise, Speaker(MODELS, lang)))


def open_(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "ci95": [-0.01, 0.05], "clear": False}


def test_a_clear_lead_is_called_one() -> None:
    text = said()
    assert text.startswith("“CNN” holds up best under noise: it reads 90.00% of the images on average")
    assert (
        "its lead over the closest, “DNN”, is 2.00 percentage points (simultaneous 95% interval +1.00 to +3.00)" in text
    )
    assert "What hurts it most is fog, under which it reads 70.00%; zigzag comes next" in text


def test_what_the_intervals_leave_open_is_not_claimed() -> None:
    text = said(closest=open_(VALUES["closest"]), next_hardest=open_(VALUES["next_hardest"]))
    assert "holds up best" not in text
    assert "it cannot be told apart from “DNN”" in text
    assert "though not surely more than zigzag does" in text


def test_one_model_and_one_corruption_are_compared_with_nothing() -> None:
    text = said(closest=None, next_hardest=None)
    assert "98.00% of the same images as they are." in text
    for word in ("best", "DNN", "hurts"):
        assert word not in text


def test_it_is_a_claim_of_the_conclusion_and_has_french() -> None:
    assert WORDS["under_noise"] is under_noise
    for values in (VALUES, VALUES | {"closest": None}, VALUES | {"closest": open_(VALUES["closest"])}):
        assert under_noise(values, Speaker(MODELS, "fr")) != under_noise(values, Speaker(MODELS, "en"))
    assert "résiste le mieux au bruit" in said("fr")


def test_names_of_models_are_escaped_in_a_page() -> None:
    speaker = Speaker({"cnn": {"title": "<script>"}, "dnn": {"title": "&"}}, "en", html=True)
    assert "<script>" not in "".join(under_noise(VALUES | {"hardest": "<b>"}, speaker))
    assert "<b>," not in "".join(under_noise(VALUES | {"hardest": "<b>"}, speaker))


def test_what_a_model_has_seen() -> None:
    def words(lang: str, *seen: str, augmented: bool = False) -> str:
        return seen_words({"seen": list(seen), "augmented": augmented}, lang)

    assert words("en") == "unknown"
    assert words("fr") == "inconnu"
    assert words("en", "unknown", "mine (mnist+fog)") == "unknown; mine (mnist+fog)"
    assert words("en", "mnist+course", augmented=True) == "mnist+course, changed at random (augmentation)"
    assert words("fr", SEEN).startswith("mnist, sans bruit et sous course")
    shipped = bruit.load_model("robust")
    assert (shipped.seen, shipped.augmented) == ((SEEN,), True)
