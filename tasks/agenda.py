"""The agenda: what the ledger knows to be due, and when the next thing will be, in one question.

A sweep asks it first, and then does what is due. So where nothing happens that one question is all, and a
sale opens, or a hold ends, when its time has come and not when a sweep happens to look.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from models.database import Database
from models.enums import SaleStatus

# Each of these reads the beginning of a partial index. `xmin` differs whenever a row was written.
_READ: Final = text("""
    WITH waiting AS (
        SELECT now() AS now,
               (SELECT min(expires_at) FROM orders WHERE status = 'held') AS holds,
               (SELECT EXISTS (SELECT FROM orders WHERE released_at IS NULL
                               AND status IN ('expired', 'cancelled', 'paid', 'refunded'))) AS has_unreleased,
               least((SELECT min(due_at) FROM payments), (SELECT min(due_at) FROM refunds),
                     (SELECT min(due_at) FROM sandbox_events),
                     (SELECT min(due_at) FROM verdict_notices)) AS money,
               (SELECT min(due_at) FROM mails) AS mails,
               (SELECT min(due_at) FROM push_messages) AS pushes,
               (SELECT min(expel_at) FROM users) AS expulsions,
               ARRAY(SELECT sale_id FROM adjustments WHERE state = 'pending') AS adjusting
    )
    SELECT w.*, s.id, s.xmin::text AS written, s.status, s.lobby_opens_at, s.opens_at, s.closes_at
    FROM waiting w LEFT JOIN sales s ON s.drained_at IS NULL
    ORDER BY s.id
""")


@dataclass(frozen=True, slots=True)
class SaleEntry:
    """A sale that is not drained yet. `written` differs once its row was written again."""

    id: UUID
    written: str
    status: str
    lobby_opens_at: datetime | None
    opens_at: datetime
    closes_at: datetime

    @property
    def turns_at(self) -> datetime | None:
        """When it opens or ends by itself."""
        if self.status == SaleStatus.SCHEDULED:
            return self.opens_at
        return self.closes_at if self.status in (SaleStatus.OPEN, SaleStatus.PAUSED) else None


@dataclass(frozen=True, slots=True)
class Agenda:
    """What waits, by the ledger's clock: of each kind the time of the first; none where nothing does.

    `adjusting`: sales whose allocation is being changed. `has_unreleased`: units of ended holds, of paid or
    refunded orders wait to be moved in Redis.
    """

    now: datetime
    holds: datetime | None
    money: datetime | None
    mails: datetime | None
    pushes: datetime | None
    expulsions: datetime | None
    has_unreleased: bool
    adjusting: frozenset[UUID]
    sales: tuple[SaleEntry, ...]

    def is_due(self, *times: datetime | None) -> bool:
        """Whether one of these times has come."""
        return any(one is not None and one <= self.now for one in times)

    def seconds_to(self, times: Iterable[datetime | None], *, at_most: float) -> float:
        """Return how long it is until the first of these times that is still to come."""
        coming = [(one - self.now).total_seconds() for one in times if one is not None and one > self.now]
        return min(coming, default=at_most)

    @property
    def moving_sales(self) -> list[UUID]:
        """The sales whose figures may move now, the last to open first."""
        moving = [
            one for one in self.sales if one.status != SaleStatus.SCHEDULED or self.is_due(one.lobby_opens_at)
        ]
        return [one.id for one in sorted(moving, key=lambda one: one.opens_at, reverse=True)]


def read_agenda(database: Database) -> Agenda:
    """Ask the ledger what waits."""
    with database.connection() as connection:
        rows = connection.execute(_READ).all()
    first = rows[0]
    return Agenda(
        now=first.now,
        holds=first.holds,
        money=first.money,
        mails=first.mails,
        pushes=first.pushes,
        expulsions=first.expulsions,
        has_unreleased=first.has_unreleased,
        adjusting=frozenset(first.adjusting),
        sales=tuple(_entry(row) for row in rows if row.id is not None),
    )


def _entry(row: Row[Any]) -> SaleEntry:
    return SaleEntry(row.id, row.written, row.status, row.lobby_opens_at, row.opens_at, row.closes_at)
