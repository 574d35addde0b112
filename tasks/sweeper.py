"""The sweep: what workers repeat, so that no single message is essential, by what is due and what changed.

It asks the ledger for the agenda and Redis for the marks of all sales' movements, one question each, and then
does what is due and looks at the sales that moved. It knows when to come again: once a second while nothing
happens, at the time of what comes next, and four times a second while something moves.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from models.errors import LineUnavailable
from tasks.agenda import Agenda, SaleEntry, read_agenda
from tasks.context import Context
from tasks.deadlines import look_after_clocks
from tasks.expulsion.expelling import expel_again
from tasks.orders.holds import sweep_holds
from tasks.payments.sweep import sweep_payments
from tasks.runtime.isolation import apart
from tasks.sweep import look_after_sales

log: Final = structlog.get_logger()

REST_S: Final = 1.0  # between two sweeps while nothing happens
PACE_S: Final = 0.25  # between two while something does
SET_BACK_S: Final = 1.0  # by which the ledger's clock is behind where it was, that it was set back
CLOCKS_S: Final = 60.0  # between two looks at deadlines by a process that saw no clock set back

_Moves = tuple[str, tuple[str | None, ...]]  # of a sale: of its row, and of its live state


def sweep_everything(context: Context) -> None:
    """Check every hold, every payment and every sale once, whatever was seen before."""
    Sweeper(context).sweep()


class Sweeper:
    """Sweeps, and remembers how each sale stood at which nothing was left to do."""

    def __init__(self, context: Context, clock: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._clock = clock
        self._seen: dict[UUID, _Moves] = {}
        self._still: dict[UUID, _Moves] = {}
        self._ledger_ahead_s = float("inf")  # the ledger's clock beside our monotonic one, at the last sweep
        self._clocks_due = 0.0
        self.moving_sales: Sequence[UUID] = ()

    def sweep(self) -> float:
        """Do what is due; returns in how many seconds to come again. A failure in one part stops no other.

        Raises:
            LedgerUnavailable: PostgreSQL is unavailable, so that nothing can be done; it is tried again.
            ForeignLine: the Redis belongs to another ledger.
        """
        self._context.ownership.require()
        agenda = read_agenda(self._context.database)
        self.moving_sales = agenda.moving_sales
        moved = 0
        if agenda.has_unreleased or agenda.is_due(agenda.holds):
            with apart("sweep_hindered", of=sweep_holds.__name__):
                moved += sweep_holds(self._context)
        if agenda.is_due(agenda.money, *self._told(agenda)):
            with apart("sweep_hindered", of=sweep_payments.__name__):
                moved += sweep_payments(self._context)
        if agenda.is_due(agenda.expulsions):
            with apart("sweep_hindered", of=expel_again.__name__):
                moved += expel_again(self._context)
        with apart("sweep_hindered", of=look_after_sales.__name__):
            moved += self._look_after_sales(agenda)
        with apart("sweep_hindered", of=look_after_clocks.__name__):
            self._look_after_clocks(agenda)
        return self._pause_s(agenda, is_moving=moved > 0)

    def _told(self, agenda: Agenda) -> tuple[datetime | None, datetime | None]:
        """When the next mail and the next push is due, of those that this process could have sent."""
        settings = self._context.settings
        return agenda.mails if settings.mail else None, agenda.pushes if settings.push else None

    def _look_after_sales(self, agenda: Agenda) -> int:
        """Look at the sales that moved or have something due; returns how many moved or are busy."""
        now = self._moves_of(agenda.sales)
        moved = {sale_id for sale_id, moves in now.items() if self._seen.get(sale_id) != moves}
        due = {
            one.id
            for one in agenda.sales
            if agenda.is_due(one.turns_at)
            or one.id in agenda.adjusting
            or one.id not in now
            or self._still.get(one.id) != now[one.id]
        }
        self._seen = now
        self._still = {one: moves for one, moves in now.items() if one not in due}
        if not due:
            return 0
        looked = look_after_sales(self._context, due)
        self._still |= {one: now[one] for one in looked.still & now.keys()}
        return len(moved | looked.busy)

    def _moves_of(self, sales: Sequence[SaleEntry]) -> dict[UUID, _Moves]:
        """Read how far each sale has moved in both stores; none while Redis is unavailable."""
        try:
            live = self._context.live.moves_of([one.id for one in sales])
        except LineUnavailable as error:
            log.warning("sales_not_compared", error=str(error))
            return {}
        return {one.id: (one.written, live[one.id]) for one in sales if one.id in live}

    def _look_after_clocks(self, agenda: Agenda) -> None:
        """Look for deadlines that are too far ahead, at once where the ledger's clock was set back."""
        now = self._clock()
        ahead_s = agenda.now.timestamp() - now
        if ahead_s < self._ledger_ahead_s - SET_BACK_S:
            self._clocks_due = now
        self._ledger_ahead_s = ahead_s
        if now >= self._clocks_due and look_after_clocks(self._context):
            self._clocks_due = now + CLOCKS_S

    def _pause_s(self, agenda: Agenda, *, is_moving: bool) -> float:
        """Openings and endings are met to the moment; of what else comes, there may be thousands."""
        waits = (agenda.holds, agenda.money, *self._told(agenda), agenda.expulsions)
        pause_s = PACE_S if is_moving else max(agenda.seconds_to(waits, at_most=REST_S), PACE_S)
        turns = [one.turns_at for one in agenda.sales]
        return min(pause_s, agenda.seconds_to(turns, at_most=REST_S), REST_S)
