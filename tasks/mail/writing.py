"""Formats amounts for people, and puts what others have written on one line."""

import re
from copy import copy
from decimal import Decimal
from typing import Final

from babel import Locale

from models.money import minor_digits

# A currency's letters do not touch its digits (CLDR's currencySpacing, which babel leaves out).
_BESIDE: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def write_amount(amount_minor: int, currency: str, locale: Locale | str = "en") -> str:
    """Write an amount, e.g. `$1,999.00` or `¥1,999`.

    The digits are those of ISO 4217, in which amounts are kept; those that a language usually shows may be
    fewer and would round.
    """
    digits = minor_digits(currency)
    pattern = copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    value = Decimal(amount_minor).scaleb(-digits)
    written = pattern.apply(value, locale, currency=currency, currency_digits=False)
    return _BESIDE.sub("\N{NO-BREAK SPACE}", written)


def one_line(text: str) -> str:
    """Put a text on one line: whatever is no letter, sign or space becomes a space."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
