"""Sends a sale's snapshot to all who watch it, in slices, so that the process's other work need not wait.

A snapshot that is replaced in the middle of a broadcast is not sent any further: the remaining sockets get
the newer one, and those that had the older get it in the next round.
"""

import time
from collections.abc import Callable
from typing import Final

import gevent

from web.sockets.delivery.subscription import Watch, Watches
from web.sockets.metrics import BROADCAST_SECONDS, PUSHED_SALE

SLICE_S: Final = 0.003  # of sending, before other greenlets get their turn
LOOK_AT_CLOCK: Final = 16  # members sent to between two looks at the clock


def _let_others() -> None:
    gevent.sleep(0)


class Broadcast:
    """Sends what is new, sale by sale, as the throttle allows."""

    def __init__(
        self,
        watches: Watches,
        clock: Callable[[], float] = time.monotonic,
        let_others: Callable[[], None] = _let_others,
    ) -> None:
        self._watches = watches
        self._clock = clock
        self._let_others = let_others

    def run_once(self) -> None:
        """Send what may be sent now; else wait until something may."""
        self._watches.news.clear()
        begins_at = self._watches.throttle.begins_at
        waiting = sorted((w for w in self._watches.all if w.has_news), key=begins_at)
        if not waiting:
            self._watches.news.wait()
        elif (pause_s := begins_at(waiting[0]) - self._clock()) > 0:
            self._watches.news.wait(pause_s)
        for watch in waiting:
            if watch.has_news and begins_at(watch) <= self._clock():
                self._tell(watch)

    def wake(self) -> None:
        """Let `run_once` return."""
        self._watches.news.set()

    def _tell(self, watch: Watch) -> None:
        watch.broadcast_version, watch.news_since = watch.version, 0.0
        began = since = self._clock()
        took_s, sent = 0.0, 0
        for count, connection in enumerate(list(watch.members), 1):
            sent += watch.tell(connection)
            if count % LOOK_AT_CLOCK == 0 and (now := self._clock()) - since >= SLICE_S:
                took_s += now - since
                self._let_others()
                since = self._clock()
        took_s += self._clock() - since
        self._watches.throttle.spent(watch, began, took_s)
        PUSHED_SALE.inc(sent)
        BROADCAST_SECONDS.observe(took_s)
