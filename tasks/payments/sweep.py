"""Owns the looking after payments: who is due is rung for, so that no bell and no webhook is essential.

It only rings: whoever sweeps drains lines too, and must not wait for a provider.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import Interval, String, cast, func, literal, select, update

from models.payments import Payment, Refund
from tasks.context import Context
from tasks.payments.backoff import FIRST_S, LONGEST_S
from tasks.payments.sandbox import has_due

AT_ONCE: Final = 200


def sweep_payments(context: Context) -> int:
    """Ring for payments, refunds, mails and the sandbox's webhooks that are due; returns how many bells.

    Raises:
        LedgerUnavailable: PostgreSQL is away.
    """
    rung = 0
    for payment_id in _claim_due(context, Payment):
        rung += context.bell.ring_for_payment(payment_id)
    for refund_id in _claim_due(context, Refund):
        rung += context.bell.ring_for_refund(refund_id)
    if has_due(context.database):
        rung += context.bell.ring_for_webhooks()
    if context.mailer.has_due():
        rung += context.bell.ring_for_mails()
    return rung


def _claim_due(context: Context, rows: type[Payment] | type[Refund]) -> list[UUID]:
    """Find what is due, and let it be due again later, so that one bell rings and not one of every sweep."""
    due = (
        select(rows.id)
        .where(rows.due_at <= func.now())
        .order_by(rows.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    with context.database.transaction() as session:
        ids = list(session.scalars(due))
        if ids:
            later = func.least(FIRST_S * func.power(2, func.least(rows.attempts, 16)), LONGEST_S)
            pause = cast(cast(later, String) + literal(" seconds"), Interval)
            session.execute(update(rows).where(rows.id.in_(ids)).values(due_at=func.now() + pause))
    return ids
