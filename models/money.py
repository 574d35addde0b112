"""The number of digits of a currency's minor unit (ISO 4217); amounts are kept in minor units."""

from typing import Final

# Where it is not 2; `web/static/js/format.js` has the same.
MINOR_DIGITS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS_OF: Final = {name: digits for digits, names in MINOR_DIGITS.items() for name in names.split()}


def minor_digits(currency: str) -> int:
    """How many digits the currency's minor unit has."""
    return _DIGITS_OF.get(currency, 2)
