"""How everything in a report looks: one colour and marker for each model, one ink, one ground, one set of fonts.

Figures are drawn in INK on GROUND; in the page the two become the page's own colours, in light and in dark.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

INK = "#1b1f24"
GROUND = "#fffffe"
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

TRAIN: dict[str, Any] = {"linestyle": (0, (4, 2)), "markerfacecolor": GROUND, "linewidth": 1.2}
VALIDATION: dict[str, Any] = {"linestyle": "-", "linewidth": 1.6}

RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.alpha": 0.14,
    "grid.color": INK,
    "grid.linewidth": 0.7,
    "hatch.color": INK,
    "hatch.linewidth": 0.6,
    "image.interpolation": "none",
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.markersize": 4.5,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "bruit",
    "text.color": INK,
    # Class names and titles are data: a dollar sign in them starts no formula.
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.color": INK,
    "ytick.major.width": 0.7,
}

# In the page of a report the ground is the page's own; a notebook's, or an image viewer's, may be dark.
OPAQUE = {"figure.facecolor": GROUND}


@contextmanager
def drawing(changes: Mapping[str, Any] | None = None) -> Iterator[None]:
    """For the body matplotlib draws as RC says, with `changes`; it is imported here, which takes a second."""
    # Where it may not write its settings and fonts, matplotlib says so at length; it finds another place by itself.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib import rc_context

    with rc_context(RC | dict(changes or {})):
        yield


@dataclass(frozen=True)
class Look:
    """The colour (hex) and matplotlib marker that a model has wherever it is shown."""

    colour: str
    marker: str


# Okabe and Ito's palette, safe for colour-blind readers: dense networks warm, convolutional ones blue.
KNOWN = {
    "dnn": Look("#e69f00", "s"),
    "dnn-plus": Look("#d55e00", "D"),
    "cnn": Look("#56b4e9", "o"),
    "cnn-plus": Look("#0072b2", "^"),
    "logistic": Look("#009e73", "v"),
    "knn": Look("#cc79a7", "P"),
}
# For models that this table does not name (Tol's muted colours, those that stand out on light and on dark).
OTHERS = (
    Look("#999933", "X"),
    Look("#aa4499", "<"),
    Look("#44aa99", ">"),
    Look("#ad7a3c", "h"),
    Look("#8a7fc8", "p"),
    Look("#7f8c8d", "*"),
)


def looks(models: Iterable[str]) -> dict[str, Look]:
    """A look for each model, decided by its name; a name that would take another's look takes the next one free."""
    chosen: dict[str, Look] = {}
    for model in models:
        start = zlib.crc32(model.encode())
        others = [OTHERS[(start + step) % len(OTHERS)] for step in range(len(OTHERS))]
        chosen[model] = KNOWN.get(model) or next((look for look in others if look not in chosen.values()), others[0])
    return chosen
