"""Queries on verdicts that may have to be told by mail."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from models.enums import AdmissionOrder, IntentStatus, OrderStatus
from models.tables.catalogue import Product, Sale
from models.tables.orders import Intent, Order


def orders_to_tell(session: Session, order_ids: Collection[UUID]) -> Sequence[Any]:
    """Read what mails about these orders say."""
    rows: Sequence[Any] = session.execute(_orders().where(Order.id.in_(order_ids))).all()
    return rows


def holds_to_tell(session: Session, intent_ids: Collection[UUID]) -> Sequence[Any]:
    """Read the same of those of these intents whose order is held and has time left."""
    is_held = (Order.status == OrderStatus.HELD, Order.expires_at > func.now())
    rows: Sequence[Any] = session.execute(_orders().where(Order.intent_id.in_(intent_ids), *is_held)).all()
    return rows


def lost_draws(session: Session, intent_ids: Collection[UUID]) -> Sequence[Row[UUID, UUID, UUID, str]]:
    """Read which of these intents were in a draw and got nothing: id, shopper, sale, what was sold."""
    query = (
        select(Intent.id, Intent.user_id, Intent.sale_id, Product.name.label("item"))
        .join(Sale, Sale.id == Intent.sale_id)
        .join(Product, Product.id == Sale.product_id)
        .where(Intent.id.in_(intent_ids), Intent.status == IntentStatus.SOLD_OUT)
        .where(Sale.admission_order == AdmissionOrder.DRAW, Intent.ticket <= Sale.lobby_size)
    )
    return session.execute(query).all()


def _orders() -> Any:
    return (
        select(
            Order.id,
            Order.user_id,
            Order.sale_id,
            Order.quantity,
            (Order.unit_price_minor * Order.quantity).label("total_minor"),
            Order.currency,
            Order.expires_at,
            Order.created_at,
            Intent.standby_at.is_not(None).label("stood_by"),
            Product.name.label("item"),
        )
        .join(Intent, Intent.id == Order.intent_id)
        .join(Sale, Sale.id == Order.sale_id)
        .join(Product, Product.id == Sale.product_id)
    )
