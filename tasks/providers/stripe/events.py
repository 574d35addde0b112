"""Reads Stripe's webhooks. Uses neither network nor library; the signature was checked before.

An event shows its object as it was when the event arose, and events come in any order. So only what is final
at Stripe is taken from one: that a PaymentIntent succeeded or was canceled. Everything else is a bell: the
payment or the refund is asked about again.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from tasks.providers.port import BadSignature, Event, Outcome, State
from tasks.providers.stripe.states import Object, is_refund_over, outcome_of

_FINAL: Final = ("payment_intent.succeeded", "payment_intent.canceled")
_MOVED: Final = (
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.amount_capturable_updated",
)
_REFUND: Final = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
_MOST_ID: Final = 255


def read_payload(body: bytes) -> Event:
    """Read a body whose signature is known to be good. Foreign objects and other kinds are ignored.

    Raises:
        BadSignature: it does not have the shape of Stripe's events.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadSignature("The body is not JSON.") from error
    event_id, kind, subject = _parts_of(told)
    if kind in _FINAL or kind in _MOVED:
        return _of_payment(event_id, kind, subject)
    if kind in _REFUND:
        return _of_refund(event_id, kind, subject)
    if kind == "charge.refunded":
        return Event(event_id, kind, payment_id=_our_id(subject, "payment_id"))
    if kind.startswith("charge.dispute."):
        return Event(event_id, kind, charge_ref=_name(subject, "payment_intent"), alarm="charge_disputed")
    return Event(event_id, kind)


def _parts_of(told: Any) -> tuple[str, str, Object]:
    match told:
        case {
            "object": "event",
            "id": str(event_id),
            "type": str(kind),
            "data": {"object": dict(subject)},
        } if 0 < len(event_id) <= _MOST_ID:
            return event_id, kind, subject
    raise BadSignature("The body is not an event of Stripe's.")


def _of_payment(event_id: str, kind: str, intent: Object) -> Event:
    payment_id, ref = _our_id(intent, "payment_id"), _name(intent, "id")
    if payment_id is None or ref is None:
        return Event(event_id, kind)
    if kind in _FINAL:
        final = {**intent, "status": kind.removeprefix("payment_intent.")}
        return Event(event_id, kind, payment_id=payment_id, outcome=outcome_of(final))
    return Event(event_id, kind, payment_id=payment_id, outcome=Outcome(State.PENDING, ref))


def _of_refund(event_id: str, kind: str, refund: Object) -> Event:
    """A refund may fail long after it succeeded; one that is not ours was made by hand at Stripe."""
    refund_id, ref = _our_id(refund, "refund_id"), _name(refund, "id")
    charge_ref = _name(refund, "payment_intent")
    if refund_id is None or ref is None:
        return Event(event_id, kind, charge_ref=charge_ref, alarm="refunded_elsewhere")
    alarm = "refund_failed" if is_refund_over({"status": refund.get("status")}) else None
    outcome = Outcome(State.PENDING, ref)
    return Event(event_id, kind, refund_id=refund_id, outcome=outcome, charge_ref=charge_ref, alarm=alarm)


def _our_id(subject: Object, name: str) -> UUID | None:
    """Read an id of ours from what we wrote on an object; None on objects of others."""
    metadata = subject.get("metadata")
    value = metadata.get(name) if isinstance(metadata, Mapping) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _name(subject: Object, field: str) -> str | None:
    """Read the id of a referenced object, which may be expanded in its place."""
    value = subject.get(field)
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) and 0 < len(value) <= _MOST_ID else None
