"""Archives finished sales: drops their live state, so that Redis does not grow with history.

A sale is finished when it was drained a while ago and no unit and no cent of it is still moving. The ledger
then names no epoch for it any more, which means that there is no live state: all questions are answered from
the ledger, units that come back later are returned in the ledger alone, and a late payment is refunded. A
rebuild creates a live state again. Idempotency-Keys are not touched; they have lifetimes of their own.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, exists, func, select

from models.database import take_time
from models.driver import LONG
from models.enums import OrderStatus, PaymentStatus, RefundStatus
from models.tables.catalogue import Adjustment, Sale
from models.tables.orders import Order
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.orders.holds import OVER
from tasks.runtime.failpoints import failpoint

log: Final = structlog.get_logger()

KEPT: Final = timedelta(days=7)  # a live state, after its sale was drained
DROPPED_AGAIN: Final = timedelta(
    days=30
)  # for this long, in case the process that archived it died before dropping it
AT_ONCE: Final = 500
UNDECIDED: Final = (PaymentStatus.PENDING, PaymentStatus.ABANDONED, PaymentStatus.LATE)


def archive_finished_sales(context: Context) -> int:
    """Archive finished sales and drop their live state; returns how many were archived now.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; what is left is done the next time.
    """
    past = select(Sale.id).where(Sale.epoch.is_not(None), *_is_past()).order_by(Sale.drained_at)
    with context.database.transaction() as session:
        take_time(session, LONG)
        sale_ids = session.scalars(past.limit(AT_ONCE)).all()
    archived = [sale_id for sale_id in sale_ids if _archive(context, sale_id)]
    failpoint("forgotten")
    for sale_id in {*archived, *_archived_lately(context)}:
        context.live.drop(sale_id)
    return len(archived)


def _archived_lately(context: Context) -> Sequence[UUID]:
    """List sales that may have been archived by a process that died before dropping them."""
    lately = Sale.drained_at >= func.now() - KEPT - DROPPED_AGAIN
    with context.database.transaction() as session:
        return session.scalars(select(Sale.id).where(Sale.epoch.is_(None), lately)).all()


def _archive(context: Context, sale_id: UUID) -> bool:
    """Clear the sale's epoch in the ledger, unless something has begun to move meanwhile."""
    asking = select(Sale).where(Sale.id == sale_id, Sale.epoch.is_not(None), *_is_past())
    with context.database.transaction() as session:
        sale = session.scalar(asking.with_for_update(of=Sale))
        if sale is None:
            return False
        if not context.live.look(sale_id).is_quiet:
            log.error("past_sale_not_quiet", sale_id=str(sale_id))
            return False
        sale.epoch = None
    context.sale_cache.forget(sale_id)
    return True


def _is_past() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a finished sale: drained long ago, and nothing will move by itself."""
    of_order = and_(Order.sale_id == Sale.id, Order.id == Payment.order_id)
    unsettled = Order.status.in_((OrderStatus.HELD, OrderStatus.PAYING)) | (
        Order.status.in_(OVER) & Order.released_at.is_(None)
    )
    return (
        Sale.drained_at < func.now() - KEPT,
        ~exists().where(Order.sale_id == Sale.id, unsettled),
        ~exists().where(of_order, Payment.status.in_(UNDECIDED)),
        ~exists().where(of_order, Refund.payment_id == Payment.id, Refund.status == RefundStatus.PENDING),
        ~exists().where(Adjustment.sale_id == Sale.id, Adjustment.state == "pending"),
    )
