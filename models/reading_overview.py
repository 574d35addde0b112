"""Owns the questions to the ledger about a sale at a glance: what became of its intents, orders and money."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from models.catalogue import Sale
from models.orders import Intent, Order
from models.vocabulary import OrderStatus

EXPIRING: Final = timedelta(seconds=60)
LATELY: Final = timedelta(minutes=5)
MOST_VERDICTS: Final = 2_000  # by which the time to a verdict is told


@dataclass(frozen=True, slots=True)
class OrdersOfStatus:
    """The orders of a sale that have one status."""

    count: int
    units: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class Glance:
    """A sale's rows at a moment, counted."""

    at: datetime
    intents: Mapping[str, int]
    orders: Mapping[str, OrdersOfStatus]
    expiring: int
    next_deadline: datetime | None
    verdicts: int
    p50_ms: int | None
    p99_ms: int | None


def glance(session: Session, sale_id: UUID) -> Glance:
    """Count a sale's rows: all of its intents and orders, and how long the last verdicts took."""
    intents = session.execute(
        select(Intent.status, func.count()).where(Intent.sale_id == sale_id).group_by(Intent.status)
    )
    total = func.coalesce(func.sum(Order.quantity * Order.unit_price_minor), 0)
    orders = session.execute(
        select(Order.status, func.count(), func.sum(Order.quantity), total)
        .where(Order.sale_id == sale_id)
        .group_by(Order.status)
    ).all()
    is_held = (Order.sale_id == sale_id, Order.status == OrderStatus.HELD)
    soon = func.count().filter(Order.expires_at < func.now() + EXPIRING)
    now, expiring, deadline = (
        session.execute(select(func.now(), soon, func.min(Order.expires_at)).where(*is_held)).tuples().one()
    )
    verdicts, p50, p99 = session.execute(_verdicts(sale_id)).tuples().one()
    return Glance(
        at=now,
        intents=dict(intents.tuples().all()),
        orders={status: OrdersOfStatus(count, units, int(minor)) for status, count, units, minor in orders},
        expiring=expiring,
        next_deadline=deadline,
        verdicts=verdicts,
        p50_ms=None if p50 is None else round(p50 * 1000),
        p99_ms=None if p99 is None else round(p99 * 1000),
    )


def _verdicts(sale_id: UUID) -> Select[tuple[int, float | None, float | None]]:
    """Ask how long the newest tickets waited, of those decided lately; of a lobby, since the opening."""
    opens_at = select(Sale.opens_at).where(Sale.id == sale_id).scalar_subquery()
    newest = (
        select(Intent.submitted_at, Intent.decided_at)
        .where(Intent.sale_id == sale_id)
        .order_by(Intent.ticket.desc())
        .limit(MOST_VERDICTS)
        .subquery()
    )
    is_of_lobby = (newest.c.submitted_at < opens_at) & (opens_at <= newest.c.decided_at)
    began = case((is_of_lobby, opens_at), else_=newest.c.submitted_at)
    seconds = func.extract("epoch", newest.c.decided_at - began)
    p50, p99 = (func.percentile_cont(share).within_group(seconds) for share in (0.5, 0.99))
    return select(func.count(), p50, p99).where(newest.c.decided_at > func.now() - LATELY)
