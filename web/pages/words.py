"""Owns how money, times and shares are written before a script has put them into the visitor's own way."""

import colorsys
import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from models.currencies import minor_digits

SHOP_NAME: Final = "Flash Sale"


def write_money(money: dict[str, Any]) -> str:
    """Write an amount plainly, e.g. `USD 1,999.00`."""
    digits = minor_digits(money["currency"])
    whole, rest = divmod(int(money["amount_minor"]), 10**digits)
    fraction = f".{rest:0{digits}}" if digits else ""
    return f"{money['currency']} {whole:,}{fraction}"


def write_moment(moment: str | datetime) -> str:
    """Write a time plainly and in UTC, e.g. `14 Mar 2026, 12:00 UTC`."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def write_count(count: int) -> str:
    """Write a count with its thousands apart."""
    return f"{count:,}"


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
    """Two colours for a thing without a picture: always the same for the same name, calm on any ground."""
    hue = hashlib.sha256(name.encode()).digest()[0] / 255
    return _hex(hue, 0.42, 0.55), _hex((hue + 0.11) % 1, 0.30, 0.62)


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(
        f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation)
    )
