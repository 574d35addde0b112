"""Makes the page of figures that are the same wherever they are asked for, and keeps it in Redis.

At a thousand running sales it takes a tenth of a second, so that one worker makes it every five seconds, and
a web process that is asked for it only where no worker did for a while.
"""

import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from models.errors import LedgerUnavailable
from models.queries.sales import newest_running
from tasks.context import Context
from tasks.figures.packed import PackedPage
from tasks.figures.sales import sales_page
from tasks.figures.work import queues_page, redis_page, workers_page

log: Final = structlog.get_logger()

PERIOD_S: Final = 5.0  # between two pages
STALE_MS: Final = 20_000  # an older page is made again by the process that is asked
MOST_SALES: Final = 1_000  # the last to open; of more, the sums lack the others too
SHARE: Final = 0.02  # of one core, that making pages may take
MADE: Final = "figures_made_seconds"  # by Redis' clock


class FiguresPage:
    """Makes the page; remembers which sales run, for the time that the ledger is away."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sales: Sequence[UUID] = ()

    def make(self) -> PackedPage:
        """Make it of what both stores and the broker tell now."""
        context, live = self._context, self._context.live
        now_ms = live.now_ms()
        sales = live.figures.of_sales(self._running(), now_ms)
        parts = [
            *sales_page(sales, now_ms),
            *workers_page(live.workers.read(), now_ms),
            *queues_page(context.bell.unheard),
            *redis_page(live.figures.server()),
        ]
        return PackedPage.of(f"{MADE} {now_ms / 1000:.3f}\n{''.join(parts)}".encode(), now_ms)

    def renew(self) -> None:
        """Make it and keep it, if it is this process's turn; afterwards all rest."""
        live = self._context.live
        if not live.take_turn("figures", round(PERIOD_S * 900)):
            return
        began = time.monotonic()
        live.figures.keep_page(self.make().written())
        rest_s = (time.monotonic() - began) / SHARE
        if rest_s > PERIOD_S:
            live.set_turn("figures", min(round(rest_s * 1000), STALE_MS - round(PERIOD_S * 1000)))

    def _running(self) -> Sequence[UUID]:
        try:
            with self._context.database.transaction() as session:
                self._sales = newest_running(session, MOST_SALES)
        except LedgerUnavailable as error:
            log.debug("running_sales_not_read", error=str(error))
        return self._sales
