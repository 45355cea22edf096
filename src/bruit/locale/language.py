"""Which language people read, and the catalogues of its sentences."""

from __future__ import annotations

import gettext
import os
import re
from functools import cache

DOMAIN = "bruit"
LANGUAGES = ("en", "fr")
CATALOGUES = os.path.dirname(__file__)  # as pathlib is long in being imported, which every call waits for


@cache
def translator(lang: str = "en") -> gettext.NullTranslations:
    """The sentences in `lang`; those without a translation, and all in a language without a catalogue, are English."""
    return gettext.translation(DOMAIN, CATALOGUES, [lang], fallback=True)


def language() -> str:
    """The language of the person at this machine: the first that the environment names, if bruit speaks it.

    LANGUAGE (a list), LC_ALL, LC_MESSAGES and LANG are asked in this order, as gettext does.
    """
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            wanted = [re.split("[._@-]", name)[0].lower() for name in value.split(":")]
            return next((name for name in wanted if name in LANGUAGES), "en")
    return "en"


def speak(lang: str) -> None:
    """From now on, in this process and those that it starts, speak `lang`; so do the sentences of the command line's
    own parser.
    """
    os.environ["LANGUAGE"] = lang
    gettext.bindtextdomain(DOMAIN, CATALOGUES)
    gettext.textdomain(DOMAIN)
