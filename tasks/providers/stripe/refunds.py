"""Refunds as Stripe has them: the whole of a charge goes back, or what is left of it, once.

Stripe gives back no more than was charged, whatever the keys; so what a key's saved answer hides may be
requested again by another key.
"""

import uuid
from typing import Final

import stripe
import structlog

from tasks.providers.port import Outcome, ProviderUnavailable, Refund, State
from tasks.providers.stripe.client import is_replayed
from tasks.providers.stripe.failures import NeverTold, asking, report_refusal
from tasks.providers.stripe.states import DECLINED, Object, as_word, is_refund_over, refund_outcome_of

log: Final = structlog.get_logger()

_GIVEN_BACK: Final = "charge_already_refunded"
_MOST: Final = 100  # refunds of one charge that are looked through


class Refunds:
    """The refunds of our payments; every method may be called again and at once."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._refunds = client.v1.refunds

    def refund(self, request: Refund) -> Outcome:
        """Refund a charge, or find out what became of that."""
        if request.ref:
            return refund_outcome_of(self._look(request, request.ref))
        try:
            refund, is_new = self._make(request, str(request.refund_id))
        except NeverTold:
            return self._again(request)
        except stripe.InvalidRequestError as error:
            is_old = is_replayed(error.headers) and error.code != _GIVEN_BACK
            return self._again(request) if is_old else self._judge_refusal(request, error)
        if is_new:
            return refund_outcome_of(refund)
        refund = self._look(request, refund["id"])
        return self._again(request) if is_refund_over(refund) else refund_outcome_of(refund)

    def _again(self, request: Refund) -> Outcome:
        """Ask with a new key: the refund's own key returns an old failure."""
        try:
            refund, _ = self._make(request, f"{request.refund_id}-{uuid.uuid4()}")
        except stripe.InvalidRequestError as error:
            return self._judge_refusal(request, error)
        return refund_outcome_of(refund)

    def _make(self, request: Refund, key: str) -> tuple[Object, bool]:
        with asking("refund", request.refund_id):
            made = self._refunds.create(
                {
                    "payment_intent": request.charge_ref,
                    "metadata": {"refund_id": str(request.refund_id), "payment_id": str(request.payment_id)},
                },
                {"idempotency_key": key},
            )
        return made.to_dict(), not is_replayed(made.last_response and made.last_response.headers)

    def _judge_refusal(self, request: Refund, error: stripe.InvalidRequestError) -> Outcome:
        if error.code == _GIVEN_BACK:
            return self._learn(request)
        report_refusal("refund", request.refund_id, error)
        return Outcome(State.DECLINED, code=as_word(error.code, DECLINED))

    def _learn(self, request: Refund) -> Outcome:
        """Find the refund that exists already, made by us without an answer, or by a person at Stripe."""
        with asking("list refunds", request.refund_id):
            listed = self._refunds.list({"payment_intent": request.charge_ref, "limit": _MOST})
        standing = [one.to_dict() for one in listed.data]
        standing = [one for one in standing if not is_refund_over(one)]
        ours = [
            one for one in standing if (one.get("metadata") or {}).get("refund_id") == str(request.refund_id)
        ]
        if not standing:
            raise ProviderUnavailable("Stripe says that the charge was given back, and lists no refund.")
        if not ours:
            log.warning("stripe_refunded_elsewhere", refund_id=str(request.refund_id), ref=standing[0]["id"])
        return refund_outcome_of((ours or standing)[0])

    def _look(self, request: Refund, ref: str) -> Object:
        try:
            with asking("retrieve refund", request.refund_id):
                return self._refunds.retrieve(ref).to_dict()
        except stripe.InvalidRequestError as error:  # that says nothing of the refund
            report_refusal("retrieve refund", request.refund_id, error)
            raise ProviderUnavailable(f"Stripe does not show {ref}.") from error
