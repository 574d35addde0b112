"""Ends holds, by expiry or cancelling, and moves their units on the live side, those of paid orders too.

The ledger changes first: the order's status and the sale's counts, in one transaction. The live side follows
by `release_pending`, which is repeated until it is noted as done, so that a crash in between delays units and
never loses or doubles them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, func, insert, select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from models.enums import MailKind, OrderStatus
from models.errors import Fenced, LineUnavailable, NotFound, OrderNotHeld
from models.messages import Message, pack_told, stored_order
from models.queries.orders import find_order
from models.tables.catalogue import Sale
from models.tables.orders import Order, OrderEvent
from tasks.context import Context
from tasks.notices.orders import tell_of_ends
from tasks.runtime.failpoints import failpoint
from tasks.runtime.isolation import apart

log: Final = structlog.get_logger()

AT_ONCE: Final = 500
_TOLD_AS: Final = {
    OrderStatus.EXPIRED: MailKind.ORDER_EXPIRED,
    OrderStatus.CANCELLED: MailKind.ORDER_CANCELLED,
}
OVER: Final = (OrderStatus.EXPIRED, OrderStatus.CANCELLED, OrderStatus.PAID, OrderStatus.REFUNDED)


def expire_due(context: Context) -> int:
    """End the holds whose deadline has passed; returns how many. Any number may do so at once."""
    due = (
        select(Order)
        .where(Order.status == OrderStatus.HELD, Order.expires_at <= func.now())
        .order_by(Order.expires_at)
        .limit(AT_ONCE)
    )
    with context.database.transaction() as session:
        return _end(session, due, OrderStatus.EXPIRED, reason="deadline_passed")


def cancel_order(context: Context, user_id: UUID, order_id: UUID) -> Message:
    """Cancel a hold; its units go to the next in line.

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
    bring_live_after(context, [order_id])
    with context.database.transaction() as session:
        order = find_order(session, order_id)
    if order is None:
        raise NotFound("No order of yours has this id.")
    return stored_order(order, order.history)


def cancel_holds_of(context: Context, sale_id: UUID) -> int:
    """End the open holds of a sale that was cancelled."""
    held = select(Order).where(Order.sale_id == sale_id, Order.status == OrderStatus.HELD).limit(AT_ONCE)
    ended = 0
    while True:
        with context.database.transaction() as session:
            some = _end(session, held, OrderStatus.CANCELLED, reason="sale_cancelled")
        ended += some
        if some == 0:
            return ended


def cancel_holds_of_shopper(context: Context, user_id: UUID, reason: str) -> int:
    """End the open holds of a shopper who is expelled; their units go to the next in line."""
    held = select(Order).where(Order.user_id == user_id, Order.status == OrderStatus.HELD).limit(AT_ONCE)
    with context.database.transaction() as session:
        return _end(session, held, OrderStatus.CANCELLED, reason=reason, wait=True)


def release_pending(context: Context) -> int:
    """Move the units of ended holds in Redis, and tell their shoppers; returns how many orders were noted.

    A sale whose Redis does not answer, or accepts no writes, is tried again later.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable; it is tried again.
    """
    unreleased = (Order.released_at.is_(None), Order.status.in_(OVER))
    with context.database.transaction() as session:
        sale_ids = session.scalars(select(Order.sale_id).where(*unreleased).distinct()).all()
    noted = 0
    for sale_id in sale_ids:
        with apart("release_postponed", sale_id=str(sale_id)):
            noted += _release_of(context, sale_id)
    return noted


def bring_live_after(context: Context, order_ids: Collection[UUID]) -> None:
    """Move the units of some ended holds in Redis, and tell their shoppers; otherwise the sweep does it."""
    which = (Order.id.in_(order_ids), Order.released_at.is_(None))
    try:
        _release_those(context, *which)
    except LineUnavailable as error:
        log.warning("release_postponed", order_ids=[str(one) for one in order_ids], error=str(error))


def _release_of(context: Context, sale_id: UUID) -> int:
    """The same for one sale: sale by sale, so that one that is stuck does not block the others."""
    return _release_those(context, Order.sale_id == sale_id, Order.released_at.is_(None))


def _release_those(context: Context, *which: ColumnElement[bool]) -> int:
    """The same for some orders, at most `AT_ONCE`."""
    unreleased = (
        select(Order, Sale.epoch)
        .join(Sale, Sale.id == Order.sale_id)
        .where(*which, Order.status.in_(OVER))
        .options(joinedload(Order.history))  # read with its order: its length orders the messages
        .order_by(Order.id)
        .limit(AT_ONCE)
    )
    with context.database.transaction() as session:
        found = session.execute(unreleased).unique().all()
    by_sale: dict[tuple[UUID, str | None], list[Order]] = defaultdict(list)
    for order, epoch in found:
        by_sale[order.sale_id, epoch].append(order)
    return sum(_release(context, *sale, orders) for sale, orders in by_sale.items())


def _release(context: Context, sale_id: UUID, epoch: str | None, orders: Sequence[Order]) -> int:
    failpoint("ended")
    try:
        ring = _move_units(context, sale_id, epoch, orders)
    except Fenced as error:
        log.error("holds_not_released", sale_id=str(sale_id), holds=len(orders), error=str(error))
        return 0
    failpoint("released")
    seen = [(one.id, one.status) for one in orders]  # one that was refunded since has to be handled once more
    as_seen = select(Order.id).where(tuple_(Order.id, Order.status).in_(seen))
    with context.database.transaction() as session:
        # Several sweeps do this at once: rows are locked in one order, to avoid deadlocks.
        same = session.scalars(as_seen.order_by(Order.id).with_for_update()).all()
        session.execute(update(Order).where(Order.id.in_(same)).values(released_at=func.now()))
    if ring:
        context.bell.ring(sale_id)
    return len(orders)


def _move_units(context: Context, sale_id: UUID, epoch: str | None, orders: Sequence[Order]) -> bool:
    """Move the units of ended holds, and publish their orders; returns whether the bell should ring.

    Without an epoch there is no live state any more, as in finished sales: nothing is left to move.
    """
    if epoch is None:
        context.live.tell(sale_id, told_of(orders))
        return False
    paid = [one for one in orders if one.status == OrderStatus.PAID]
    home = [one for one in orders if one.status != OrderStatus.PAID]
    ring = False
    if home:
        refunded = [str(one.intent_id) for one in home if one.status == OrderStatus.REFUNDED]
        ended = [str(one.intent_id) for one in home if one.status != OrderStatus.REFUNDED]
        _, ring = context.live.release(sale_id, epoch, ended, told_of(home), refunded=refunded)
    if paid:
        _, more = context.live.sell(sale_id, epoch, [str(one.intent_id) for one in paid], told_of(paid))
        ring = ring or more
    return ring


def told_of(orders: Sequence[Order]) -> bytes:
    """Pack orders, read with their history, for the sockets."""
    return pack_told((str(one.user_id), None, stored_order(one, one.history)) for one in orders)


def _end(
    session: Session,
    which: Select[Any],
    status: OrderStatus,
    *,
    reason: str,
    by: UUID | None = None,
    wait: bool = False,
) -> int:
    """Move orders out of `held`, with their history, their sales' counts, and a mail to each shopper."""
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
    tell_of_ends(session, _TOLD_AS[status], [order.id for order in orders], reason)
    return len(orders)


def sweep_holds(context: Context) -> int:
    """Expire what is due and move the units of ended holds in Redis; returns how many holds ended.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable; it is tried again.
    """
    ended = expire_due(context)
    release_pending(context)
    return ended
