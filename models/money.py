"""Amounts: how many digits the minor unit of a currency has (ISO 4217), and how people read one."""

import re
from copy import copy
from decimal import Decimal
from typing import Final

from babel import Locale

# Where it is not 2; `web/static/js/common/format.js` has the same.
MINOR_DIGITS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS_OF: Final = {name: digits for digits, names in MINOR_DIGITS.items() for name in names.split()}
# A currency's letters do not touch its digits (CLDR's currencySpacing, which babel leaves out).
_BESIDE: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def minor_digits(currency: str) -> int:
    """How many digits the currency's minor unit has."""
    return _DIGITS_OF.get(currency, 2)


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
