"""The words of the page, by the names that it knows them by; {fields} are filled in by the page."""

from __future__ import annotations

from bruit.locale import mark, translator
from bruit.noise.registry import CORRUPTIONS

WORDS = {
    "title": mark("bruit: draw a digit, add noise"),
    "heading": mark("Draw a digit, add noise, and see which network still reads it."),
    "lead": mark(
        "Every network says at once what it believes. What you draw goes to this server alone, and is kept nowhere."
    ),
    "language": mark("Language"),
    "interface": mark("HTTP interface"),
    "report": mark("Report of this run"),
    "script": mark("This page needs JavaScript, which your browser does not run."),
    # Drawing
    "draw": mark("Draw"),
    "canvas": mark("Drawing area"),
    "keys": mark(
        "By keyboard: the arrow keys move the pen, the space bar puts it down or lifts it, Backspace takes the last "
        "stroke back, Delete clears."
    ),
    "here": mark("Draw here"),
    "over": mark("Draw over it to begin your own"),
    "undo": mark("Undo"),
    "clear": mark("Clear"),
    "choose": mark("Choose a picture"),
    "drop": mark("Or drop or paste one: a photo or a scan may hold several digits."),
    "samples": mark("Or try one of these"),
    "sample": mark("Example: a {digit} of MNIST"),
    "pen_down": mark("Pen down"),
    "pen_up": mark("Pen up"),
    "nothing": mark("Nothing is drawn."),
    "several": mark("{n} digits: choose the one to look at"),
    "digit_of": mark("Digit {n}: {label}"),
    # Noise
    "noise": mark("Add noise"),
    "kind": mark("Kind of noise"),
    "severity": mark("Severity"),
    "none": mark("none"),
    "on": mark("on"),
    "of_five": mark("{n} of 5"),
    "again": mark("Draw the noise anew"),
    "seen": mark("As the networks see it"),
    "seen_size": mark("{height} × {width} pixels"),
    # Believing
    "believed": mark("What each network believes"),
    "result": mark("See what is read"),
    "reads": mark("{model} reads {label}, {confidence}"),
    "reads_right": mark("reads {label}"),
    "reads_wrong": mark("reads {label}, not {right}"),
    "winner": mark("winner"),
    "digit": mark("Digit"),
    "confidence": mark("Confidence"),
    "waiting": mark("waiting for a digit"),
    # The chart
    "breaks": mark("When does each network break?"),
    "chart_help": mark(
        "Confidence in the right digit against the severity of the noise, the mean of {draws} draws of it. Below "
        "{half} the digit counts as lost."
    ),
    "chart_alt": mark(
        "Chart: confidence of each network in the digit {label} against the severity of {noise}. The table below "
        "holds the same numbers."
    ),
    "true_digit": mark("The digit is a"),
    "table": mark("The same as a table"),
    "network": mark("Network"),
    "without": mark("without"),
    "with": mark("with"),
    "kept": mark("never loses it"),
    "lost_at": mark("loses it at severity {n}"),
    "lost_with": mark("loses it"),
    "axis": mark("severity of the noise"),
    "never_had": mark("does not read it even without noise"),
    "no_label": mark("knows no {label}"),
    # What goes wrong
    "no_picture": mark("This file is no picture that your browser can open."),
    "no_server": mark("The server does not answer."),
    "token": mark("Token of this server"),
    "token_help": mark("This server answers only who knows its token."),
    "enter": mark("Enter"),
    # Models
    "model.robust": mark("Robust network"),
    "model.dnn": mark("Dense network"),
    "model.dnn-plus": mark("Dense, improved"),
    "model.cnn": mark("Convolutional network"),
    "model.cnn-plus": mark("Convolutional, improved"),
    "model.logistic": mark("Logistic regression"),
    "model.knn": mark("Nearest neighbours"),
}


def words(lang: str) -> dict[str, str]:
    """All of them in `lang`."""
    said = translator(lang).gettext
    return {name: said(text) for name, text in WORDS.items()}


def noises(lang: str) -> list[dict[str, object]]:
    """Every corruption, described in `lang`."""
    said = translator(lang).gettext
    return [
        {
            "name": one.name,
            "family": said(one.family),
            "summary": said(one.summary),
            "severities": list(one.severities),
            "default": one.default,
        }
        for one in CORRUPTIONS.values()
    ]
