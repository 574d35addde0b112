"""Charges as Stripe has them: PaymentIntents, each created first and confirmed in a request of its own.

So no money moves under a PaymentIntent whose id was never learned: one that is unconfirmed is harmless, may
be created again, and is ended by its id (decision 16).
"""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import stripe
import structlog

from tasks.providers.port import Charge, Outcome, ProviderUnavailable, State
from tasks.providers.stripe.amounts import in_units_of_stripe
from tasks.providers.stripe.client import is_replayed
from tasks.providers.stripe.failures import OF_THE_SHOPPER, NeverTold, asking, report_refusal
from tasks.providers.stripe.methods import confirmation_of, redirects_of
from tasks.providers.stripe.states import (
    ABANDONED,
    DECLINED,
    TIMED_OUT,
    Object,
    as_word,
    code_of,
    failure_of,
    is_unconfirmed,
    outcome_of,
)

if TYPE_CHECKING:
    from stripe.params import PaymentIntentConfirmParams as Confirmation

log: Final = structlog.get_logger()

AGAIN: Final = "-again"  # of the second key, if the first never gives a useful answer
_MOVED_ON: Final = "payment_intent_unexpected_state"


class Intents:
    """The PaymentIntents of our payments; every method may be called again and at once."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._intents = client.v1.payment_intents

    def charge(self, charge: Charge) -> Outcome:
        """Begin a charge, or find out what became of it. A failed confirmation is its end."""
        amount = in_units_of_stripe(charge.amount_minor, charge.currency)
        if amount is None:
            log.error("stripe_cannot_charge", payment_id=str(charge.payment_id), currency=charge.currency)
            return Outcome(State.DECLINED, code="amount_not_payable")
        try:
            intent = self._look(charge, charge.ref) if charge.ref else self._find(charge)
        except stripe.InvalidRequestError as error:
            report_refusal("create", charge.payment_id, error)
            return Outcome(State.DECLINED, code=as_word(error.code, DECLINED))  # there is no PaymentIntent
        if confirmation_of(charge.method) and is_unconfirmed(intent):
            return self._confirm(charge, intent["id"])
        return self._judge(charge, intent)

    def cancel(self, charge: Charge) -> Outcome:
        """End a charge, also one whose creation was never answered."""
        refs = [charge.ref] if charge.ref else self._all_of(charge)
        outcomes = [self._end(charge, ref, TIMED_OUT, reason=ABANDONED) for ref in refs]
        return min(outcomes, key=_weight, default=Outcome(State.DECLINED, code=TIMED_OUT))

    def _make(self, charge: Charge, *, again: str = "") -> tuple[Object, bool]:
        """Create the PaymentIntent, or get the saved answer of that; returns whether it is the first."""
        with asking("create", charge.payment_id):
            made = self._intents.create(
                {
                    "amount": in_units_of_stripe(charge.amount_minor, charge.currency) or 0,
                    "currency": charge.currency.lower(),
                    "automatic_payment_methods": {
                        "enabled": True,
                        "allow_redirects": redirects_of(charge.method),
                    },
                    "metadata": {"payment_id": str(charge.payment_id), "order_id": str(charge.order_id)},
                },
                {"idempotency_key": f"{charge.payment_id}{again}"},
            )
        return made.to_dict(), not is_replayed(made.last_response and made.last_response.headers)

    def _find(self, charge: Charge) -> Object:
        """Create the PaymentIntent, or find out the state of the one that was created.

        If the key never gives a useful answer, another is created by another key, unless the search finds
        one. Only one of them can be confirmed: the confirmation has one key, which Stripe takes for one of
        them only.
        """
        try:
            intent, is_new = self._make(charge)
        except NeverTold:
            if found := self._search(charge):
                return next((one for one in found if not is_unconfirmed(one)), found[0])
            intent, is_new = self._make(charge, again=AGAIN)
        return intent if is_new else self._look(charge, intent["id"])  # a saved answer is an old state

    def _all_of(self, charge: Charge) -> list[str]:
        """Find every PaymentIntent of a payment whose id was never told.

        Within a day the key tells. When it is forgotten, a new one is made by asking, and an older one is
        found by what we wrote on it: the search is a minute behind, and a day is more. Where no key tells,
        nobody learned a name by them: what was confirmed was found by the search, which finds it again.
        """
        refs: list[str] = []
        try:
            intent, is_new = self._make(charge)
            if not is_new:
                return [intent["id"]]
            refs = [intent["id"]]
        except stripe.InvalidRequestError as error:
            report_refusal("create", charge.payment_id, error)
        except NeverTold:
            with suppress(NeverTold):
                refs = [self._make(charge, again=AGAIN)[0]["id"]]
        return list(dict.fromkeys([*refs, *(one["id"] for one in self._search(charge))]))

    def _search(self, charge: Charge) -> list[Object]:
        try:
            with asking("search", charge.payment_id):
                found = self._intents.search({"query": f'metadata["payment_id"]:"{charge.payment_id}"'})
        except stripe.InvalidRequestError as error:  # some accounts have no search
            report_refusal("search", charge.payment_id, error)
            return []
        return [one.to_dict() for one in found.data]

    def _look(self, charge: Charge, ref: str) -> Object:
        try:
            with asking("retrieve", charge.payment_id):
                return self._intents.retrieve(ref).to_dict()
        except stripe.InvalidRequestError as error:  # that says nothing of the charge
            report_refusal("retrieve", charge.payment_id, error)
            raise ProviderUnavailable(f"Stripe does not show {ref}.") from error

    def _confirm(self, charge: Charge, ref: str) -> Outcome:
        try:
            with asking("confirm", charge.payment_id):
                confirmed = self._intents.confirm(
                    ref,
                    cast("Confirmation", {**confirmation_of(charge.method), "use_stripe_sdk": True}),
                    {"idempotency_key": f"{charge.payment_id}-confirm"},
                )
        except stripe.CardError as error:
            return self._end(charge, ref, code_of(_body_of(error)))
        except stripe.InvalidRequestError as error:
            return self._judge_refusal(charge, ref, error)
        is_old = is_replayed(confirmed.last_response and confirmed.last_response.headers)
        return self._judge(charge, self._look(charge, ref) if is_old else confirmed.to_dict())

    def _judge(self, charge: Charge, intent: Object) -> Outcome:
        code = failure_of(intent)
        return outcome_of(intent) if code is None else self._end(charge, intent["id"], code)

    def _judge_refusal(self, charge: Charge, ref: str, error: stripe.InvalidRequestError) -> Outcome:
        """A confirmation that Stripe refused: another request was quicker, or it is impossible."""
        if error.code == _MOVED_ON:
            intent = self._look(charge, ref)
            if is_unconfirmed(intent):
                raise ProviderUnavailable("Stripe neither confirms nor says why.") from error
            return self._judge(charge, intent)
        if error.param not in OF_THE_SHOPPER:
            report_refusal("confirm", charge.payment_id, error)
        return self._end(charge, ref, as_word(error.code, DECLINED))

    def _end(self, charge: Charge, ref: str, code: str, *, reason: str | None = None) -> Outcome:
        """End a PaymentIntent, so that no other attempt can be made on it; `code` says why it was ended.

        Without an idempotency key: what could not be ended a moment ago may be ended now.
        """
        try:
            with asking("cancel", charge.payment_id):
                intent: Object = self._intents.cancel(
                    ref, {"cancellation_reason": reason} if reason else {}
                ).to_dict()
        except stripe.InvalidRequestError:
            intent = self._look(charge, ref)
        outcome = replace(outcome_of(intent), client_secret=None)
        return replace(outcome, code=code) if outcome.state == State.DECLINED else outcome


def _weight(outcome: Outcome) -> int:
    """Rank the outcomes of one payment: charged counts most, then open, then ended."""
    return (State.SUCCEEDED, State.PENDING, State.DECLINED).index(outcome.state)


def _body_of(error: stripe.StripeError) -> Object:
    body = error.json_body
    told = body.get("error") if isinstance(body, dict) else None
    return told if isinstance(told, dict) else {}
