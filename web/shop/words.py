"""Writes money, times and shares on the server, before a script knows the visitor's time zone."""

import colorsys
import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from markupsafe import Markup

from models.money import minor_digits, write_amount
from web.shop.languages import visitors_locale

SHOP_NAME: Final = "Flash Sale"
_SIGNS: Final = re.compile(r"(?<=\w)(?=[@.]\w)")


def write_money(money: dict[str, Any], locale: Locale | None = None) -> str:
    """Write an amount in the visitor's way, e.g. `$1,999.00`, with the digits that its minor unit has."""
    return write_amount(int(money["amount_minor"]), money["currency"], locale or visitors_locale())


def write_editable(money: dict[str, Any], locale: Locale | None = None) -> str:
    """Write an amount as a form's field has it: in the visitor's way, with neither currency nor thousands."""
    digits = minor_digits(money["currency"])
    value = Decimal(money["amount_minor"]).scaleb(-digits)
    pattern = "0." + "0" * digits if digits else "0"
    written: str = format_decimal(value, format=pattern, locale=locale or visitors_locale())
    return written


def write_moment(moment: str | datetime, locale: Locale | None = None) -> str:
    """Write a time in the visitor's way and in UTC, e.g. `Mar 14, 2026, 12:00 PM UTC`."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    at, written_in = at.astimezone(UTC), locale or visitors_locale()
    return (
        f"{format_date(at, 'medium', locale=written_in)}, {format_time(at, 'short', locale=written_in)} UTC"
    )


def write_breakable(words: str) -> Markup:
    """Let an address break before its signs, e.g. `ada` `@shop` `.example`, and not within a word."""
    return Markup("<wbr>").join(_SIGNS.split(words))


def write_count(count: int, locale: Locale | None = None) -> str:
    """Write a count with its thousands apart."""
    written: str = format_decimal(count, locale=locale or visitors_locale())
    return written


def percent_off(price: dict[str, Any], list_price: dict[str, Any]) -> int:
    """How many whole percent below the list price the price is; 0 where that says nothing."""
    full, asked = list_price["amount_minor"], price["amount_minor"]
    if price["currency"] != list_price["currency"] or full <= 0 or asked >= full:
        return 0
    return int((full - asked) * 100 // full)


def share(part: int, whole: int) -> float:
    """A part as percent of the whole, for bars."""
    return round(part * 100 / whole, 3) if whole > 0 else 0.0


def two_colours(name: str) -> tuple[str, str]:
    """Two colours for a thing without a picture: always the same for the same name, and calm."""
    hue = hashlib.sha256(name.encode()).digest()[0] / 255
    return _hex(hue, 0.42, 0.55), _hex((hue + 0.11) % 1, 0.30, 0.62)


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(
        f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation)
    )
