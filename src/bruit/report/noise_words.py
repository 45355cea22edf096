"""How models hold up under noise, in words no stronger than the intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bruit.locale import printable, translator

if TYPE_CHECKING:
    from bruit.report.conclusion import Speaker


def under_noise(values: Mapping[str, Any], speaker: Speaker) -> list[str]:
    """The sentences of `bruit.evaluation.robustness.standing`."""
    return [_best(values, speaker), *_hardest(values, speaker)]


def _best(values: Mapping[str, Any], speaker: Speaker) -> str:
    gettext, numbers, closest = speaker.gettext, speaker.numbers, values["closest"]
    parts = {
        "model": speaker.name(values["model"]),
        "accuracy": numbers.percent(values["accuracy"]),
        "range": numbers.percent_range(*values["ci95"]),
        "clean": numbers.percent(values["clean"]),
    }
    if closest is None:
        message = gettext(
            "%(model)s reads %(accuracy)s of the images under noise on average (95%% interval %(range)s), and "
            "%(clean)s of the same images as they are."
        )
        return speaker.say(message, **parts)
    if closest["clear"]:
        message = gettext(
            "%(model)s holds up best under noise: it reads %(accuracy)s of the images on average (95%% interval "
            "%(range)s), and %(clean)s of the same images as they are; its lead over the closest, %(other)s, is "
            "%(size)s percentage points (simultaneous 95%% interval %(interval)s)."
        )
    else:
        message = gettext(
            "Under noise %(model)s reads most, %(accuracy)s of the images on average (95%% interval %(range)s), and "
            "%(clean)s of the same images as they are; but it cannot be told apart from %(other)s: the difference is "
            "%(size)s percentage points (simultaneous 95%% interval %(interval)s)."
        )
    return speaker.say(message, **parts, other=speaker.name(closest["name"]), **_ahead(closest, speaker))


def _hardest(values: Mapping[str, Any], speaker: Speaker) -> list[str]:
    after = values["next_hardest"]
    if after is None:
        return []
    if after["clear"]:
        message = speaker.gettext(
            "What hurts it most is %(hardest)s, under which it reads %(accuracy)s; %(after)s comes next, by %(size)s "
            "percentage points (simultaneous 95%% interval %(interval)s)."
        )
    else:
        message = speaker.gettext(
            "What hurts it most is %(hardest)s, under which it reads %(accuracy)s, though not surely more than "
            "%(after)s does: by %(size)s percentage points (simultaneous 95%% interval %(interval)s)."
        )
    parts = {
        "hardest": printable(values["hardest"], 40),
        "accuracy": speaker.numbers.percent(values["hardest_accuracy"]),
        "after": printable(after["name"], 40),
    }
    return [speaker.say(message, **parts, **_ahead(after, speaker))]


def _ahead(other: Mapping[str, Any], speaker: Speaker) -> dict[str, str]:
    return {
        "size": speaker.numbers.decimal(100 * other["difference"], 2),
        "interval": speaker.numbers.points_range(*other["ci95"]),
    }


def seen_words(model: Mapping[str, Any], lang: str) -> str:
    """What a model of `bruit.robustness` has learned from: names of data, one after the other."""
    _ = translator(lang).gettext
    if not model["seen"]:
        return _("unknown")
    names = "; ".join(printable(_(name), 90) for name in model["seen"] if name)
    return _("%(names)s, changed at random (augmentation)") % {"names": names} if model["augmented"] else names
