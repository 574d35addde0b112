"""Decides about a charge that succeeded after its hold had gone.

The order is held again if nobody else has a better right to the units, else the money goes back; either is
done once, and the shopper is told.
"""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.enums import OrderStatus, PaymentStatus, RefundCause
from models.errors import Fenced
from models.live.records import Regained
from models.queries.payments import late_payment
from models.tables.catalogue import Sale
from models.tables.orders import Order
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.orders.holds import bring_live_after
from tasks.payments.history import changing, ledger_time, lock_payment, move_order
from tasks.payments.order_updates import tell_order
from tasks.payments.outcomes import TAKEN, finish
from tasks.payments.refunds import refund_of
from tasks.runtime.failpoints import failpoint
from tasks.runtime.tallies import REFUNDS, count

log: Final = structlog.get_logger()


def resolve_late(context: Context, payment_id: UUID) -> None:
    """Decide about a late charge; doing it again changes nothing.

    The request to Redis is noted in the ledger, so that a rebuild knows of it; then units are taken in Redis,
    and then written to the ledger. The script gives a payment one answer, however often it is asked.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the sweep rings again.
    """
    found = _find(context, payment_id)
    if found is None:
        return
    order, epoch, is_wrong = found
    # A wrong charge pays nothing, and a finished sale has nothing left to sell.
    if is_wrong or order.status != OrderStatus.EXPIRED or epoch is None:
        _refund(context, payment_id)
        return
    if order.released_at is None:
        bring_live_after(context, [order.id])
    try:
        _hold_again(context, payment_id, order, epoch)
    except Fenced as error:  # a rebuild came between; asked again, the new epoch answers
        log.warning("late_payment_waits", payment_id=str(payment_id), error=str(error))


def _hold_again(context: Context, payment_id: UUID, order: Order, epoch: str) -> None:
    if not _note_asking(context, payment_id):
        return
    failpoint("regain_noted")
    said = context.live.hold_again(
        order.sale_id,
        epoch,
        payment_id,
        intent_id=str(order.intent_id),
        user_id=str(order.user_id),
        units=order.quantity,
    )
    failpoint("held_again")
    if said == Regained.SOLD:
        _pay(context, payment_id, epoch)
    elif said != Regained.HELD_YET:
        _refund(context, payment_id, epoch)


def _note_asking(context: Context, payment_id: UUID) -> bool:
    """Note that Redis is about to be asked; not if it was decided, or the old hold's units are not back."""
    with context.database.transaction() as session:
        order, payment = lock_payment(session, payment_id)
        is_open = payment.status == PaymentStatus.LATE and not _is_refunded(session, payment_id)
        if not is_open or order.status != OrderStatus.EXPIRED or order.released_at is None:
            return False
        payment.regain_asked_at = payment.regain_asked_at or ledger_time(session)
    return True


def _find(context: Context, payment_id: UUID) -> tuple[Order, str | None, bool] | None:
    with context.database.transaction() as session:
        found = late_payment(session, payment_id)
    return (found[0], found[1], found[2]) if found else None


def _pay(context: Context, payment_id: UUID, epoch: str) -> None:
    with context.database.transaction() as session:
        order, payment = lock_payment(session, payment_id)
        if payment.status != PaymentStatus.LATE or order.status != OrderStatus.EXPIRED:
            return
        with changing(session) as changes:
            finish(payment, PaymentStatus.SUCCEEDED, changes.at)
            move_order(changes, order, OrderStatus.PAID, reason="held_again", epoch=epoch)
    failpoint("late_decided")
    tell_order(context, order.id)


def _refund(context: Context, payment_id: UUID, epoch: str | None = None) -> None:
    """Note that the money goes back. `epoch`: the live side refused the units under this one.

    Raises:
        Fenced: the epoch is not the present one, so the answer no longer counts.
    """
    with context.database.transaction() as session:
        order, payment = lock_payment(session, payment_id)
        if payment.status != PaymentStatus.LATE or _is_refunded(session, payment_id):
            return
        if epoch is not None:
            _require_epoch(session, order.sale_id, epoch)
        cause = _cause_of(order, payment)
        refund = refund_of(payment, cause, due_at=func.now())
        payment.due_at = payment.regain_asked_at = None  # from here on the refund is run
        session.add(refund)
        count(session, REFUNDS, cause, "asked")
    failpoint("late_decided")
    context.bell.ring_for_refund(refund.id)


def _cause_of(order: Order, payment: Payment) -> RefundCause:
    if payment.charged_minor is not None:
        return RefundCause.WRONG_CHARGE
    return RefundCause.DUPLICATE if order.status in TAKEN else RefundCause.LATE


def _is_refunded(session: Session, payment_id: UUID) -> bool:
    return session.scalar(select(Refund.id).where(Refund.payment_id == payment_id)) is not None


def _require_epoch(session: Session, sale_id: UUID, epoch: str) -> None:
    """Make sure that no rebuild came since Redis was asked, and that none comes before this is committed."""
    same = select(Sale.id).where(Sale.id == sale_id, Sale.epoch == epoch)
    if session.scalar(same.with_for_update(read=True, key_share=True)) is None:
        raise Fenced(f"The ledger's epoch of sale {sale_id} is not {epoch}.")
