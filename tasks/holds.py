"""Owns the end of holds that nobody paid: expiry, cancelling, and the way home of their units.

What raises free stock moves in the ledger first: the order ends and the sale's count falls in one
transaction. The live side follows by `release_pending`, which is driven until it is noted as done, so that
a crash in between delays units and never loses or doubles them.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session, selectinload

from models import reading
from models.catalogue import Sale
from models.errors import Fenced, LineUnavailable, NotFound, OrderNotHeld
from models.events import Message, pack_told, stored_order
from models.orders import Order, OrderEvent
from models.vocabulary import OrderStatus
from tasks.context import Context
from tasks.failpoints import failpoint

log: Final = structlog.get_logger()

AT_ONCE: Final = 500
ENDED: Final = (OrderStatus.EXPIRED, OrderStatus.CANCELLED)


def expire_due(context: Context) -> int:
    """End the holds whose deadline has passed; returns how many. Any number of workers may do this at once.

    Raises:
        LedgerUnavailable: PostgreSQL is away.
    """
    due = (
        select(Order)
        .where(Order.status == OrderStatus.HELD, Order.expires_at <= func.now())
        .order_by(Order.expires_at)
        .limit(AT_ONCE)
    )
    with context.database.transaction() as session:
        return _end(session, due, OrderStatus.EXPIRED, reason="deadline_passed")


def cancel_order(context: Context, user_id: UUID, order_id: UUID) -> Message:
    """Give a hold up; its units go to the next in line.

    Raises:
        NotFound: no such order of this shopper.
        OrderNotHeld: it is paid, being paid, or over.
    """
    mine = select(Order).where(Order.id == order_id, Order.user_id == user_id)
    with context.database.transaction() as session:
        held = mine.where(Order.status == OrderStatus.HELD)
        ended = _end(session, held, OrderStatus.CANCELLED, reason="by_shopper", by=user_id, wait=True)
        known = session.scalar(mine)
    if known is None:
        raise NotFound("No order of yours has this id.")
    if not ended:
        raise OrderNotHeld(f"The order is {known.status}.")
    try:
        _release_of(context, known.sale_id)
    except LineUnavailable as error:  # the order is cancelled all the same; the sweep brings its units home
        log.warning("release_postponed", order_id=str(order_id), error=str(error))
    with context.database.transaction() as session:
        order = reading.find_order(session, order_id)
    if order is None:
        raise NotFound("No order of yours has this id.")
    return stored_order(order, order.history)


def cancel_holds_of(context: Context, sale_id: UUID) -> int:
    """End the open holds of a sale that was cancelled.

    Raises:
        LedgerUnavailable: PostgreSQL is away.
    """
    held = select(Order).where(Order.sale_id == sale_id, Order.status == OrderStatus.HELD).limit(AT_ONCE)
    ended = 0
    while True:
        with context.database.transaction() as session:
            some = _end(session, held, OrderStatus.CANCELLED, reason="sale_cancelled")
        ended += some
        if some == 0:
            return ended


def release_pending(context: Context) -> int:
    """Bring the units of ended holds home, and tell their shoppers; returns how many holds were noted.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is away; it is driven again.
    """
    unreleased = (Order.released_at.is_(None), Order.status.in_(ENDED))
    with context.database.transaction() as session:
        sale_ids = session.scalars(select(Order.sale_id).where(*unreleased).distinct()).all()
    return sum(_release_of(context, sale_id) for sale_id in sale_ids)


def _release_of(context: Context, sale_id: UUID) -> int:
    """Bring some of a sale's units home; sale by sale, so that one that is stuck holds up no other."""
    with context.database.transaction() as session:
        unreleased = (
            select(Order)
            .where(Order.sale_id == sale_id, Order.released_at.is_(None), Order.status.in_(ENDED))
            .options(selectinload(Order.history))
            .order_by(Order.id)
            .limit(AT_ONCE)
        )
        orders = session.scalars(unreleased).all()
        epoch = session.scalars(select(Sale.epoch).where(Sale.id == sale_id)).one()
    return _release(context, sale_id, epoch or "", orders) if orders else 0


def _release(context: Context, sale_id: UUID, epoch: str, orders: Sequence[Order]) -> int:
    told = pack_told((str(one.user_id), None, stored_order(one, one.history)) for one in orders)
    failpoint("ended")
    try:
        _, ring = context.live.release(sale_id, epoch, [str(one.intent_id) for one in orders], told)
    except Fenced as error:
        log.error("holds_not_released", sale_id=str(sale_id), holds=len(orders), error=str(error))
        return 0
    failpoint("released")
    with context.database.transaction() as session:
        session.execute(
            update(Order).where(Order.id.in_([one.id for one in orders])).values(released_at=func.now())
        )
    if ring:
        context.bell.ring(sale_id)
    return len(orders)


def _end(
    session: Session,
    which: Select[Any],
    status: OrderStatus,
    *,
    reason: str,
    by: UUID | None = None,
    wait: bool = False,
) -> int:
    """Move orders out of `held`, with their history and their sales' counts."""
    orders = session.scalars(which.with_for_update(skip_locked=not wait)).all()
    if not orders:
        return 0
    units: dict[UUID, int] = defaultdict(int)
    for order in orders:
        order.status = status
        units[order.sale_id] += order.quantity
    session.flush()
    events = [{"order_id": order.id, "status": status, "reason": reason, "actor_id": by} for order in orders]
    session.execute(insert(OrderEvent), events)
    for sale_id in sorted(units):
        session.execute(update(Sale).where(Sale.id == sale_id).values(held=Sale.held - units[sale_id]))
    return len(orders)


def sweep_holds(context: Context) -> int:
    """Expire what is due and bring home what has ended; returns how many holds ended.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is away; it is driven again.
    """
    ended = expire_due(context)
    release_pending(context)
    return ended
