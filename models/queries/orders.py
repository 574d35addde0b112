"""Queries on orders: one with its history, a shopper's, or an admin's search."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, String, cast, func, or_, select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from models.enums import OrderStatus
from models.errors import NotFound
from models.queries.paging import newest, newest_by_status
from models.tables.accounts import User
from models.tables.catalogue import Product, Sale
from models.tables.orders import Order

# One statement, so that history and payment are those of the status that is read.
_READ: Final = text("""
    SELECT o.*, told.statuses, told.times, told.reasons,
           waits.id AS payment_id, waits.provider, waits.method, waits.client_secret
    FROM orders o
    CROSS JOIN LATERAL (
        SELECT array_agg(e.status ORDER BY e.id) AS statuses, array_agg(e.at ORDER BY e.id) AS times,
               array_agg(e.reason ORDER BY e.id) AS reasons
        FROM order_events e WHERE e.order_id = o.id
    ) AS told
    LEFT JOIN LATERAL (
        SELECT p.id, p.provider, p.method, p.client_secret FROM payments p
        WHERE o.status = 'paying' AND p.order_id = o.id AND p.status = 'pending'
            AND p.client_secret IS NOT NULL
    ) AS waits ON true
    WHERE o.id = ANY(CAST(:ids AS uuid[]))
""")


class Buyer(NamedTuple):
    """Who bought, as receipts and mails call and address them."""

    name: str
    email: str
    language: str | None = None
    time_zone: str | None = None


def find_order(session: Session, order_id: UUID) -> Order | None:
    """Find an order with its history, both in one query: a second one might find it changed."""
    return session.scalars(_with_history().where(Order.id == order_id)).unique().one_or_none()


def read_orders(connection: Connection, order_ids: Collection[UUID | str]) -> Sequence[Row[Any]]:
    """Read these orders as rows with the columns of the table, all of one instant.

    `statuses`, `times` and `reasons`: the history, in its order. `payment_id`, `provider`, `method` and
    `client_secret` are of the payment that waits for something the shopper has to do; null where none does.
    """
    return connection.execute(_READ, {"ids": list(order_ids)}).all()


def statuses_of_orders(session: Session, order_ids: Collection[UUID]) -> Sequence[Row[UUID, str]]:
    """Read how these orders stand, each by its id."""
    return session.execute(select(Order.id, Order.status).where(Order.id.in_(order_ids))).all()


def buyers_of(session: Session, user_ids: Collection[UUID]) -> dict[UUID, Buyer]:
    """Read who these shoppers are."""
    asked = select(User.id, User.name, User.email, User.language, User.time_zone)
    rows = session.execute(asked.where(User.id.in_(user_ids)))
    return {row.id: Buyer(row.name, row.email, row.language, row.time_zone) for row in rows}


def items_of(session: Session, sale_ids: Collection[UUID]) -> dict[UUID, str]:
    """Read what is bought in these sales."""
    query = select(Sale.id, Product.name).join(Product, Product.id == Sale.product_id)
    rows = session.execute(query.where(Sale.id.in_(sale_ids)))
    return {row.id: row.name for row in rows}


def paid_units_of_shopper(session: Session, user_id: UUID) -> dict[UUID, int]:
    """Count the units that a shopper has paid for, by sale."""
    paid = select(Order.sale_id, func.sum(Order.quantity)).group_by(Order.sale_id)
    rows = session.execute(paid.where(Order.user_id == user_id, Order.status == OrderStatus.PAID))
    return {sale_id: int(units) for sale_id, units in rows}


def order_of_shopper(session: Session, order_id: UUID, user_id: UUID | None) -> Order:
    """Find a shopper's order with its history; without a shopper, anybody's.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    order = find_order(session, order_id)
    if order is None or user_id not in (None, order.user_id):
        raise NotFound("No order of yours has this id.")
    return order


def newest_orders(
    session: Session,
    *,
    sale_id: UUID | None,
    status: str | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Order]:
    """List everybody's orders with their history, newest first, below the keys `before`."""
    rows = _newest(status, sale_id, before, limit)
    query = newest(select(rows).options(selectinload(rows.history)), (rows.created_at, rows.id), None)
    return session.scalars(query.limit(limit)).all()


def newest_of_shopper(
    session: Session,
    user_id: UUID,
    limit: int,
    *,
    sale_id: UUID | None = None,
    status: str | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> Sequence[Order]:
    """List a shopper's orders with their history, newest first, below the keys `before`."""
    query = select(Order).options(selectinload(Order.history)).where(Order.user_id == user_id)
    if sale_id is not None:
        query = query.where(Order.sale_id == sale_id)
    if status is not None:
        query = query.where(Order.status == status)
    return session.scalars(newest(query, (Order.created_at, Order.id), before).limit(limit)).all()


def search_orders(
    session: Session,
    asked: str,
    *,
    status: str | None,
    sale_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Order, User, str]]:
    """Find orders with their shoppers and what they bought is called, newest first, below the keys `before`.

    `asked`: the end of an order's id (as pages show it) or the whole, a receipt's number, or a part of the
    shopper's e-mail or name.
    """
    rows = Order if asked else _newest(status, sale_id, before, limit)
    query = newest(_search(rows, asked, status, sale_id), (rows.created_at, rows.id), before)
    return session.execute(query.limit(limit)).all()


def _newest(
    status: str | None, sale_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> type[Order]:
    statuses = list(OrderStatus) if status is None else [status]
    return newest_by_status(Order, Order.created_at, statuses, sale_id=sale_id, before=before, limit=limit)


def _search(
    rows: type[Order], asked: str, status: str | None, sale_id: UUID | None
) -> Select[Order, User, str]:
    query: Select[Order, User, str] = (
        select(rows, User, Product.name)
        .join(User, User.id == rows.user_id)
        .join(Sale, Sale.id == rows.sale_id)
        .join(Product, Product.id == Sale.product_id)
        .options(selectinload(rows.history))
    )
    if status is not None:
        query = query.where(rows.status == status)
    if sale_id is not None:
        query = query.where(rows.sale_id == sale_id)
    if asked:
        query = query.where(
            or_(
                cast(rows.id, String).iendswith(asked, autoescape=True),
                rows.receipt_number == asked,
                User.email.icontains(asked, autoescape=True),
                User.name.icontains(asked, autoescape=True),
            )
        )
    return query


def _with_history() -> Select[Order]:
    """Select orders and their histories in one query: the length of a history orders the messages."""
    return select(Order).options(joinedload(Order.history))
