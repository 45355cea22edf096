"""The claims of results["conclusion"] as sentences, each no stronger than its numbers.

Which claims there are, and what their values mean, is said in `bruit.evaluation.comparison.conclude`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from bruit.locale import Numbers, printable, translator
from bruit.report.growth import more_images
from bruit.report.noise_words import under_noise

ALPHA = 0.05
VERDICTS = ("winner_only", "winner_clear", "winner_tied", "winner_overtaken")

Values = Mapping[str, Any]


class Speaker:
    """A language, and how models are named in it: in plain text, or for HTML, escaped and in bold."""

    def __init__(self, models: Mapping[str, Mapping[str, Any]], lang: str = "en", html: bool = False) -> None:
        self.gettext = translator(lang).gettext
        self.numbers = Numbers(lang)
        self._models = models
        self._html = html

    def name(self, model: str) -> str:
        title = printable(self.gettext(self._models.get(model, {}).get("title", model)))
        return Markup("<b>{}</b>").format(title) if self._html else self.gettext("“%s”") % title

    def say(self, message: str, **parts: str) -> str:
        if not self._html:
            return message % parts
        if "interval" in parts:
            parts["interval"] = Markup('<span class="nowrap">{}</span>').format(parts["interval"])
        return Markup(message) % parts


def sentences(results: Mapping[str, Any], lang: str = "en", html: bool = False) -> list[list[str]]:
    """One list of sentences for each claim of results["conclusion"], in its order; with `html` they are Markup.

    Raises KeyError for a claim that has no words.
    """
    speaker = Speaker(results.get("models", {}), lang, html)
    return [WORDS[claim["key"]](claim["values"], speaker) for claim in results.get("conclusion", [])]


def verdict(results: Mapping[str, Any], lang: str = "en", html: bool = False) -> list[str]:
    """The claim that answers "which model, and how sure"; no sentence where the test set has not been read."""
    return next(iter(_of(VERDICTS, results, lang, html)), [])


def outsiders(results: Mapping[str, Any], lang: str = "en", html: bool = False) -> list[list[str]]:
    """The claims about the models that were no candidates for that answer."""
    return _of((outside.__name__,), results, lang, html)


def _of(keys: tuple[str, ...], results: Mapping[str, Any], lang: str, html: bool) -> list[list[str]]:
    claims = [claim for claim in results.get("conclusion", []) if claim["key"] in keys]
    return sentences({**results, "conclusion": claims}, lang, html)


def _answer(values: Values, speaker: Speaker) -> str:
    return speaker.say(
        speaker.gettext(
            "%(model)s reads %(accuracy)s of the %(n)s test images correctly (95%% interval %(interval)s)."
        ),
        model=speaker.name(values["model"]),
        accuracy=speaker.numbers.percent(values["accuracy"]),
        n=speaker.numbers.integer(values["n"]),
        interval=speaker.numbers.percent_range(*values["ci95"]),
    )


def _difference(values: Values, speaker: Speaker, turned: bool = False) -> dict[str, str]:
    """In percentage points: the difference with its sign, its size without, its interval; and its p.

    `turned`: the interval of b - a, for a sentence that names the better one first.
    """
    low, high = values["ci95_difference"] if "ci95_difference" in values else values["ci95"]
    return {
        "difference": speaker.numbers.points(values["difference"]),
        "size": speaker.numbers.decimal(100 * abs(values["difference"]), 2),
        "interval": speaker.numbers.points_range(-high, -low) if turned else speaker.numbers.points_range(low, high),
        "p": speaker.numbers.p_equation(values["p_holm"] if "p_holm" in values else values["p"]),
    }


def winner_only(values: Values, speaker: Speaker) -> list[str]:
    return [_answer(values, speaker), speaker.gettext("It is the only model that this study trained.")]


def _beside_runner_up(values: Values, speaker: Speaker, message: str) -> list[str]:
    return [
        _answer(values, speaker),
        speaker.say(message, runner_up=speaker.name(values["runner_up"]), **_difference(values, speaker)),
    ]


def winner_clear(values: Values, speaker: Speaker) -> list[str]:
    return _beside_runner_up(
        values,
        speaker,
        speaker.gettext(
            "It is significantly better than every other model trained here; its lead over the closest, %(runner_up)s, "
            "is %(size)s percentage points (95%% interval %(interval)s; McNemar’s test with Holm’s correction, %(p)s)."
        ),
    )


def winner_tied(values: Values, speaker: Speaker) -> list[str]:
    return _beside_runner_up(
        values,
        speaker,
        speaker.gettext(
            "It was chosen on the validation images; on the test images it cannot be told apart from %(runner_up)s: "
            "the difference of %(difference)s percentage points (95%% interval %(interval)s) is not significant "
            "(McNemar’s test with Holm’s correction, %(p)s)."
        ),
    )


def winner_overtaken(values: Values, speaker: Speaker) -> list[str]:
    return _beside_runner_up(
        values,
        speaker,
        speaker.gettext(
            "It was chosen on the validation images, but on the test images %(runner_up)s is significantly better: a "
            "difference of %(difference)s percentage points (95%% interval %(interval)s; McNemar’s test with Holm’s "
            "correction, %(p)s). The choice stands, as one made on the test images would flatter its own figure."
        ),
    )


def outside(values: Values, speaker: Speaker) -> list[str]:
    if values["p_holm"] >= ALPHA:
        message = speaker.gettext(
            "%(model)s, brought from outside, reads %(accuracy)s of the test images; it cannot be told apart from "
            "%(winner)s (%(difference)s percentage points, 95%% interval %(interval)s; McNemar’s test with Holm’s "
            "correction, %(p)s)."
        )
    elif values["difference"] > 0:
        message = speaker.gettext(
            "%(model)s, brought from outside, reads %(accuracy)s of the test images, significantly fewer than "
            "%(winner)s, by %(size)s percentage points (95%% interval %(interval)s; McNemar’s test with Holm’s "
            "correction, %(p)s)."
        )
    else:
        message = speaker.gettext(
            "%(model)s, brought from outside, reads %(accuracy)s of the test images, significantly more than "
            "%(winner)s, by %(size)s percentage points (95%% interval %(interval)s; McNemar’s test with Holm’s "
            "correction, %(p)s)."
        )
    turned = values["p_holm"] < ALPHA and values["difference"] < 0
    parts = {"model": speaker.name(values["model"]), "winner": speaker.name(values["winner"])}
    accuracy = speaker.numbers.percent(values["accuracy"])
    return [
        speaker.say(message, **parts, accuracy=accuracy, **_difference(values, speaker, turned)),
        speaker.gettext(
            "What it was trained on is unknown: if it has seen these images, its figures flatter it. So it is "
            "compared, but was no candidate for the choice."
        ),
    ]


def families(values: Values, speaker: Speaker) -> list[str]:
    if values["p"] >= ALPHA:
        message = speaker.gettext(
            "The best convolutional network, %(convolutional)s, and the best dense one, %(dense)s, cannot be told "
            "apart on the test images: %(difference)s percentage points (95%% interval %(interval)s; McNemar’s test, "
            "%(p)s)."
        )
    elif values["difference"] > 0:
        message = speaker.gettext(
            "Convolution pays on these images: the best convolutional network, %(convolutional)s, is significantly "
            "more accurate than the best dense one, %(dense)s, by %(size)s percentage points (95%% interval "
            "%(interval)s; McNemar’s test, %(p)s)."
        )
    else:
        message = speaker.gettext(
            "Convolution does not pay on these images: the best dense network, %(dense)s, is significantly more "
            "accurate than the best convolutional one, %(convolutional)s, by %(size)s percentage points (95%% interval "
            "%(interval)s; McNemar’s test, %(p)s)."
        )
    names = {
        "convolutional": speaker.name(values["best_convolutional"]),
        "dense": speaker.name(values["best_dense"]),
    }
    turned = values["p"] < ALPHA and values["difference"] < 0
    return [speaker.say(message, **names, **_difference(values, speaker, turned))]


def improved(values: Values, speaker: Speaker) -> list[str]:
    if values["p"] >= ALPHA:
        message = speaker.gettext(
            "The improvements make no significant difference between %(base)s and %(plus)s: %(difference)s percentage "
            "points (95%% interval %(interval)s; McNemar’s test, %(p)s)."
        )
    elif values["difference"] > 0:
        message = speaker.gettext(
            "The improvements help: %(plus)s is significantly more accurate than %(base)s, by %(size)s percentage "
            "points (95%% interval %(interval)s; McNemar’s test, %(p)s)."
        )
    else:
        message = speaker.gettext(
            "The improvements do harm: %(plus)s is significantly less accurate than %(base)s, by %(size)s percentage "
            "points (95%% interval %(interval)s; McNemar’s test, %(p)s)."
        )
    names = {"base": speaker.name(values["base"]), "plus": speaker.name(values["plus"])}
    turned = values["p"] < ALPHA and values["difference"] < 0
    return [speaker.say(message, **names, **_difference(values, speaker, turned))]


def sample_dependence(values: Values, speaker: Speaker) -> list[str]:
    gettext, numbers = speaker.gettext, speaker.numbers
    verdict = values["verdict"]
    if verdict == "unknown":
        answer = gettext("Whether %(model)s depends on its training sample, so few folds cannot say.")
    elif verdict == "no_more_than_chance":
        answer = gettext(
            "With so few folds and seeds, no dependence of %(model)s on its training sample could be shown, and none "
            "ruled out."
        )
    elif values["seed_std"] is None:
        answer = gettext(
            "The folds of %(model)s differ by more than drawing the held-out images explains; whether by their "
            "training sample or by their seed cannot be said."
        )
    elif verdict == "small_but_real":
        answer = gettext(
            "%(model)s depends on its training sample a little more than chance explains, by less than half a point."
        )
    else:
        answer = gettext("%(model)s depends on its training sample, by more than chance explains.")
    if values["seed_std"] is None:
        chance = gettext(
            "Drawing the held-out images alone would give a standard deviation of %(binomial)s; what another random "
            "seed gives was not measured."
        )
    else:
        chance = gettext(
            "Drawing the held-out images alone would give a standard deviation of %(binomial)s, and another random "
            "seed on the same images gives %(seed)s."
        )
    folds = gettext(
        "Trained %(k)s times on different parts of the training images, it reads %(mean)s of the held-out images on "
        "average; the standard deviation between folds is %(std)s percentage points, from worst to best they span "
        "%(spread)s."
    )
    parts = {
        "model": speaker.name(values["model"]),
        "k": numbers.integer(values["k"]),
        "mean": numbers.percent(values["mean"]),
        "std": numbers.decimal(100 * values["std"], 2),
        "spread": numbers.decimal(100 * values["spread"], 2),
        "binomial": numbers.decimal(100 * values["binomial_std"], 2),
        "seed": numbers.decimal(100 * (values["seed_std"] or 0), 2),
    }
    return [speaker.say(message, **parts) for message in (answer, folds, chance)]


def folds_differ(values: Values, speaker: Speaker) -> list[str]:
    if values["p"] >= ALPHA:
        message = speaker.gettext(
            "Over the same %(k)s folds, %(better)s and %(worse)s do not differ significantly: by %(size)s percentage "
            "points (95%% interval %(interval)s; corrected resampled t-test, %(p)s)."
        )
    else:
        message = speaker.gettext(
            "Over the same %(k)s folds, %(better)s is significantly better than %(worse)s, by %(size)s percentage "
            "points (95%% interval %(interval)s; corrected resampled t-test, %(p)s)."
        )
    a, b = speaker.name(values["a"]), speaker.name(values["b"])
    turned = values["difference"] < 0
    better, worse = (b, a) if turned else (a, b)
    k = speaker.numbers.integer(values["k"])
    return [speaker.say(message, k=k, better=better, worse=worse, **_difference(values, speaker, turned))]


def calibration(values: Values, speaker: Speaker) -> list[str]:
    return [
        speaker.say(
            speaker.gettext(
                "What %(model)s says of its own certainty is off by %(ece)s on average (ECE on the test images), "
                "against %(before)s without its temperature of %(temperature)s."
            ),
            model=speaker.name(values["model"]),
            ece=speaker.numbers.percent(values["ece"]),
            before=speaker.numbers.percent(values["ece_uncalibrated"]),
            temperature=speaker.numbers.decimal(values["temperature"], 2),
        )
    ]


WORDS: dict[str, Callable[[Values, Speaker], list[str]]] = {
    word.__name__: word
    for word in (
        winner_only,
        winner_clear,
        winner_tied,
        winner_overtaken,
        outside,
        families,
        improved,
        sample_dependence,
        folds_differ,
        more_images,
        under_noise,
        calibration,
    )
}
