"""Mixtures of corruptions, as a TOML file describes them.

chain = false            # each image gets one of them, by their odds; true: all, in order, each with its odds

[[corruption]]
name = "fog"             # see bruit corruptions; or course, nmnist-…; or "clean", for none
odds = 2                 # of one among the others, or, in a chain, the probability of it; by default 1
severity = [1, 2, 3]     # one, or several of which one is drawn; by default the published one

[[corruption]]
name = "rotate"
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bruit.errors import ConfigError
from bruit.files import read_text
from bruit.locale import Sentence
from bruit.noise.draws import Draws
from bruit.noise.pixels import Images
from bruit.noise.registry import settled
from bruit.noise.sets import CLEAN, find_any

_KEYS = ("name", "odds", "severity")


@dataclass(frozen=True)
class Part:
    """One corruption or set of a mixture. Of the severities one is drawn for each image."""

    name: str
    odds: float
    severities: tuple[int | None, ...]

    def __str__(self) -> str:
        at = ",".join(map(str, self.severities))
        return f"{self.odds:.3g} {self.name}" + ("" if self.severities == (None,) else f"/{at}")


@dataclass(frozen=True)
class Mixture:
    """Corruptions of which each image gets one, by their odds, or in a chain all, each with its probability."""

    parts: tuple[Part, ...]
    chain: bool = False

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, of which none is None."""
        parts = [asdict(part) | {"severities": [at for at in part.severities if at]} for part in self.parts]
        return {"chain": self.chain, "parts": parts}

    @classmethod
    def half_clean(cls, parts: Sequence[Part]) -> Mixture:
        """Of the images half as they are, the others under one of these."""
        return cls((Part(CLEAN, sum(part.odds for part in parts), (None,)), *parts))

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Mixture:
        """The mixture that `plain` is of, or dataclasses.asdict."""
        parts = (Part(one["name"], one["odds"], tuple(one["severities"]) or (None,)) for one in plain["parts"])
        return cls(tuple(parts), plain["chain"])

    @property
    def description(self) -> str:
        return (" → " if self.chain else " | ").join(map(str, self.parts))

    @property
    def stream(self) -> str:
        """What its draws are for: the same mixture makes the same noise, whatever its file is called."""
        return repr(self)


def read(path: str | Path) -> Mixture:
    """The mixture in a TOML file. Raises ConfigError for a file that is none, for wrong keys, odds and severities."""
    path = Path(path)
    try:
        content = tomllib.loads(read_text(path).removeprefix("\ufeff"))  # which some editors write
    except OSError as error:
        raise ConfigError("cannot read {path}: {error.strerror}", path=path, error=error) from error
    except ValueError as error:
        at = re.search(r"line (\d+)", str(error))
        where = Sentence("{path}, line {line}", path=path, line=int(at[1])) if at else Sentence("{path}", path=path)
        raise ConfigError("{where}: this is no TOML; see docs/noise.md for a mixture", where=where) from error
    _refuse_others(content, ("chain", "corruption"), Sentence("{path}", path=path))
    chain, rows = content.get("chain", False), content.get("corruption")
    if not isinstance(chain, bool):
        raise ConfigError("{path}: expected true or false as chain, received {chain!r}", path=path, chain=chain)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ConfigError("{path} names no corruption; expected [[corruption]] with a name", path=path)
    return Mixture(tuple(_part(row, chain, path, n) for n, row in enumerate(rows, 1)), chain)


def _part(row: dict[str, Any], chain: bool, path: Path, n: int) -> Part:
    where = Sentence("{path}, corruption {n}", path=path, n=n)
    _refuse_others(row, _KEYS, where)
    name, odds, severity = row.get("name"), row.get("odds", 1), row.get("severity")
    if not isinstance(name, str):
        raise ConfigError("{where}: expected a name, received {name!r}", where=where, name=name)
    number = isinstance(odds, int | float) and not isinstance(odds, bool) and math.isfinite(odds)
    if not number or odds <= 0 or (chain and odds > 1):
        expected = Sentence("a probability of 0 to 1") if chain else Sentence("a finite number above 0")
        raise ConfigError(
            "{where}: expected {expected} as odds, received {odds!r}", where=where, expected=expected, odds=odds
        )
    wanted = severity if isinstance(severity, list) else [severity]
    try:
        severities = tuple(settled(find_any(name), one) for one in wanted)
    except ConfigError as error:
        raise ConfigError("{where}: {error}", where=where, error=error) from error
    if not severities:
        raise ConfigError("{where}: expected severities of 1 to 5, received none", where=where)
    return Part(name, float(odds), severities)


def _refuse_others(table: dict[str, Any], keys: tuple[str, ...], where: Sentence) -> None:
    for key in table:
        if key not in keys:
            raise ConfigError(
                "{where}: there is no key {key!r}; expected {keys}", where=where, key=key, keys=", ".join(keys)
            )


def mix(mixture: Mixture, images: Images, draws: Draws) -> Images:
    """(N, H, W) uint8 and their draws → the same under the mixture."""
    result = images.copy()
    odds = np.array([part.odds for part in mixture.parts], np.float64)
    odds /= odds.max()
    chosen = np.searchsorted(np.cumsum(odds / odds.sum())[:-1], draws.named("which").uniform(), side="right")
    for n, part in enumerate(mixture.parts):
        make, own = find_any(part.name).make, draws.named(f"{n} {part.name}")
        hit = own.uniform() < part.odds if mixture.chain else chosen == n
        severity = own.choice(len(part.severities))
        for k, at in enumerate(part.severities):
            index = np.flatnonzero(hit & (severity == k))
            if len(index):
                result[index] = make(result[index], at, own.subset(index))
    return result
