"""Takes webhooks: verified, stored once by the provider's id, and applied in the same transaction."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.enums import RefundStatus
from models.errors import NotFound
from models.tables.payments import Payment, Refund, WebhookEvent
from tasks.context import Context
from tasks.payments.outcomes import OPEN, Noted, follow, is_wrong, note_charge, report_wrong
from tasks.payments.refunds import note_refund
from tasks.providers.port import Event, Outcome, State
from tasks.runtime.failpoints import failpoint

log: Final = structlog.get_logger()


def take_webhook(context: Context, provider: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Take a webhook; returns whether it was new. Afterwards it is stored, and never applied again.

    Raises:
        NotFound: there is no such provider here.
        BadSignature: it is not the provider's.
        LedgerUnavailable: it was not stored; the provider sends it again.
    """
    if provider not in context.providers:
        raise NotFound("No such payment provider.")
    event = context.providers.named(provider).read_event(body, headers)
    with context.database.transaction() as session:
        payment_id = _subject_of(session, provider, event)
        if not _store(session, provider, event, payment_id):
            return False
        noted, ring = _apply(context, session, provider, event)
    failpoint("webhook_noted")
    if event.alarm and payment_id is not None:
        log.error("provider_alarm", alarm=event.alarm, payment_id=str(payment_id), kind=event.kind)
    follow(context, noted)
    ring()
    return True


def _subject_of(session: Session, provider: str, event: Event) -> UUID | None:
    """Find the payment that an event is about, also if the provider names only its own charge."""
    if event.payment_id is not None or event.charge_ref is None:
        return event.payment_id
    by_ref = select(Payment.id).where(Payment.provider == provider, Payment.ref == event.charge_ref)
    return session.scalar(by_ref)


def _store(session: Session, provider: str, event: Event, payment_id: UUID | None) -> bool:
    storing = (
        insert(WebhookEvent)
        .values(
            provider=provider,
            event_id=event.event_id,
            kind=event.kind[:64],
            payment_id=payment_id,
            refund_id=event.refund_id,
            state=event.outcome.state if event.outcome else None,
        )
        .on_conflict_do_nothing()
        .returning(WebhookEvent.event_id)
    )
    return session.scalar(storing) is not None


def _apply(
    context: Context, session: Session, provider: str, event: Event
) -> tuple[Noted | None, Callable[[], object]]:
    """Apply a webhook; returns what it changed, and which bell is to be rung after the commit."""
    told, payment_id, refund_id = event.outcome, event.payment_id, event.refund_id
    if told is None:
        return None, _nobody
    if payment_id is not None and _is_of(session, provider, payment_id):
        if told.state != State.PENDING and not _is_doubtful(session, payment_id, told):
            return note_charge(session, payment_id, told), _nobody
        asked = _ask_about_payment(session, payment_id, told.ref)
        return None, partial(context.bell.ring_for_payment, payment_id) if asked else _nobody
    if refund_id is not None and _is_of(session, provider, _payment_of(session, refund_id)):
        if told.state != State.PENDING:
            return note_refund(session, refund_id, told), _nobody
        asked = _ask_about_refund(session, refund_id)
        return None, partial(context.bell.ring_for_refund, refund_id) if asked else _nobody
    return None, _nobody


def _is_doubtful(session: Session, payment_id: UUID, told: Outcome) -> bool:
    """Return whether an event reports another amount for an open payment: then its provider is asked.

    A webhook may be older than the provider's books, and those decide whether money goes back.
    """
    payment = session.get_one(Payment, payment_id)
    if told.state != State.SUCCEEDED or not is_wrong(payment, told.charged):
        return False
    report_wrong(payment, told.charged, said_by="webhook")
    return payment.status in OPEN


def _nobody() -> None:
    """Ring for nobody."""


def _payment_of(session: Session, refund_id: UUID) -> UUID | None:
    return session.scalar(select(Refund.payment_id).where(Refund.id == refund_id))


def _is_of(session: Session, provider: str, payment_id: UUID | None) -> bool:
    """Return whether the payment is this provider's: no provider may report on another's."""
    return session.scalar(select(Payment.provider).where(Payment.id == payment_id)) == provider


def _ask_about_payment(session: Session, payment_id: UUID, ref: str | None) -> bool:
    """Something changed without an outcome: the provider is asked what it was."""
    asking = (
        update(Payment)
        .where(Payment.id == payment_id, Payment.status.in_(OPEN))
        .values(due_at=func.now(), ref=func.coalesce(Payment.ref, ref))
        .returning(Payment.id)
    )
    return session.scalar(asking) is not None


def _ask_about_refund(session: Session, refund_id: UUID) -> bool:
    """The same for a refund. Its reference is not taken from here: it may be an earlier failed one's."""
    asking = (
        update(Refund)
        .where(Refund.id == refund_id, Refund.status == RefundStatus.PENDING)
        .values(due_at=func.now())
        .returning(Refund.id)
    )
    return session.scalar(asking) is not None
