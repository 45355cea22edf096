"""Numbers of things, as people and NumPy write them."""

from __future__ import annotations

import operator
from typing import TypeVar

from bruit.errors import ConfigError

LEAST = {"folds": 2, "repeats": 0, "epochs": 1, "seed": 0, "workers": 1, "severity": 1, "baseline": 0}
Number = TypeVar("Number", int, int | None)


def whole(name: str, value: Number) -> Number:
    """The setting `name` as an int of Python's own, which files can hold; None stays None.

    Raises ConfigError for what is no whole number, or too small.
    """
    return value if value is None else required(name, value)


def required(name: str, value: int) -> int:
    """The same where there has to be one; None is no whole number."""
    try:
        number = operator.index(value)
    except TypeError as error:
        raise ConfigError("expected a whole number as {name}, received {value!r}", name=name, value=value) from error
    if number < LEAST[name]:
        raise ConfigError(
            "expected {least} or more as {name}, received {number}", least=LEAST[name], name=name, number=number
        )
    return number


def refuse_no_flag(name: str, value: object) -> None:
    """Raise ConfigError for what is neither True nor False: "no" would be taken for yes."""
    if not isinstance(value, bool):
        raise ConfigError("expected True or False as {name}, received {value!r}", name=name, value=value)
