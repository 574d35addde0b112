"""Queries on intents: one, a sale's, a shopper's."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models.enums import UNSTORED, IntentStatus
from models.queries.paging import newest, newest_by_status
from models.tables.orders import Intent

# Polls read so, hundreds at once: an object of each for the ORM took half of their time.
_READ: Final = text("""
    SELECT id, sale_id, user_id, ticket, quantity, accept_fewer, status, reason, submitted_at, decided_at
    FROM intents WHERE id = ANY(CAST(:ids AS uuid[]))
""")


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

    Intents that left the lobby have no ticket, and are not among them. Statuses are written out for the
    planner: there is an index of just those who left.
    """
    is_asked_for = (Intent.sale_id == sale_id) & Intent.ticket.is_not(None)
    query = select(Intent).where(is_asked_for).order_by(Intent.ticket.desc()).limit(limit)
    if user_id is not None:
        query = query.where(Intent.user_id == user_id)
    if before:
        query = query.where(Intent.ticket < before)
    if statuses is not None:
        query = query.where(Intent.status.in_(bindparam("statuses", statuses, literal_execute=True)))
    return session.scalars(query).all()


def departed_of_sale(
    session: Session, sale_id: UUID, *, user_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Intent]:
    """List the intents that left a sale's lobby, newest first, below the keys `before`."""
    query = select(Intent).where(Intent.sale_id == sale_id, Intent.ticket.is_(None)).limit(limit)
    if user_id is not None:
        query = query.where(Intent.user_id == user_id)
    return session.scalars(newest(query, (Intent.submitted_at, Intent.id), before)).all()


def newest_decided(
    session: Session,
    *,
    sale_id: UUID | None,
    statuses: Sequence[str] | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Intent]:
    """List everybody's decided intents, all or as narrowed, newest first, below the keys `before`."""
    chosen = statuses or [one for one in IntentStatus if one not in UNSTORED]
    rows = newest_by_status(Intent, Intent.submitted_at, chosen, sale_id=sale_id, before=before, limit=limit)
    query = newest(select(rows), (rows.submitted_at, rows.id), None)
    return session.scalars(query.limit(limit)).all()


def newest_of_shopper(
    session: Session, user_id: UUID, limit: int, *, before: tuple[datetime, UUID] | None = None
) -> Sequence[Intent]:
    """List a shopper's decided intents of all sales, newest first, below the keys `before`."""
    query = select(Intent).where(Intent.user_id == user_id)
    return session.scalars(newest(query, (Intent.submitted_at, Intent.id), before).limit(limit)).all()


def read_intents(connection: Connection, intent_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Read those of these intents that are decided, as rows with the columns of the table."""
    return connection.execute(_READ, {"ids": list(intent_ids)}).all()


def find_intents(session: Session, intent_ids: Collection[UUID]) -> Sequence[Intent]:
    """List those of these intents that are decided."""
    return session.scalars(select(Intent).where(Intent.id.in_(intent_ids))).all()


def newest_of_shoppers(session: Session, sale_id: UUID, user_ids: Collection[UUID]) -> Sequence[Intent]:
    """List the newest decided intent of each of these shoppers in a sale."""
    return session.scalars(
        select(Intent)
        .where(Intent.sale_id == sale_id, Intent.user_id.in_(user_ids))
        .ext(distinct_on(Intent.user_id))
        .order_by(Intent.user_id, Intent.ticket.desc().nulls_last(), Intent.submitted_at.desc())
    ).all()
