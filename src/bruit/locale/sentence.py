"""Sentences that carry their values with them, so that they can be said in any language, later and elsewhere."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

from bruit.locale.language import translator


class Sentence:
    """An English sentence with {fields}, as for `str.format`, and their values: `Sentence("{n:,} images", n=6000)`.

    The English text is also the key of its translation, so it is written out in full where it is made. A value may be a
    sentence, or an error, of its own. Without values braces are taken as they stand.
    """

    def __init__(self, template: str, /, **values: Any) -> None:
        self.template, self.values = template, values

    def __str__(self) -> str:
        return self.said("en")

    def said(self, lang: str) -> str:
        """The sentence in `lang`, its numbers as they are written there."""
        template = self._template(lang)
        return _In(lang).format(template, **self.values) if self.values else template

    def _template(self, lang: str) -> str:
        return translator(lang).gettext(self.template) if self.template else ""


class Counted(Sentence):
    """A sentence about n things, in singular and plural: `Counted("{n} fold", "{n} folds", n=5)`."""

    def __init__(self, one: str, many: str, /, *, n: int, **values: Any) -> None:
        super().__init__(one, n=n, **values)
        self.many = many

    def _template(self, lang: str) -> str:
        return translator(lang).ngettext(self.template, self.many, self.values["n"])


def mark(text: str) -> str:
    """`text` as it is: it is translated where it is shown, and the mark lets the catalogue know of it."""
    return text


# What the operating system says most often, always in English.
REASONS = (
    *(mark("No space left on device"), mark("Permission denied"), mark("No such file or directory")),
    *(mark("Read-only file system"), mark("Is a directory"), mark("Not a directory"), mark("File too large")),
    *(mark("Input/output error"), mark("File name too long"), mark("Disk quota exceeded"), mark("File exists")),
    *(mark("Connection refused"), mark("Connection reset by peer"), mark("Network is unreachable")),
)


class _In(Formatter):
    """`str.format` as a language has it."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        value, used = super().get_field(field_name, args, kwargs)
        if field_name.endswith("strerror") and value in REASONS:
            value = translator(self.lang).gettext(value)
        return value, used

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return super().convert_field(self._said(value), conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(self._said(value), format_spec))
        return _number(text, self.lang) if format_spec and isinstance(value, int | float) else text

    def _said(self, value: Any) -> Any:
        speak = getattr(value, "said", None)
        return speak(self.lang) if callable(speak) else value


def _number(text: str, lang: str) -> str:
    """A number as Python formats it ("1,234.5", "98.9%") as people who read `lang` write it."""
    if lang == "fr":
        text = text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
        text = re.sub("%$", "\N{NO-BREAK SPACE}%", text)
    return text
