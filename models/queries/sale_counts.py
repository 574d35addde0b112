"""Counts a sale's rows for its overview: what became of its intents, orders and money."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from models.enums import OrderStatus
from models.tables.catalogue import Sale
from models.tables.orders import Intent, Order

EXPIRING: Final = timedelta(seconds=60)
LATELY: Final = timedelta(minutes=5)
MOST_VERDICTS: Final = 2_000  # from which the time to a verdict is computed


@dataclass(frozen=True, slots=True)
class OrdersOfStatus:
    """The orders of a sale that have one status."""

    count: int
    units: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class SaleCounts:
    """A sale's rows at a moment, counted."""

    at: datetime
    intents: Mapping[str, int]
    orders: Mapping[str, OrdersOfStatus]
    expiring: int
    next_deadline: datetime | None
    verdicts: int
    p50_ms: int | None
    p99_ms: int | None


def count_rows(session: Session, sale_id: UUID) -> SaleCounts:
    """Count a sale's rows: all of its intents and orders, and how long the last verdicts took."""
    intents = session.execute(
        select(Intent.status, func.count().label("many"))
        .where(Intent.sale_id == sale_id)
        .group_by(Intent.status)
    )
    total = func.coalesce(func.sum(Order.quantity * Order.unit_price_minor), 0)
    orders = session.execute(
        select(Order.status, func.count(), func.sum(Order.quantity), total)
        .where(Order.sale_id == sale_id)
        .group_by(Order.status)
    ).all()
    is_held = (Order.sale_id == sale_id, Order.status == OrderStatus.HELD)
    soon = func.count().filter(Order.expires_at < func.now() + EXPIRING)
    held = session.execute(
        select(
            func.now().label("at"), soon.label("expiring"), func.min(Order.expires_at).label("deadline")
        ).where(*is_held)
    ).one()
    times = session.execute(_verdicts(sale_id)).one()
    return SaleCounts(
        at=held.at,
        intents={row.status: row.many for row in intents},
        orders={status: OrdersOfStatus(count, units, int(minor)) for status, count, units, minor in orders},
        expiring=held.expiring,
        next_deadline=held.deadline,
        verdicts=times.verdicts,
        p50_ms=_milliseconds(times.p50),
        p99_ms=_milliseconds(times.p99),
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _verdicts(sale_id: UUID) -> Select[Any]:
    """Select how long the newest tickets waited, of those decided lately; for a lobby, since the opening."""
    opens_at = select(Sale.opens_at).where(Sale.id == sale_id).scalar_subquery()
    newest = (
        select(Intent.submitted_at, Intent.decided_at)
        .where(Intent.sale_id == sale_id, Intent.ticket.is_not(None))
        .order_by(Intent.ticket.desc())
        .limit(MOST_VERDICTS)
        .subquery()
    )
    is_of_lobby = (newest.c.submitted_at < opens_at) & (opens_at <= newest.c.decided_at)
    began = case((is_of_lobby, opens_at), else_=newest.c.submitted_at)
    seconds = func.extract("epoch", newest.c.decided_at - began)
    half, most = (func.percentile_cont(share).within_group(seconds) for share in (0.5, 0.99))
    figures = (func.count().label("verdicts"), half.label("p50"), most.label("p99"))
    return select(*figures).where(newest.c.decided_at > func.now() - LATELY)
