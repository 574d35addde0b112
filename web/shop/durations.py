"""Writes lengths of time, shares and ratios in the visitor's locale."""

from typing import Final

from babel import Locale
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from web.shop.languages import visitors_locale

_UNITS: Final = ((86_400, "duration-day"), (3_600, "duration-hour"), (60, "duration-minute"))  # seconds


def write_ms(ms: int, locale: Locale | None = None) -> str:
    """Write milliseconds, e.g. `340 ms`, `1.25 sec`, `4 min 5 sec`."""
    if ms < 1_000:
        return _unit(ms, "duration-millisecond", locale)
    return write_seconds(ms / 1_000, locale)


def write_seconds(seconds: float, locale: Locale | None = None) -> str:
    """Write seconds, with fractions below a minute and by the two greatest units above."""
    if seconds < 0:
        return f"-{write_seconds(-seconds, locale)}"
    if seconds < 60:
        return _unit(round(seconds, 2), "duration-second", locale)
    whole, parts = round(seconds), []
    for size, unit in (*_UNITS, (1, "duration-second")):
        number, whole = divmod(whole, size)
        if number:
            parts.append(_unit(number, unit, locale))
    return " ".join(parts[:2])


def write_number(number: float, locale: Locale | None = None) -> str:
    """Write a number that may have a fraction, with one digit of it where it is small."""
    pattern = "#,##0.##" if abs(number) < 100 else "#,##0"
    written: str = format_decimal(number, format=pattern, locale=locale or visitors_locale())
    return written


def write_share(ratio: float, locale: Locale | None = None) -> str:
    """Write a ratio as percent, e.g. `12.5%`."""
    locale = locale or visitors_locale()
    written: str = format_percent(round(ratio, 3), locale=locale, decimal_quantization=False)
    return written


def _unit(number: float, unit: str, locale: Locale | None) -> str:
    return format_unit(number, unit, length="short", format="#,##0.##", locale=locale or visitors_locale())
