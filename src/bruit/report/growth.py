"""What more images would bring, in words no stronger than the learning curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bruit.report.conclusion import Speaker


def more_images(values: Mapping[str, Any], speaker: Speaker) -> list[str]:
    """The sentences of `bruit.evaluation.power_law.summary`, and the "model" that it is about."""
    gettext, numbers, ahead = speaker.gettext, speaker.numbers, values["prediction"]
    model = speaker.name(values["model"])
    if ahead is None:
        answer = gettext("Whether more images would help %(model)s, its learning curve cannot say.")
        return [speaker.say(answer, model=model), *(doubt_words(doubt, speaker) for doubt in values["doubts"])]
    if values["verdict"] == "hardly":
        answer = gettext("More images like these would hardly help %(model)s.")
    elif values["verdict"] == "helps":
        answer = gettext("More images like these would help %(model)s.")
    else:
        answer = gettext("More images like these may help %(model)s; by how much is open.")
    figures = gettext(
        "Trained on twice as many, %(n)s, it is estimated to read %(gain)s percentage points more of the held-out "
        "images correctly (95%% interval %(interval)s): %(accuracy)s instead of %(now)s."
    )
    parts = {
        "n": numbers.integer(ahead["n"]),
        "gain": numbers.decimal(100 * ahead["gain"], 2),
        "interval": numbers.points_range(*ahead["gain_ci95"]),
        "accuracy": numbers.percent(ahead["accuracy"]),
        "now": numbers.percent(ahead["accuracy"] - ahead["gain"]),
    }
    return [speaker.say(answer, model=model), speaker.say(figures, **parts)]


def doubt_words(doubt: str, speaker: Speaker) -> str:
    """Why a learning curve is not drawn on. Raises KeyError for a doubt that has no words."""
    _ = speaker.gettext
    words = {
        "few_sizes": _("There are too few images for a curve through different numbers of them."),
        "short_range": _("The numbers of images that could be compared lie too close together."),
        "few_errors": _("Too few of the held-out images are read wrongly to measure by."),
        "flat": _("The share of images read wrongly does not surely fall as their number grows."),
        "misfit": _("The points lie too far from the curve, which is no power law."),
    }
    return speaker.say(words[doubt])
