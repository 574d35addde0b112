"""Owns the charge that succeeded after its hold had gone.

It is held again where that wrongs nobody, else the money goes back; either once, and both are told.
"""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select

from models.catalogue import Sale
from models.errors import Fenced
from models.live.records import Regained
from models.orders import Order
from models.payments import Payment, Refund
from models.vocabulary import OrderStatus, PaymentStatus, RefundCause
from tasks.context import Context
from tasks.failpoints import failpoint
from tasks.holds import bring_live_after
from tasks.payments.history import ledger_time, lock_payment, move_order
from tasks.payments.outcomes import TAKEN, finish
from tasks.payments.refunds import refund_of
from tasks.payments.telling import tell_order
from tasks.tallies import REFUNDS, count

log: Final = structlog.get_logger()


def resolve_late(context: Context, payment_id: UUID) -> None:
    """Decide about a late charge; doing it again changes nothing.

    Units are taken in Redis first and then written to the ledger. Who takes them is not refunded: the
    script says yes again to whoever asks again.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is away; the sweep rings again.
    """
    found = _find(context, payment_id)
    if found is None:
        return
    order, epoch = found
    if order.status != OrderStatus.EXPIRED:
        _refund(context, payment_id)
        return
    if order.released_at is None:
        bring_live_after(context, order.id)
    try:
        said = context.live.hold_again(
            order.sale_id, epoch, str(order.intent_id), str(order.user_id), order.quantity
        )
        failpoint("held_again")
        if said == Regained.SOLD:
            _pay(context, payment_id, epoch)
        elif said != Regained.HELD_YET:  # then its units have not come home yet: the sweep rings again
            _refund(context, payment_id)
    except Fenced as error:  # a rebuild came between; asked again, the new world answers
        log.warning("late_payment_waits", payment_id=str(payment_id), error=str(error))


def _find(context: Context, payment_id: UUID) -> tuple[Order, str] | None:
    query = (
        select(Order, Sale.epoch)
        .join(Payment, Payment.order_id == Order.id)
        .join(Sale, Sale.id == Order.sale_id)
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .where(Payment.id == payment_id, Payment.status == PaymentStatus.LATE, Refund.id.is_(None))
    )
    with context.database.transaction() as session:
        found = session.execute(query).one_or_none()
    return (found[0], found[1] or "") if found else None


def _pay(context: Context, payment_id: UUID, epoch: str) -> None:
    with context.database.transaction() as session:
        order, payment = lock_payment(session, payment_id)
        if payment.status != PaymentStatus.LATE or order.status != OrderStatus.EXPIRED:
            return
        finish(payment, PaymentStatus.SUCCEEDED, ledger_time(session))
        move_order(session, order, OrderStatus.PAID, reason="held_again", epoch=epoch)
    tell_order(context, order.id)


def _refund(context: Context, payment_id: UUID) -> None:
    with context.database.transaction() as session:
        order, payment = lock_payment(session, payment_id)
        known = session.scalar(select(Refund.id).where(Refund.payment_id == payment_id))
        if payment.status != PaymentStatus.LATE or known is not None:
            return
        cause = RefundCause.DUPLICATE if order.status in TAKEN else RefundCause.LATE
        refund = refund_of(payment, cause, due_at=func.now())
        payment.due_at = None  # from here on the refund is driven
        session.add(refund)
        count(session, REFUNDS, cause, "asked")
    context.bell.ring_for_refund(refund.id)
