"""Owns the looking after payments: who is due is rung for, so that no bell and no webhook is essential.

It only rings: whoever sweeps drains lines too, and must not wait for a provider. While workers are behind, it
does not ring either: bells that expire before they are answered would keep them busy, and answer nobody.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, String, case, cast, func, literal, select, update

from models.enums import PaymentStatus
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.payments.backoff import FIRST_S, LONGEST_S
from tasks.providers.sandbox import has_due
from tasks.runtime.celery_app import PAYMENTS

MOST_UNHEARD: Final = 200  # bells of the queue; fewer than are answered before a bell expires


def sweep_payments(context: Context) -> int:
    """Ring for payments, refunds, mails and the sandbox's webhooks that are due; returns how many bells.

    None while the broker is away, or `MOST_UNHEARD` bells wait there to be answered.

    Raises:
        LedgerUnavailable: PostgreSQL is away.
    """
    unheard = context.bell.unheard(PAYMENTS)
    if unheard is None or unheard >= MOST_UNHEARD:
        return 0
    rung = 0
    for payment_id in _claim_due(context, Payment, MOST_UNHEARD - unheard):
        rung += context.bell.ring_for_payment(payment_id)
    for refund_id in _claim_due(context, Refund, MOST_UNHEARD - unheard):
        rung += context.bell.ring_for_refund(refund_id)
    if has_due(context.database):
        rung += context.bell.ring_for_webhooks()
    if context.mailer.has_due():
        rung += context.bell.ring_for_mails()
    return rung


def _attempts(rows: type[Payment] | type[Refund]) -> ColumnElement[int]:
    """Count how often a provider was asked. A late charge asks none any more: our own stores decide it."""
    if rows is Refund:
        return Refund.attempts.expression
    return case((Payment.status == PaymentStatus.LATE, 0), else_=Payment.attempts)


def _claim_due(context: Context, rows: type[Payment] | type[Refund], most: int) -> list[UUID]:
    """Find what is due, and let it be due again later, so that one bell rings and not one of every sweep."""
    due = (
        select(rows.id)
        .where(rows.due_at <= func.now())
        .order_by(rows.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    with context.database.transaction() as session:
        ids = list(session.scalars(due))
        if ids:
            later = func.least(FIRST_S * func.power(2, func.least(_attempts(rows), 16)), LONGEST_S)
            pause = cast(cast(later, String) + literal(" seconds"), Interval)
            session.execute(update(rows).where(rows.id.in_(ids)).values(due_at=func.now() + pause))
    return ids
