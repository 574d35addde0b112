"""Queries on orders: one with its history, a shopper's, or an admin's search."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    union,
)
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from models.enums import OrderStatus
from models.errors import NotFound
from models.queries.accounts import is_meant, named
from models.queries.paging import newest, newest_by_status, search
from models.tables.accounts import User
from models.tables.catalogue import Product, Sale
from models.tables.orders import Order

_DIGITS: Final = re.compile("[0-9a-fA-F-]{1,36}")  # of an id, or of its end

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

    `asked`: the end of an order's id (as pages show it) or the whole, a receipt's number, the shopper's
    id, or a part of the shopper's e-mail or name.
    """

    def look_through(depth: int) -> Sequence[Row[Order, User, str]]:
        lately = _newest(status, sale_id, before, depth)
        of_all = newest(select(lately), (lately.created_at, lately.id), None).limit(depth)
        rows = aliased(Order, of_all.subquery())
        query = _with_buyers(rows)
        if asked:
            query = query.where(or_(*_is_numbered(rows, asked), is_meant(User, asked)))
        return session.execute(newest(query, (rows.created_at, rows.id), None).limit(limit)).all()

    def by_index() -> Sequence[Row[Order, User, str]]:
        found = _found(asked, status, sale_id).subquery()
        page = newest(select(found.c.id), (found.c.created_at, found.c.id), before).limit(limit)
        query = _with_buyers(Order).where(Order.id.in_(page))
        return session.execute(newest(query, (Order.created_at, Order.id), None)).all()

    return search(look_through, by_index, limit) if asked else look_through(limit)


def _newest(
    status: str | None, sale_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> type[Order]:
    statuses = list(OrderStatus) if status is None else [status]
    return newest_by_status(Order, Order.created_at, statuses, sale_id=sale_id, before=before, limit=limit)


def _with_buyers(rows: type[Order]) -> Select[Order, User, str]:
    """Select orders with their shoppers, what they bought is called, and their history."""
    return (
        select(rows, User, Product.name)
        .join(User, User.id == rows.user_id)
        .join(Sale, Sale.id == rows.sale_id)
        .join(Product, Product.id == Sale.product_id)
        .options(selectinload(rows.history))
    )


def _found(asked: str, status: str | None, sale_id: UUID | None) -> CompoundSelect[UUID, datetime]:
    """Select the ids and times of the orders that a word means, by indexes alone."""
    orders = select(Order.id, Order.created_at)
    if status is not None:
        orders = orders.where(Order.status == status)
    if sale_id is not None:
        orders = orders.where(Order.sale_id == sale_id)
    accounts = named(asked, User.id)
    of_shoppers = orders.join(accounts, accounts.c.id == Order.user_id)
    return union(*map(orders.where, _is_numbered(Order, asked)), of_shoppers)


def _is_numbered(rows: type[Order], asked: str) -> Iterator[ColumnElement[bool]]:
    """Whether orders are known by a word: a receipt's number, or an id from its end on."""
    yield rows.receipt_number == asked
    if _DIGITS.fullmatch(asked):
        written, end = cast(rows.id, Text), asked.lower()
        last = func.reverse(func.right(written, literal_column("12", Integer)))  # as an index has it
        yield and_(last.like(f"{end[:-13:-1]}%"), written.endswith(end))


def _with_history() -> Select[Order]:
    """Select orders and their histories in one query: the length of a history orders the messages."""
    return select(Order).options(joinedload(Order.history))
