"""The payment methods that are accepted for Stripe, and what each requires of it. Uses no network."""

import re
from typing import Final

from tasks.providers.port import Step

BROWSER: Final = (
    "payment_element"  # the shopper enters how to pay in their browser or app, and confirms there
)
_PAYMENT_METHOD: Final = re.compile(r"pm_[A-Za-z0-9_]{1,61}")
_CONFIRMATION_TOKEN: Final = re.compile(r"ctoken_[A-Za-z0-9_]{1,57}")


def accepts(method: str) -> bool:
    """Return whether this looks like a method: the browser's, a PaymentMethod or a ConfirmationToken."""
    return method == BROWSER or bool(confirmation_of(method))


def confirmation_of(method: str) -> dict[str, str]:
    """Return the parameters to confirm a PaymentIntent; empty if the browser confirms."""
    if _PAYMENT_METHOD.fullmatch(method):
        return {"payment_method": method}
    return {"confirmation_token": method} if _CONFIRMATION_TOKEN.fullmatch(method) else {}


def redirects_of(method: str) -> str:
    """Return whether the shopper may be redirected: a bare PaymentMethod names no URL to return to."""
    return "never" if _PAYMENT_METHOD.fullmatch(method) else "always"


def step_of(method: str) -> Step:
    """Return what the shopper has to do with a client secret."""
    return Step.CONFIRM if method == BROWSER else Step.AUTHENTICATE
