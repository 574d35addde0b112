"""Queries on orders: one with its history, a shopper's, or an admin's search."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, String, cast, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from models.errors import NotFound
from models.queries.paging import newest
from models.tables.accounts import User
from models.tables.catalogue import Product, Sale
from models.tables.orders import Order


def find_order(session: Session, order_id: UUID) -> Order | None:
    """Find an order with its history, both in one query: a second one might find it changed."""
    query = select(Order).where(Order.id == order_id).options(joinedload(Order.history))
    return session.scalars(query).unique().one_or_none()


def order_of_shopper(session: Session, order_id: UUID, user_id: UUID | None) -> Order:
    """Find a shopper's order with its history; without a shopper, anybody's.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    order = find_order(session, order_id)
    if order is None or user_id not in (None, order.user_id):
        raise NotFound("No order of yours has this id.")
    return order


def orders(*, user_id: UUID | None, sale_id: UUID | None, status: str | None = None) -> Select[Order]:
    """Select orders with their history, for paging."""
    query = select(Order).options(selectinload(Order.history))
    if user_id is not None:
        query = query.where(Order.user_id == user_id)
    if sale_id is not None:
        query = query.where(Order.sale_id == sale_id)
    if status is not None:
        query = query.where(Order.status == status)
    return query


def newest_of_shopper(session: Session, user_id: UUID, limit: int) -> Sequence[Order]:
    """List a shopper's newest orders with their history."""
    query = newest(orders(user_id=user_id, sale_id=None), (Order.created_at, Order.id), None)
    return session.scalars(query.limit(limit)).all()


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
    query = newest(_search(asked, status, sale_id), (Order.created_at, Order.id), before)
    return session.execute(query.limit(limit)).all()


def _search(asked: str, status: str | None, sale_id: UUID | None) -> Select[Order, User, str]:
    query: Select[Order, User, str] = (
        select(Order, User, Product.name)
        .join(User, User.id == Order.user_id)
        .join(Sale, Sale.id == Order.sale_id)
        .join(Product, Product.id == Sale.product_id)
        .options(selectinload(Order.history))
    )
    if status is not None:
        query = query.where(Order.status == status)
    if sale_id is not None:
        query = query.where(Order.sale_id == sale_id)
    if asked:
        query = query.where(
            or_(
                cast(Order.id, String).iendswith(asked, autoescape=True),
                Order.receipt_number == asked,
                User.email.icontains(asked, autoescape=True),
                User.name.icontains(asked, autoescape=True),
            )
        )
    return query
