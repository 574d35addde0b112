"""Owns what Stripe's words mean to us: statuses and codes, from plain dictionaries. Asks nobody.

A PaymentIntent that awaits a payment method again after a failed confirmation is not over at Stripe: whoever
has its client secret may try again. So it is no outcome here; the adapter ends it first.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from tasks.providers.port import Charged, Outcome, State
from tasks.providers.stripe.amounts import in_our_units

Object = Mapping[str, Any]

TIMED_OUT: Final = "payment_timeout"
DECLINED: Final = "declined"
ABANDONED: Final = "abandoned"  # our reason for ending what took too long, in Stripe's word
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Not to be told to whoever holds the card (docs.stripe.com/declines/codes).
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
    """Say whether nobody has tried to confirm it."""
    return intent["status"] in _UNCONFIRMED and not intent.get("last_payment_error")


def failure_of(intent: Object) -> str | None:
    """Say why the last confirmation failed; None where none did, or where it went on since."""
    error = intent.get("last_payment_error")
    return code_of(error) if error and intent["status"] in _UNCONFIRMED else None


def outcome_of(intent: Object) -> Outcome:
    """Tell what became of a charge, by its PaymentIntent. Only succeeded and canceled are final there."""
    status, ref = intent["status"], intent["id"]
    if status == "succeeded":
        return Outcome(State.SUCCEEDED, ref, charged=charged_of(intent))
    if status == "canceled":
        return Outcome(State.DECLINED, ref, _code_of_ended(intent))
    secret = intent.get("client_secret") if status in _FOR_SHOPPER else None
    return Outcome(State.PENDING, ref, client_secret=secret)


def charged_of(intent: Object) -> Charged | None:
    """Read what was taken: what was received, where that is told apart from what was asked for."""
    match intent:
        case {"amount_received": int(amount), "currency": str(currency)}:
            pass
        case {"amount": int(amount), "currency": str(currency)}:
            pass
        case _:
            return None
    return Charged(in_our_units(amount, currency.upper()), currency.upper())


def refund_outcome_of(refund: Object) -> Outcome:
    """Tell what became of a refund. It may fail after it succeeded, and is then not paid out."""
    status, ref = refund["status"], refund["id"]
    if status == "succeeded":
        return Outcome(State.SUCCEEDED, ref)
    if status in _REFUND_OVER:
        return Outcome(State.DECLINED, ref, as_word(refund.get("failure_reason"), f"refund_{status}"))
    return Outcome(State.PENDING, ref)


def is_refund_over(refund: Object) -> bool:
    """Say whether a refund gave nothing back and never will."""
    return refund["status"] in _REFUND_OVER


def code_of(error: Object) -> str:
    """Name a failure in one word, as much of it as a shopper may know."""
    reason = error.get("decline_code")
    return as_word(reason if reason and reason not in _DISCREET else error.get("code"), DECLINED)


def as_word(code: object, otherwise: str) -> str:
    """Take a code of Stripe's, if it is one snake_case word of a size that we keep."""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else otherwise


def _code_of_ended(intent: Object) -> str:
    if intent.get("cancellation_reason") == ABANDONED:
        return TIMED_OUT
    error = intent.get("last_payment_error")
    return code_of(error) if error else DECLINED
