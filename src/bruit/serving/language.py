"""The language of a request."""

from __future__ import annotations

from functools import lru_cache

from bruit.locale import LANGUAGES

LONGEST = 200


@lru_cache(64)
def language_of(accepted: str) -> str:
    """The language of an Accept-Language header that bruit speaks and that is liked best."""
    liked = []
    for place, part in enumerate(accepted[:LONGEST].split(",")):
        name, _, weight = part.partition(";")
        lang = name.strip().partition("-")[0].lower()
        if lang in LANGUAGES:
            liked.append((-_weight(weight), place, lang))
    return min(liked)[2] if liked else LANGUAGES[0]


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text else 1.0
    except ValueError:
        return 0.0
