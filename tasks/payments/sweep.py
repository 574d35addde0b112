"""Rings the bell for payments, refunds and mails that are due, so that no bell or webhook is essential.

It only rings: the sweep also drains lines, and must not wait for a provider. While workers are behind, it
does not ring either: more bells would only keep them busy.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, case

from models import leases
from models.enums import PaymentStatus
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.payments.backoff import ASKED_AGAIN
from tasks.providers.sandbox import has_due
from tasks.runtime.celery_app import PAYMENTS

MOST_UNHEARD: Final = 200  # messages in the queue; fewer than are handled before a bell expires


def sweep_payments(context: Context) -> int:
    """Ring for payments, refunds, mails and the sandbox's webhooks that are due; returns how many bells.

    None while the broker is unavailable, or if `MOST_UNHEARD` bells wait in its queue.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable.
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
    """Find what is due, and postpone it, so that one sweep rings for it and not every one."""
    claiming, due = leases.take_up(rows, most, ASKED_AGAIN.pause(_attempts(rows)), {})
    with context.database.transaction() as session:
        claimed = session.execute(claiming.returning(due.c.due_at, due.c.id)).all()
    return [row_id for _, row_id in sorted(claimed)]
