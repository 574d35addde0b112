"""Owns the questions that are asked of the ledger: intents, orders and tasks, one or a page at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session, joinedload, selectinload

from models.errors import NoSuchSale
from models.tables.background import BackgroundTask
from models.tables.catalogue import Sale
from models.tables.orders import Intent, Order


def find_intent(session: Session, intent_id: UUID) -> Intent | None:
    """Find a decided intent."""
    return session.get(Intent, intent_id)


def intents_of_sale(
    session: Session,
    sale_id: UUID,
    *,
    user_id: UUID | None,
    before: int,
    limit: int,
    statuses: Sequence[str] | None = None,
) -> Sequence[Intent]:
    """List decided intents of a sale, newest ticket first, below the ticket `before` (0: from the top).

    Who left the lobby has no ticket, and is not among them.
    """
    is_asked_for = (Intent.sale_id == sale_id) & Intent.ticket.is_not(None)
    query = select(Intent).where(is_asked_for).order_by(Intent.ticket.desc()).limit(limit)
    if user_id is not None:
        query = query.where(Intent.user_id == user_id)
    if before:
        query = query.where(Intent.ticket < before)
    if statuses is not None:
        query = query.where(Intent.status.in_(statuses))
    return session.scalars(query).all()


def departed_of_sale(
    session: Session, sale_id: UUID, *, user_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Intent]:
    """List those who left a sale's lobby, who came last first, below the keys `before`."""
    query = select(Intent).where(Intent.sale_id == sale_id, Intent.ticket.is_(None)).limit(limit)
    if user_id is not None:
        query = query.where(Intent.user_id == user_id)
    return session.scalars(newest(query, (Intent.submitted_at, Intent.id), before)).all()


def decided_intents(
    *,
    user_id: UUID | None = None,
    sale_id: UUID | None = None,
    statuses: Sequence[str] | None = None,
) -> Select[Intent]:
    """Select decided intents, of all or as narrowed, for paging."""
    query = select(Intent)
    if user_id is not None:
        query = query.where(Intent.user_id == user_id)
    if sale_id is not None:
        query = query.where(Intent.sale_id == sale_id)
    if statuses is not None:
        query = query.where(Intent.status.in_(statuses))
    return query


def newest(query: Select[Any], keys: Sequence[Any], before: tuple[Any, ...] | None) -> Select[Any]:
    """Order a query by keys, newest first, and begin below the keys `before`."""
    if before is not None:
        query = query.where(tuple_(*keys) < before)
    return query.order_by(*(key.desc() for key in keys))


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


def find_order(session: Session, order_id: UUID) -> Order | None:
    """Find an order with its history, both of one instant: a second query might find it changed."""
    query = select(Order).where(Order.id == order_id).options(joinedload(Order.history))
    return session.scalars(query).unique().one_or_none()


def background_tasks(*, kind: str | None, state: str | None, sale_id: UUID | None) -> Select[BackgroundTask]:
    """Select background tasks, for paging."""
    query = select(BackgroundTask)
    for column, wished in (
        (BackgroundTask.kind, kind),
        (BackgroundTask.state, state),
        (BackgroundTask.sale_id, sale_id),
    ):
        if wished is not None:
            query = query.where(column == wished)
    return query


def find_sale(session: Session, sale_id: UUID, *, lock: bool = False) -> Sale:
    """Find a sale with its product; `lock`: nobody else changes it until the transaction ends.

    Raises:
        NoSuchSale: there is none.
    """
    query = select(Sale).where(Sale.id == sale_id).options(joinedload(Sale.product))
    if lock:
        query = query.with_for_update(of=Sale)
    sale = session.scalar(query)
    if sale is None:
        raise NoSuchSale("No sale has this id.")
    return sale
