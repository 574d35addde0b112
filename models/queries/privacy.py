"""Queries on what is held about an account: all of it, the copies of it, and the terms that it accepted.

Which rows are about an account is read from the tables themselves, so that a new table is found too.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, false, func, or_, select
from sqlalchemy.orm import Session

from models.tables.accounts import User
from models.tables.background import BackgroundTask
from models.tables.orders import Order
from models.tables.privacy import Consent, Export
from models.tables.rows import metadata

_USERS: Final = metadata.tables[User.__tablename__]
_OWNERS: Final = frozenset({"user_id", "subject_id"})  # where no reference says whose a row is
_BY_ORDER: Final = frozenset({"order_id", "subject_id"})


def about(table: Table, user_id: UUID) -> ColumnElement[bool]:
    """Write the condition that a row is about an account: its own, of an order of its, or what staff did."""
    orders = select(Order.id).where(Order.user_id == user_id)
    mine = [column == user_id for column in table.c if is_owner(column) or column.name in _OWNERS]
    ordered = [column.in_(orders) for column in table.c if column.name in _BY_ORDER]
    return or_(false(), *mine, *ordered)


def has_owner(table: Table) -> bool:
    """Return whether rows of a table can be about an account at all."""
    return any(is_owner(column) or column.name in _OWNERS | _BY_ORDER for column in table.c)


def is_owner(column: Column[UUID]) -> bool:
    """Return whether a column names the account that a row belongs to, or that did what the row says."""
    is_account = column.table is _USERS and column.primary_key
    return is_account or any(key.column.table is _USERS for key in column.foreign_keys)


def goes_with_account(table: Table) -> bool:
    """Return whether a table's rows are nothing without their account, as the schema says."""
    keys = [key for column in table.c for key in column.foreign_keys if key.column.table is _USERS]
    return any(key.ondelete == "CASCADE" for key in keys)


def export_of_account(session: Session, user_id: UUID) -> Export | None:
    """Find an account's newest copy whose day is not over."""
    kept = select(Export).where(Export.user_id == user_id, Export.expires_at > func.now())
    return session.scalar(kept.order_by(Export.made_at.desc()).limit(1))


def exports_asked_lately(session: Session, kind: str, user_id: UUID, within: timedelta) -> tuple[int, float]:
    """Count the copies that were asked for within a time, and in how many seconds the first is past it."""
    wait_s = func.extract("epoch", func.min(BackgroundTask.submitted_at) + within - func.now())
    asked = select(func.count(), func.coalesce(wait_s, 0.0)).where(
        BackgroundTask.kind == kind,
        BackgroundTask.subject_id == user_id,
        BackgroundTask.submitted_at.between(func.now() - within, func.now()),
    )
    times, seconds = session.execute(asked).one()
    return times, float(seconds)


def consents_of(session: Session, user_id: UUID) -> Sequence[Consent]:
    """List the versions of the terms that an account accepted, newest first."""
    mine = select(Consent).where(Consent.user_id == user_id)
    return session.scalars(mine.order_by(Consent.accepted_at.desc(), Consent.version)).all()


def rows_about(
    session: Session, user_id: UUID, *, is_told: Callable[[Table, Column[Any]], bool]
) -> dict[str, list[dict[str, Any]]]:
    """Read every row that is about an account, by table, in the columns that are to be told.

    Of other accounts that a row names, such as staff who acted, not even the id is read out.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for table in metadata.sorted_tables:
        columns = [column for column in table.c if is_told(table, column)]
        if not columns or not has_owner(table):
            continue
        asked = select(*columns).where(about(table, user_id)).order_by(*table.primary_key.columns)
        owners = {column.name for column in columns if is_owner(column)}
        rows = [_without_others(dict(row), owners, user_id) for row in session.execute(asked).mappings()]
        if rows:
            found[str(table.name)] = rows
    return found


def _without_others(row: dict[str, Any], owners: set[str], user_id: UUID) -> dict[str, Any]:
    others = {name for name in owners if row[name] != user_id}
    return {str(name): None if name in others else value for name, value in row.items()}
