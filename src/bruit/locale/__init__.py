"""The language of everything that people read: sentences through gettext, numbers through Babel.

Sentences are written in English where they are used. A language is a catalogue `LANG/LC_MESSAGES/bruit.po` in this
folder; `tools/catalogue.py` finds what it lacks. Between a number and its unit stands a no-break space (U+00A0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bruit.locale.language import LANGUAGES, language, speak, translator
from bruit.locale.sentence import Counted, Sentence, mark

if TYPE_CHECKING:
    from bruit.locale.numbers import Numbers

__all__ = [
    "LANGUAGES",
    "NBSP",
    "Counted",
    "Numbers",
    "Sentence",
    "language",
    "mark",
    "printable",
    "speak",
    "translator",
]

NBSP = "\N{NO-BREAK SPACE}"
# Between the thousands of French numbers.
NARROW = "\N{NARROW NO-BREAK SPACE}"


def printable(text: object, at_most: int | None = None) -> str:
    """Text that may stand in HTML, in SVG and on a terminal: without control characters, and no longer than `at_most`
    characters."""
    clean = "".join(c if c.isprintable() or c in (NBSP, NARROW) else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return clean if at_most is None or len(clean) <= at_most else clean[: at_most - 1] + "…"


def __getattr__(name: str) -> Any:
    if name != "Numbers":
        raise AttributeError(f"module 'bruit.locale' has no attribute {name!r}")
    from bruit.locale.numbers import Numbers  # Babel, which an error message does without

    return Numbers
