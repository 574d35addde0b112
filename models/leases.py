"""Leases on rows that are due, and the pauses until they are due again.

A row is due once its `due_at` has come. Leasing it moves `due_at` on by the lease in the same statement, so
that one process of many has it, and a crash makes it due again. Rows that others are leasing are skipped.
What is done with a row is up to the caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Update, case, func, null, select, update
from sqlalchemy.orm import Session

from models.tables.mails import Mail
from models.tables.notices.pushes import PushMessage
from models.tables.notices.verdicts import VerdictNotice
from models.tables.payments import Payment, Refund
from models.tables.sandbox import SandboxEvent

MOST_DOUBLINGS: Final = 16

Due = type[Payment] | type[Refund] | type[Mail] | type[PushMessage] | type[SandboxEvent] | type[VerdictNotice]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses in seconds: the first, then twice as long each time, up to the longest."""

    first_s: int
    longest_s: int

    def after(self, times: int) -> timedelta:
        """The pause after so many doublings; below zero counts as none."""
        doublings = min(max(times, 0), MOST_DOUBLINGS)
        return timedelta(seconds=min(self.first_s * 2**doublings, self.longest_s))

    def pause(self, times: Any) -> ColumnElement[timedelta]:
        """The same in SQL, by a column."""
        doublings = func.greatest(0, func.least(times, MOST_DOUBLINGS))
        return seconds(func.least(self.first_s * func.power(2, doublings), self.longest_s))


def seconds(count: Any) -> ColumnElement[timedelta]:
    """An interval of so many seconds, in SQL."""
    interval: ColumnElement[timedelta] = func.make_interval(0, 0, 0, 0, 0, 0, count)
    return interval


def has_due(session: Session, rows: Due) -> bool:
    """Whether a row is due; reads the beginning of an index."""
    due = select(rows.id).where(rows.due_at <= func.now())
    return session.scalars(select(due.exists())).one()


def take_up(
    rows: Due,
    limit: int,
    lease: timedelta | ColumnElement[timedelta],
    values: Mapping[str, Any],
    *only: ColumnElement[bool],
) -> tuple[Update, FromClause]:
    """Write the statement that takes up the rows that are due, oldest first, and sets `values` on them.

    With `only`, it leaves others alone; an index has to know the condition.

    Returns it with the rows as they were found, whose `due_at` is the one before the lease. The caller adds
    what is to be returned; that comes in no order.
    """
    due = (
        select(rows.id, rows.due_at)
        .where(rows.due_at <= func.now(), *only)
        .order_by(rows.due_at, rows.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taking = update(rows).where(rows.id == due.c.id).values(due_at=func.now() + lease, **values)
    return taking.execution_options(synchronize_session=False), due


def due_again(
    backoff: Backoff, tries: Any, *, is_over: ColumnElement[bool]
) -> ColumnElement[datetime | None]:
    """When a row that was tried in vain is due again, counting this try; never where it is given up."""
    return case((is_over, null()), else_=func.now() + backoff.pause(tries - 1))


def has_ended(since: Any, lease: timedelta) -> ColumnElement[bool]:
    """Whether a lease that began then is over, for rows that note the beginning instead of the end."""
    ended: ColumnElement[bool] = since < func.now() - lease
    return ended
