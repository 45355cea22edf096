"""Numbers, shares, times and dates as a language writes them, by Babel."""

from __future__ import annotations

import re
from datetime import datetime

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from bruit.locale.language import translator

NBSP = "\u00a0"


class Numbers:
    """Numbers as people who read `lang` ("en", "fr", "fr-CA") write them. Fractions are 0…1, times are seconds."""

    def __init__(self, lang: str = "en") -> None:
        self._locale = Locale.parse(lang, sep="-" if "-" in lang else "_")
        self._gettext = translator(lang).gettext

    def integer(self, n: float) -> str:
        """60000 as "60,000"."""
        return str(format_decimal(round(n), locale=self._locale))

    def decimal(self, x: float, decimals: int) -> str:
        """0.04213 as "0.042" with three decimals."""
        return self._signless_zero(x, "#,##0" + _places(decimals), decimals)

    def plain(self, x: float) -> str:
        """A setting as it was given, in at most six significant digits: 0.003 as "0.003", 256 as "256"."""
        return _minus(format_decimal(float(f"{x:.6g}"), "#,##0.##########", locale=self._locale))

    def percent(self, fraction: float, decimals: int = 2) -> str:
        """0.98864 as "98.86%"."""
        pattern = self._locale.percent_formats[None].pattern.replace("#,##0", "#,##0" + _places(decimals))
        return str(format_percent(fraction, pattern, locale=self._locale))

    def percent_range(self, low: float, high: float, decimals: int = 2) -> str:
        """(0.9863, 0.9905) as "98.63–99.05%"."""
        return f"{self.decimal(100 * low, decimals)}–{self.percent(high, decimals)}"

    def points(self, fraction: float, decimals: int = 2) -> str:
        """A difference of two fractions, in percentage points with its sign: -0.0312 as "−3.12"."""
        pattern = "+#,##0{0};\N{MINUS SIGN}#,##0{0}".format(_places(decimals))
        return self._signless_zero(100 * fraction, pattern, decimals)

    def points_range(self, low: float, high: float, decimals: int = 2) -> str:
        """(0.001, 0.0052) as "+0.10 to +0.52"."""
        ends = {"low": self.points(low, decimals), "high": self.points(high, decimals)}
        return self._gettext("%(low)s to %(high)s") % ends

    def p_value(self, p: float) -> str:
        """0.0342 as "0.034"; what three decimals cannot show as "< 0.001"."""
        return f"<{NBSP}{self.decimal(0.001, 3)}" if p < 0.001 else self.decimal(p, 3)

    def p_equation(self, p: float) -> str:
        """0.0342 as "p = 0.034", and "p < 0.001" where that is all that can be said."""
        return f"p{NBSP}{self.p_value(p)}" if p < 0.001 else f"p{NBSP}={NBSP}{self.p_value(p)}"

    def duration(self, seconds: float) -> str:
        """133 as "2 min 13 s", 3.14 as "3.1 s", 7500 as "2 h 05 min"."""
        if seconds < 9.95:
            return f"{self.decimal(seconds, 1)}{NBSP}s"
        whole = round(seconds)
        if whole < 60:
            return f"{whole}{NBSP}s"
        if whole < 3600:
            return f"{whole // 60}{NBSP}min{NBSP}{whole % 60:02d}{NBSP}s"
        minutes = round(seconds / 60)
        return f"{minutes // 60}{NBSP}h{NBSP}{minutes % 60:02d}{NBSP}min"

    def moment(self, iso: str) -> str:
        """An ISO 8601 time as "November 23, 2026, 12:00 UTC"."""
        when = datetime.fromisoformat(iso)
        day = format_date(when, "long", locale=self._locale)
        return f"{day}, {format_time(when, 'HH:mm', locale=self._locale)} {when.tzname() or ''}".rstrip()

    def _signless_zero(self, x: float, pattern: str, decimals: int) -> str:
        """A number that rounds to zero is shown without a sign."""
        if round(x, decimals) == 0:
            x, pattern = 0.0, re.sub(r"^\+|;.*", "", pattern)
        return _minus(format_decimal(x, pattern, locale=self._locale))


def _minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def _places(decimals: int) -> str:
    return "." + "0" * decimals if decimals else ""
