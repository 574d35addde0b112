"""Stripe's words and amounts, and ours."""

from fractions import Fraction

import pytest

from models.money import minor_digits
from tasks.providers.port import Outcome, State
from tasks.providers.stripe.amounts import in_units_of_stripe, scale_of
from tasks.providers.stripe.states import code_of, failure_of, is_unconfirmed, outcome_of, refund_outcome_of

WHOLE = [
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "JPY",
    "KMF",
    "KRW",
    "MGA",
    "PYG",
    "RWF",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
]
# docs.stripe.com/currencies: what an amount of 1 in the API is, in units of the currency.
STRIPE_UNITS = {
    **dict.fromkeys(WHOLE, Fraction(1)),
    **dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], Fraction(1, 1000)),
    **dict.fromkeys(["USD", "EUR", "GBP", "CHF", "HUF", "TWD", "ISK", "UGX"], Fraction(1, 100)),
}


@pytest.mark.parametrize("currency", STRIPE_UNITS)
def test_an_amount_is_the_same_money_at_stripe(currency: str) -> None:
    minor = 12_300
    written = in_units_of_stripe(minor, currency)
    assert written is not None
    assert written * STRIPE_UNITS[currency] == minor * Fraction(1, 10 ** minor_digits(currency))


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (1999, "USD", 1999),
        (500, "JPY", 500),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (700, "MGA", 7),
        (750, "MGA", None),
        (5120, "KWD", 5120),
        (5124, "KWD", None),
        (5124, "TND", None),
    ],
)
def test_what_stripe_cannot_charge_exactly_is_not_charged(
    minor: int, currency: str, written: int | None
) -> None:
    assert in_units_of_stripe(minor, currency) == written


def test_most_amounts_are_written_as_they_are() -> None:
    assert scale_of("USD") == scale_of("JPY") == scale_of("KWD") == 1


def intent(status: str, **more: object) -> dict[str, object]:
    return {"id": "pi_1", "status": status, "client_secret": "s", **more}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("requires_payment_method", Outcome(State.PENDING, "pi_1", client_secret="s")),
        ("requires_confirmation", Outcome(State.PENDING, "pi_1", client_secret="s")),
        ("requires_action", Outcome(State.PENDING, "pi_1", client_secret="s")),
        ("processing", Outcome(State.PENDING, "pi_1")),
        ("requires_capture", Outcome(State.PENDING, "pi_1")),
        ("succeeded", Outcome(State.SUCCEEDED, "pi_1")),
        ("canceled", Outcome(State.DECLINED, "pi_1", "declined")),
        ("a_new_status", Outcome(State.PENDING, "pi_1")),
    ],
)
def test_each_status_has_its_meaning(status: str, outcome: Outcome) -> None:
    assert outcome_of(intent(status)) == outcome


def test_an_end_says_why_where_stripe_knows() -> None:
    assert outcome_of(intent("canceled", cancellation_reason="abandoned")).code == "payment_timeout"
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    assert outcome_of(intent("canceled", last_payment_error=error)).code == "insufficient_funds"


def test_a_failed_confirmation_is_told_apart_from_none() -> None:
    error = {"code": "expired_card"}
    assert is_unconfirmed(intent("requires_payment_method"))
    assert not is_unconfirmed(intent("requires_payment_method", last_payment_error=error))
    assert not is_unconfirmed(intent("succeeded"))
    assert failure_of(intent("requires_payment_method")) is None
    assert failure_of(intent("requires_payment_method", last_payment_error=error)) == "expired_card"
    assert failure_of(intent("processing", last_payment_error=error)) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "insufficient_funds"),
        ({"code": "card_declined", "decline_code": "stolen_card"}, "card_declined"),
        ({"code": "card_declined", "decline_code": "generic_decline"}, "card_declined"),
        ({"code": "incorrect_cvc"}, "incorrect_cvc"),
        ({"code": "No Such Thing!"}, "declined"),
        ({"code": "x" * 65}, "declined"),
        ({"code": 7}, "declined"),
        ({}, "declined"),
    ],
)
def test_codes_are_single_words_and_discreet(error: dict[str, object], code: str) -> None:
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("status", "reason", "outcome"),
    [
        ("pending", None, Outcome(State.PENDING, "re_1")),
        ("requires_action", None, Outcome(State.PENDING, "re_1")),
        ("succeeded", None, Outcome(State.SUCCEEDED, "re_1")),
        ("failed", "lost_or_stolen_card", Outcome(State.DECLINED, "re_1", "lost_or_stolen_card")),
        ("failed", None, Outcome(State.DECLINED, "re_1", "refund_failed")),
        ("canceled", None, Outcome(State.DECLINED, "re_1", "refund_canceled")),
    ],
)
def test_each_status_of_a_refund_has_its_meaning(status: str, reason: str | None, outcome: Outcome) -> None:
    assert refund_outcome_of({"id": "re_1", "status": status, "failure_reason": reason}) == outcome
