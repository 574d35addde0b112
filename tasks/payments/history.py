"""Moves an order to another status, with its history and its sale's counts, in one transaction.

Every function runs inside the caller's transaction, those that move something with the order's row locked.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.enums import ORDER_TRANSITIONS, OrderStatus
from models.errors import Fenced
from models.tables.catalogue import Sale
from models.tables.orders import Order, OrderEvent
from models.tables.payments import Payment
from tasks.payments.receipts import issue_receipt

# How a change of status changes the sale's counts: (held, sold), in units.
_COUNTS: Final[dict[tuple[OrderStatus, OrderStatus], tuple[int, int]]] = {
    (OrderStatus.PAYING, OrderStatus.PAID): (-1, 1),
    (OrderStatus.EXPIRED, OrderStatus.PAID): (0, 1),
    (OrderStatus.PAID, OrderStatus.REFUNDED): (0, -1),
}


def move_order(
    session: Session,
    order: Order,
    requested: OrderStatus,
    *,
    reason: str | None = None,
    by: UUID | None = None,
    epoch: str | None = None,
) -> None:
    """Move an order to another status, with its history, its sale's counts and, when it is paid, its receipt.

    `epoch`: the change rests on something that was done in Redis under this epoch.

    Raises:
        ValueError: the present status does not lead there; callers check before.
        Fenced: the epoch is not the present one.
    """
    before = OrderStatus(order.status)
    if requested not in ORDER_TRANSITIONS[before]:
        raise ValueError(f"An order that is {before} cannot become {requested}.")
    held, sold = _COUNTS.get((before, requested), (0, 0))
    if held or sold:
        _move_counts(session, order, held, sold, epoch)
    at = ledger_time(session)
    if requested == OrderStatus.PAID:
        order.receipt_number = issue_receipt(session, order, at).written_number
        order.paid_at = at
        # If the hold had gone, Redis moved first; else it follows.
        order.released_at = at if before == OrderStatus.EXPIRED else None
    elif requested == OrderStatus.REFUNDED:
        order.refunded_at, order.released_at = at, None
    order.status = requested
    note(session, order, reason=reason, by=by)
    session.flush()


def note(session: Session, order: Order, *, reason: str | None, by: UUID | None = None) -> None:
    """Add an entry to an order's history, with the status that it has now."""
    session.add(OrderEvent(order_id=order.id, status=order.status, reason=reason, actor_id=by))


def lock_payment(session: Session, payment_id: UUID) -> tuple[Order, Payment]:
    """Lock a payment's order and the payment, in this order everywhere."""
    order_id = session.scalars(select(Payment.order_id).where(Payment.id == payment_id)).one()
    order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    return order, session.get_one(Payment, payment_id, with_for_update=True, populate_existing=True)


def ledger_time(session: Session) -> datetime:
    """Read PostgreSQL's wall clock, which goes on within a transaction."""
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def _move_counts(session: Session, order: Order, held: int, sold: int, epoch: str | None) -> None:
    moving = (
        update(Sale)
        .where(Sale.id == order.sale_id)
        .values(held=Sale.held + held * order.quantity, sold=Sale.sold + sold * order.quantity)
        .returning(Sale.id)
    )
    if epoch is not None:
        moving = moving.where(Sale.epoch == epoch)
    if session.scalars(moving).one_or_none() is None:
        raise Fenced(f"The ledger's epoch of sale {order.sale_id} is not {epoch}.")
