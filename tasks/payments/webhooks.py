"""Owns the taking of webhooks: verified, stored once by the provider's id, and applied in the same step."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.payments import Payment, Refund, WebhookEvent
from tasks.context import Context
from tasks.failpoints import failpoint
from tasks.payments.outcomes import OPEN, Noted, follow, note_charge
from tasks.payments.port import Event, State
from tasks.payments.refunds import note_refund


def take_webhook(context: Context, provider: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Take a webhook; says whether it was the first time. Afterwards it is stored, and never applied again.

    Raises:
        NotFound: there is no such provider here.
        BadSignature: it is not the provider's.
        LedgerUnavailable: it was not taken; the provider sends it again.
    """
    if provider not in context.providers:
        raise NotFound("No such payment provider.")
    event = context.providers.named(provider).read_event(body, headers)
    with context.database.transaction() as session:
        if not _store(session, provider, event):
            return False
        noted, again = _apply(session, provider, event)
    failpoint("webhook_noted")
    follow(context, noted)
    if again is not None:
        context.bell.ring_for_payment(again)
    return True


def _store(session: Session, provider: str, event: Event) -> bool:
    storing = (
        insert(WebhookEvent)
        .values(
            provider=provider,
            event_id=event.event_id,
            kind=event.kind[:64],
            payment_id=event.payment_id,
            refund_id=event.refund_id,
            state=event.outcome.state if event.outcome else None,
        )
        .on_conflict_do_nothing()
        .returning(WebhookEvent.event_id)
    )
    return session.scalar(storing) is not None


def _apply(session: Session, provider: str, event: Event) -> tuple[Noted | None, UUID | None]:
    """Apply a webhook; says what it changed, and which payment wants to be asked about again."""
    if event.outcome is None:
        return None, None
    if event.payment_id is not None and _is_of(session, provider, event.payment_id):
        if event.outcome.state == State.PENDING:
            return None, _ask_again(session, event.payment_id)
        return note_charge(session, event.payment_id, event.outcome), None
    if event.refund_id is not None:
        payment_id = session.scalar(select(Refund.payment_id).where(Refund.id == event.refund_id))
        if payment_id is not None and _is_of(session, provider, payment_id):
            return note_refund(session, event.refund_id, event.outcome), None
    return None, None


def _is_of(session: Session, provider: str, payment_id: UUID) -> bool:
    """Say whether the payment is this provider's: none may speak of another's."""
    return session.scalar(select(Payment.provider).where(Payment.id == payment_id)) == provider


def _ask_again(session: Session, payment_id: UUID) -> UUID | None:
    """Something moved without an outcome: what it was, the provider says when it is asked."""
    asking = (
        update(Payment)
        .where(Payment.id == payment_id, Payment.status.in_(OPEN))
        .values(due_at=func.now())
        .returning(Payment.id)
    )
    return session.scalar(asking)
