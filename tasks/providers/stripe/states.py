"""Translates Stripe's statuses and codes to ours, from plain dictionaries. Uses no network.

A PaymentIntent that awaits a payment method again after a failed confirmation is not over at Stripe: anybody
who has its client secret may try again. So it is no outcome here; the adapter ends it first.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from tasks.providers.port import Charged, Outcome, State
from tasks.providers.stripe.amounts import in_our_units

Object = Mapping[str, Any]

TIMED_OUT: Final = "payment_timeout"
DECLINED: Final = "declined"
ABANDONED: Final = "abandoned"  # our reason for ending what took too long, in Stripe's term
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Not to be told to the card's holder (docs.stripe.com/declines/codes).
_DISCREET: Final = {
    "fraudulent",
    "generic_decline",
    "lost_card",
    "merchant_blacklist",
    "pickup_card",
    "restricted_card",
    "security_violation",
    "stolen_card",
}
_UNCONFIRMED: Final = ("requires_payment_method", "requires_confirmation")
_FOR_SHOPPER: Final = (*_UNCONFIRMED, "requires_action")
_REFUND_OVER: Final = ("failed", "canceled")


def is_unconfirmed(intent: Object) -> bool:
    """Return whether nobody has tried to confirm it."""
    return intent["status"] in _UNCONFIRMED and not intent.get("last_payment_error")


def failure_of(intent: Object) -> str | None:
    """Return why the last confirmation failed; None if none did, or if it went on since."""
    error = intent.get("last_payment_error")
    return code_of(error) if error and intent["status"] in _UNCONFIRMED else None


def outcome_of(intent: Object) -> Outcome:
    """Return what became of a charge, by its PaymentIntent. Only succeeded and canceled are final there."""
    status, ref = intent["status"], intent["id"]
    if status == "succeeded":
        return Outcome(State.SUCCEEDED, ref, charged=charged_of(intent))
    if status == "canceled":
        return Outcome(State.DECLINED, ref, _code_of_ended(intent))
    secret = intent.get("client_secret") if status in _FOR_SHOPPER else None
    return Outcome(State.PENDING, ref, client_secret=secret)


def charged_of(intent: Object) -> Charged | None:
    """Read what was charged: the amount received, if that differs from the amount requested."""
    match intent:
        case {"amount_received": int(amount), "currency": str(currency)}:
            pass
        case {"amount": int(amount), "currency": str(currency)}:
            pass
        case _:
            return None
    return Charged(in_our_units(amount, currency.upper()), currency.upper())


def refund_outcome_of(refund: Object) -> Outcome:
    """Return what became of a refund. It may fail after it succeeded, and is then not paid out."""
    status, ref = refund["status"], refund["id"]
    if status == "succeeded":
        return Outcome(State.SUCCEEDED, ref)
    if status in _REFUND_OVER:
        return Outcome(State.DECLINED, ref, as_word(refund.get("failure_reason"), f"refund_{status}"))
    return Outcome(State.PENDING, ref)


def is_refund_over(refund: Object) -> bool:
    """Return whether a refund paid nothing back and never will."""
    return refund["status"] in _REFUND_OVER


def code_of(error: Object) -> str:
    """Return a failure's code, as far as a shopper may know it."""
    reason = error.get("decline_code")
    return as_word(reason if reason and reason not in _DISCREET else error.get("code"), DECLINED)


def as_word(code: object, otherwise: str) -> str:
    """Return Stripe's code if it is a snake_case word that fits our column, else `otherwise`."""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else otherwise


def _code_of_ended(intent: Object) -> str:
    if intent.get("cancellation_reason") == ABANDONED:
        return TIMED_OUT
    error = intent.get("last_payment_error")
    return code_of(error) if error else DECLINED
