"""Rings for payments, refunds, mails and pushes that are due, so that no bell or webhook is essential.

It only rings: the sweep also drains lines, and must not wait for a provider. While workers are behind, it
does not ring either: more bells would only keep them busy.
"""

from typing import Final

from tasks.context import Context
from tasks.notices.absent import has_due_notices
from tasks.payments.drive import has_due_payments
from tasks.payments.refunds import take_up_refunds
from tasks.providers.sandbox import has_due
from tasks.runtime.celery_app import PAYMENTS

MOST_UNHEARD: Final = 200  # messages in the queue; fewer than are handled before a bell expires


def sweep_payments(context: Context) -> int:
    """Ring for payments, refunds, notices, mails, pushes and webhooks that are due; returns how many bells.

    None while the broker is unavailable, when workers do without bells (`workers/stand_in.py`), or if
    `MOST_UNHEARD` bells wait in its queue.
    """
    unheard = context.bell.unheard(PAYMENTS)
    if unheard is None or unheard >= MOST_UNHEARD:
        return 0
    rung = 0
    if has_due_payments(context):
        rung += context.bell.ring_for_payments()
    for refund_id in take_up_refunds(context, MOST_UNHEARD - unheard):
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
