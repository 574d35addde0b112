"""Converts amounts for Stripe: ours are in ISO 4217's minor units, and Stripe's nearly so.

The exceptions are Stripe's (docs.stripe.com/currencies, "special cases" and "three-decimal currencies").
"""

from fractions import Fraction
from typing import Final

# ISO 4217 gives ISK and UGX no minor unit and MGA two digits; Stripe kept them as they once were.
_SCALES: Final = {"ISK": Fraction(100), "UGX": Fraction(100), "MGA": Fraction(1, 100)}
_STEP_10: Final = ("BHD", "JOD", "KWD", "OMR", "TND")  # three digits, of which the last must be 0


def scale_of(currency: str) -> Fraction:
    """Return the factor from our amounts to Stripe's."""
    return _SCALES.get(currency, Fraction(1))


def in_our_units(amount: int, currency: str) -> Fraction:
    """Convert an amount of Stripe's exactly: what was charged may not be what we requested."""
    return amount / scale_of(currency)


def in_units_of_stripe(amount_minor: int, currency: str) -> int | None:
    """Convert an amount for Stripe; None if Stripe cannot charge exactly that."""
    amount = amount_minor * scale_of(currency)
    if amount.denominator != 1 or (currency in _STEP_10 and amount % 10):
        return None
    return int(amount)
