"""Takes webhooks: verified, stored once by the provider's id, and applied in the same transaction.

Those that arrive together are stored and applied together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.enums import RefundStatus
from models.errors import NotFound
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.payments.outcomes import (
    OPEN,
    Noted,
    Told,
    follow,
    is_known,
    is_wrong,
    note_charge,
    note_charges,
    report_wrong,
)
from tasks.payments.received import Received, forget_events, key_of, store_event, store_events
from tasks.payments.refunds import note_refund
from tasks.providers.port import Event, Outcome, State
from tasks.runtime.failpoints import failpoint
from tasks.runtime.isolation import together_or_alone

log: Final = structlog.get_logger()


def take_webhook(context: Context, provider: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Take a webhook; returns whether it was new. Afterwards it is stored, and never applied again.

    Raises:
        NotFound: there is no such provider here.
        BadSignature: it is not the provider's.
        LedgerUnavailable: it was not stored; the provider sends it again.
    """
    [is_new] = take_events(context, [read_event(context, provider, body, headers)])
    if isinstance(is_new, Exception):
        raise is_new
    return is_new


def read_event(context: Context, provider: str, body: bytes, headers: Mapping[str, str]) -> Received:
    """Verify and read a webhook."""
    if provider not in context.providers:
        raise NotFound("No such payment provider.")
    return provider, context.providers.named(provider).read_event(body, headers)


def take_events(context: Context, received: Sequence[Received]) -> list[bool | Exception]:
    """Take webhooks that were verified, together; returns for each whether it was new."""
    return together_or_alone(received, partial(_take_together, context), partial(_take_one, context))


def _take_one(context: Context, received: Received) -> bool:
    provider, event = received
    with context.database.transaction() as session:
        payment_id = _subject_of(session, provider, event)
        if not store_event(session, received, payment_id):
            return False
        noted, ring = _apply(context, session, provider, event)
    failpoint("webhook_noted")
    if event.alarm and payment_id is not None:
        log.error("provider_alarm", alarm=event.alarm, payment_id=str(payment_id), kind=event.kind)
    follow(context, [noted])
    ring()
    return True


def _take_together(context: Context, received: Sequence[Received]) -> dict[int, bool]:
    """Take those that say what became of a charge in one transaction; returns by place which were new.

    Left out is what needs more: refunds, what is to be asked about, another amount than was asked for, and
    payments that somebody else has locked.
    """
    final = {at: one for at, one in enumerate(received) if _is_final(one)}
    if not final:
        return {}
    with context.database.transaction() as session:
        payments = _payments_of(session, final.values())
        fit = {at: one for at, one in final.items() if not _is_about_another_amount(payments, one)}
        first_at = {key_of(fit[at]): at for at in sorted(fit, reverse=True)}
        new = store_events(session, [fit[at] for at in first_at.values()])
        news = [one for key in sorted(new) if _is_news(payments, one := fit[first_at[key]])]
        noted = note_charges(session, [_told_by(event) for _, event in news])
        locked = [one for place, one in enumerate(news) if place not in noted]
        forget_events(session, locked)
    failpoint("webhook_noted")
    follow(context, list(noted.values()))
    left = {key_of(one) for one in locked}
    return {
        at: key_of(one) in new and first_at[key_of(one)] == at
        for at, one in fit.items()
        if key_of(one) not in left
    }


def _is_final(received: Received) -> bool:
    _, event = received
    told = event.outcome
    is_told = event.payment_id is not None and told is not None and told.state != State.PENDING
    return is_told and event.alarm is None


def _told_by(event: Event) -> Told:
    """What an event says of a charge.

    Raises:
        ValueError: it says nothing of one.
    """
    if event.payment_id is None or event.outcome is None:
        raise ValueError(f"The event {event.event_id} tells of no charge.")
    return event.payment_id, event.outcome


def _payments_of(session: Session, received: Iterable[Received]) -> dict[UUID, Payment]:
    ids = {event.payment_id for _, event in received}
    return {one.id: one for one in session.scalars(select(Payment).where(Payment.id.in_(ids)))}


def _is_about_another_amount(payments: Mapping[UUID, Payment], received: Received) -> bool:
    payment_id, told = _told_by(received[1])
    payment = payments.get(payment_id)
    return payment is not None and told.state == State.SUCCEEDED and is_wrong(payment, told.charged)


def _is_news(payments: Mapping[UUID, Payment], received: Received) -> bool:
    """Return whether an event may change its payment. No provider may report on another's."""
    payment_id, told = _told_by(received[1])
    payment = payments.get(payment_id)
    return payment is not None and payment.provider == received[0] and not is_known(payment, told)


def _subject_of(session: Session, provider: str, event: Event) -> UUID | None:
    """Find the payment that an event is about, also if the provider names only its own charge."""
    if event.payment_id is not None or event.charge_ref is None:
        return event.payment_id
    by_ref = select(Payment.id).where(Payment.provider == provider, Payment.ref == event.charge_ref)
    return session.scalar(by_ref)


def _apply(
    context: Context, session: Session, provider: str, event: Event
) -> tuple[Noted | None, Callable[[], object]]:
    """Apply a webhook; returns what it changed, and which bell is to be rung after the commit."""
    told, payment_id, refund_id = event.outcome, event.payment_id, event.refund_id
    if told is None:
        return None, _nobody
    if payment_id is not None and _is_of(session, provider, payment_id):
        if told.state != State.PENDING and not _is_doubtful(session, payment_id, told):
            is_old = is_known(session.get_one(Payment, payment_id), told)  # to know that takes no lock
            return None if is_old else note_charge(session, payment_id, told), _nobody
        asked = _ask_about_payment(session, payment_id, told.ref)
        return None, context.bell.ring_for_payments if asked else _nobody
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
