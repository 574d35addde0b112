"""Owns which methods of payment are accepted for Stripe, and what each asks of it. Knows no network."""

import re
from typing import Final

from tasks.providers.port import Step

BROWSER: Final = "payment_element"  # the shopper's browser or app enters how to pay, and confirms
_PAYMENT_METHOD: Final = re.compile(r"pm_[A-Za-z0-9_]{1,61}")
_CONFIRMATION_TOKEN: Final = re.compile(r"ctoken_[A-Za-z0-9_]{1,57}")


def accepts(method: str) -> bool:
    """Say whether this looks like a method: the browser's, a PaymentMethod or a ConfirmationToken."""
    return method == BROWSER or bool(confirmation_of(method))


def confirmation_of(method: str) -> dict[str, str]:
    """Say with what a PaymentIntent is confirmed by us; empty where the browser does that."""
    if _PAYMENT_METHOD.fullmatch(method):
        return {"payment_method": method}
    return {"confirmation_token": method} if _CONFIRMATION_TOKEN.fullmatch(method) else {}


def redirects_of(method: str) -> str:
    """Say whether the shopper may be sent to another site: a bare PaymentMethod names no way back."""
    return "never" if _PAYMENT_METHOD.fullmatch(method) else "always"


def step_of(method: str) -> Step:
    """Name what the shopper has to do with a client secret."""
    return Step.CONFIRM if method == BROWSER else Step.AUTHENTICATE
