"""The exceptions that bruit raises on purpose.

    BruitError
    ├── DataError     images or labels that cannot be used as they are
    ├── ConfigError   an option, name or setting that makes no sense
    ├── ModelError    a stored or named model that cannot be used
    └── RunError      a run folder that is busy, foreign, incomplete or not writable

Every message is one line: what was received, and what to do about it. It is English, unless it is asked in another
language.
"""

from typing import Any

from bruit.locale.sentence import Sentence


class BruitError(Exception):
    """Base of every error that bruit raises on purpose; the command line catches only this.

    It takes an English sentence with {fields} and their values: `DataError("{path} is empty", path=path)`.
    """

    def __init__(self, template: str, /, **values: Any) -> None:
        super().__init__(template)
        self.values = values

    def __str__(self) -> str:
        return self.said("en")

    def said(self, lang: str) -> str:
        """The message in `lang`."""
        return Sentence(self.args[0], **self.values).said(lang)


class DataError(BruitError):
    """Images or labels that cannot be used as they are."""


class ConfigError(BruitError):
    """An option, a name or a setting that makes no sense."""


class ModelError(BruitError):
    """A stored or named model that cannot be used."""


class RunError(BruitError):
    """A run folder that is busy, foreign, incomplete or not writable."""
