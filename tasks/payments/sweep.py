"""Rings for payments, refunds, mails and pushes that are due, so that no bell or webhook is essential.

It only rings: the sweep also drains lines, and must not wait for a provider. While workers are behind, it
does not ring either: more bells would only keep them busy.
"""

from typing import Final
from uuid import UUID

from models import leases
from models.tables.payments import Refund
from tasks.context import Context
from tasks.notices.absent import has_due_notices
from tasks.payments.backoff import ASKED_AGAIN
from tasks.payments.drive import has_due_payments
from tasks.providers.sandbox import has_due
from tasks.runtime.celery_app import PAYMENTS

MOST_UNHEARD: Final = 200  # messages in the queue; fewer than are handled before a bell expires


def sweep_payments(context: Context) -> int:
    """Ring for payments, refunds, notices, mails, pushes and webhooks that are due; returns how many bells.

    While the broker is unavailable the bell may have payments run here, and everything else waits. None if
    `MOST_UNHEARD` bells wait in its queue.
    """
    unheard = context.bell.unheard(PAYMENTS)
    if unheard is None:
        return int(has_due_payments(context) and context.bell.stand_in())
    if unheard >= MOST_UNHEARD:
        return 0
    rung = 0
    if has_due_payments(context):
        rung += context.bell.ring_for_payments()
    for refund_id in _claim_due(context, MOST_UNHEARD - unheard):
        rung += context.bell.ring_for_refund(refund_id)
    if has_due(context.database):
        rung += context.bell.ring_for_webhooks()
    if has_due_notices(context):
        rung += context.bell.ring_for_notices()
    if context.mailer.has_due():
        rung += context.bell.ring_for_mails()
    if context.pusher is not None and context.pusher.has_due():
        rung += context.bell.ring_for_pushes()
    return rung


def _claim_due(context: Context, most: int) -> list[UUID]:
    """Find refunds that are due, and postpone them, so that one sweep rings for each and not every one."""
    claiming, due = leases.take_up(Refund, most, ASKED_AGAIN.pause(Refund.attempts), {})
    with context.database.transaction() as session:
        claimed = session.execute(claiming.returning(due.c.due_at, due.c.id)).all()
    return [row_id for _, row_id in sorted(claimed)]
