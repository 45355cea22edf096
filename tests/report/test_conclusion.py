import copy
import json
import re
from importlib.resources import files

import pytest

from bruit.report.conclusion import WORDS, sentences, verdict

SCHEMA = json.loads((files("bruit.studies") / "results.schema.json").read_text("utf-8"))
MODELS = {name: {"title": name.upper()} for name in ("a", "b")}
WINNER = {
    "model": "a", "accuracy": 0.98864, "ci95": [0.9863, 0.9905], "n": 10000, "runner_up": "b", "difference": 0.0312,
    "ci95_difference": [0.028, 0.035], "p_holm": 1e-9,
}  # fmt: skip
DEPENDENCE = {
    "model": "a", "k": 5, "mean": 0.9881, "std": 0.0012, "binomial_std": 0.001, "seed_std": 0.0008,
    "verdict": "no_more_than_chance", "test_std": 0.0005, "spread": 0.003,
}  # fmt: skip


def say(key: str, html: bool = False, **values) -> str:
    claim = {"key": key, "values": values}
    text = " ".join(sentences({"models": MODELS, "conclusion": [claim]}, html=html)[0])
    return text.replace("\u00a0", " ")


def against(key: str, difference: float, p: float) -> str:
    names = {"families": {"best_dense": "a", "best_convolutional": "b"}, "improved": {"base": "a", "plus": "b"}}
    interval = [difference - 0.01, difference + 0.01]
    return say(key, **names[key], difference=difference, ci95_difference=interval, p=p)


def test_every_claim_of_a_study_has_words(study):
    said = sentences(study.results)
    assert len(said) == len(study.results["conclusion"])
    assert all(sentence and "%(" not in sentence and "%%" not in sentence for claim in said for sentence in claim)


def test_a_claim_without_words_is_an_error():
    with pytest.raises(KeyError, match="no_such_claim"):
        say("no_such_claim")


def test_a_clear_winner_is_said_with_its_certainty():
    text = say("winner_clear", **WINNER)
    assert "“A” reads 98.86% of the 10,000 test images correctly (95% interval 98.63–99.05%)" in text
    assert "significantly better than every other model" in text
    assert "3.12 percentage points (95% interval +2.80 to +3.50" in text
    assert "p < 0.001" in text


def test_a_model_from_outside_is_said_to_be_no_candidate():
    values = {"model": "b", "winner": "a", "accuracy": 0.9, "ci95_difference": [-0.02, 0.03]}
    tied = say("outside", **values, difference=0.005, p_holm=0.4)
    assert "“B”, brought from outside, reads 90.00% of the test images; it cannot be told apart from “A”" in tied
    behind = say("outside", **values | {"ci95_difference": [0.01, 0.03]}, difference=0.02, p_holm=0.001)
    assert "significantly fewer than “A”, by 2.00 percentage points (95% interval +1.00 to +3.00" in behind
    ahead = say("outside", **values | {"ci95_difference": [-0.03, -0.01]}, difference=-0.02, p_holm=0.001)
    assert "significantly more than “A”, by 2.00 percentage points (95% interval +1.00 to +3.00" in ahead
    for text in (tied, behind, ahead):
        assert "What it was trained on is unknown: if it has seen these images, its figures flatter it." in text


def test_a_tie_is_not_called_better():
    text = say("winner_tied", **WINNER | {"difference": -0.0001, "ci95_difference": [-0.002, 0.002], "p_holm": 0.81})
    assert "cannot be told apart from “B”" in text
    assert "−0.01 percentage points (95% interval −0.20 to +0.20)" in text
    assert "p = 0.810" in text
    assert "better" not in text


def test_an_overtaken_winner_is_said_to_be():
    text = say("winner_overtaken", **WINNER | {"difference": -0.01, "ci95_difference": [-0.014, -0.006]})
    assert "on the test images “B” is significantly better" in text


@pytest.mark.parametrize(
    ("key", "difference", "p", "expected"),
    [
        (
            "families",
            0.05,
            0.001,
            "best convolutional network, “B”, is significantly more accurate than the best dense",
        ),
        ("families", -0.05, 0.001, "best dense network, “A”, is significantly more accurate than the best conv"),
        ("families", 0.05, 0.05, "cannot be told apart"),
        ("improved", 0.05, 0.049, "“B” is significantly more accurate than “A”, by 5.00"),
        ("improved", -0.05, 0.001, "“B” is significantly less accurate than “A”, by 5.00"),
        ("improved", 0.05, 0.2, "no significant difference"),
    ],
)
def test_words_follow_sign_and_p(key, difference, p, expected):
    assert expected in against(key, difference, p)


def test_an_interval_is_that_of_the_difference_as_it_is_said():
    assert "+4.00 to +6.00" in against("families", -0.05, 0.001)
    assert "+4.00 to +6.00" in against("improved", -0.05, 0.001)
    assert "−6.00 to −4.00" in against("families", -0.05, 0.5)
    assert "+1.00 to +3.00" in say("folds_differ", a="a", b="b", k=5, difference=-0.02, ci95=[-0.03, -0.01], p=0.01)


@pytest.mark.parametrize(
    ("p", "expected"), [(0.01, "“B” is significantly better than “A”"), (0.3, "do not differ sig")]
)
def test_folds(p, expected):
    assert expected in say("folds_differ", a="a", b="b", k=5, difference=-0.02, ci95=[-0.03, -0.01], p=p)


@pytest.mark.parametrize(
    ("verdict_key", "expected"),
    [
        (
            "no_more_than_chance",
            "With so few folds and seeds, no dependence of “A” on its training sample could be shown, and none ruled "
            "out.",
        ),
        ("small_but_real", "“A” depends on its training sample a little more than chance"),
        ("depends", "“A” depends on its training sample, by more than chance"),
        ("unknown", "so few folds cannot say"),
    ],
)
def test_dependence_on_the_sample(verdict_key, expected):
    text = say("sample_dependence", **DEPENDENCE | {"verdict": verdict_key})
    assert expected in text
    assert "98.81%" in text
    assert "standard deviation of 0.10, and another random seed on the same images gives 0.08" in text
    assert "small" not in text


@pytest.mark.parametrize("verdict_key", ["small_but_real", "depends"])
def test_without_other_seeds_a_spread_may_be_theirs(verdict_key):
    text = say("sample_dependence", **DEPENDENCE | {"verdict": verdict_key, "seed_std": None})
    assert "was not measured" in text
    assert "whether by their training sample or by their seed cannot be said" in text
    assert "depends" not in text


def test_calibration():
    text = say("calibration", model="a", ece=0.0035, ece_uncalibrated=0.012, temperature=1.07)
    assert "0.35%" in text
    assert "1.20% without its temperature of 1.07" in text


def test_names_are_escaped_in_html_and_only_there():
    results = {"models": {"a": {"title": "<i>A</i>"}}, "conclusion": [{"key": "winner_only", "values": WINNER}]}
    assert verdict(results)[0].startswith("“<i>A</i>” reads")
    assert verdict(results, html=True)[0].startswith("<b>&lt;i&gt;A&lt;/i&gt;</b> reads")


def test_the_verdict_is_the_claim_about_the_winner(study):
    results = copy.deepcopy(study.results)
    assert verdict(results) == sentences(results)[0]
    results["conclusion"] = [claim for claim in results["conclusion"] if not claim["key"].startswith("winner")]
    assert verdict(results) == []


def test_every_sentence_passes_through_the_catalogue(monkeypatch, study):
    """A translator that marks what it is given leaves no sentence unmarked."""
    from bruit.report import conclusion

    class Marking:
        def gettext(self, message: str) -> str:
            return f"⟦{message}⟧"

    monkeypatch.setattr(conclusion, "translator", lambda lang: Marking())
    for claim in sentences(study.results):
        assert all(re.fullmatch("⟦.*⟧", sentence) for sentence in claim)
    assert {claim["key"] for claim in study.results["conclusion"]} <= set(WORDS)


AHEAD = {
    "times": 2, "n": 108_000, "accuracy": 0.9911, "accuracy_ci95": [0.987, 0.993], "gain": 0.0021,
    "gain_ci95": [0.0015, 0.0032],
}  # fmt: skip
CURVE = {"model": "a", "doubts": [], "n": 54_000, "accuracy": 0.989, "prediction": AHEAD}


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("helps", "More images like these would help “A”. "),
        ("hardly", "More images like these would hardly help “A”. "),
        ("open", "More images like these may help “A”; by how much is open. "),
    ],
)
def test_what_more_images_would_bring_is_said_with_its_interval(verdict, expected):
    text = say("more_images", **CURVE | {"verdict": verdict})
    assert text.startswith(expected)
    assert "twice as many, 108,000" in text
    assert "0.21 percentage points more" in text
    assert "(95% interval +0.15 to +0.32): 99.11% instead of 98.90%." in text


def test_a_curve_that_cannot_be_trusted_foretells_nothing_and_says_why():
    """Every doubt that there is has words of its own."""
    doubts = SCHEMA["$defs"]["doubts"]["items"]["enum"]
    texts = [
        say("more_images", **CURVE | {"verdict": "unknown", "doubts": [doubt], "prediction": None}) for doubt in doubts
    ]
    assert len(set(texts)) == len(doubts) == 5
    for text in texts:
        assert text.startswith("Whether more images would help “A”, its learning curve cannot say. ")
        assert "percentage points" not in text
