"""Owns the pictures of the sales that somebody watches: when they are taken, and who has which.

A nudge from Redis makes for a new picture at once, or after a moment when there was one just now. Besides,
every watched sale is looked at about once a second: that finds what nobody nudges for, and what got lost.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import gevent
import orjson

from models.errors import LineUnavailable, Unavailable
from models.events import Message, live_sale
from models.vocabulary import SaleStatus
from tasks.context import Context
from tasks.sales import get_sale
from web.live.connection import Connection
from web.live.metrics import PUSHED_SALE, WATCHERS
from web.live.picture import recorded_sale
from web.live.wire import text_frame

MERGE_S: Final = 0.25  # between two pictures that are sent of one sale
POLL_S: Final = 1.0
AWAY_S: Final = 0.5  # before a store that did not answer is asked again
SLICE: Final = 128  # sockets written to before others of the process get their turn

log = logging.getLogger(__name__)


class Watch:
    """One watched sale. `version` grows with each picture that differs from the one before."""

    __slots__ = (
        "due",
        "frame",
        "is_nudged",
        "lock",
        "looked_at",
        "members",
        "message",
        "sale_id",
        "spread",
        "spread_at",
        "version",
    )

    def __init__(self, sale_id: UUID) -> None:
        self.sale_id = sale_id
        self.members: set[Connection] = set()
        self.lock = threading.Lock()
        self.message: Message = {}
        self.frame = b""
        self.version = 0
        self.spread = 0  # the version that was sent to everybody
        self.spread_at = 0.0
        self.looked_at = 0.0
        self.due = 0.0
        self.is_nudged = False


class Watches:
    """All watched sales of the process."""

    def __init__(
        self,
        context: Context,
        clock: Callable[[], float] = time.monotonic,
        on_opened: Callable[[Watch], None] = lambda _watch: None,
    ) -> None:
        self._context = context
        self._clock = clock
        self._on_opened = on_opened
        self._by_sale: dict[UUID, Watch] = {}
        self._wake = threading.Event()

    def __len__(self) -> int:
        return len(self._by_sale)

    def join(self, connection: Connection, sale_id: UUID) -> Watch:
        """Let a connection hear of a sale from now on."""
        watch = self._by_sale.get(sale_id)
        if watch is None:
            watch = self._by_sale[sale_id] = Watch(sale_id)
        if connection not in watch.members:
            watch.members.add(connection)
            connection.watched[watch] = 0
            connection.due = 0.0
            WATCHERS.inc()
        return watch

    def has(self, connection: Connection, sale_id: UUID) -> bool:
        """Say whether a connection hears of a sale already."""
        watch = self._by_sale.get(sale_id)
        return watch is not None and watch in connection.watched

    def leave(self, connection: Connection, sale_id: UUID) -> None:
        """Let it hear no more of a sale."""
        watch = self._by_sale.get(sale_id)
        if watch is not None:
            self._part(connection, watch)

    def leave_all(self, connection: Connection) -> None:
        """Let it hear no more of any."""
        for watch in list(connection.watched):
            self._part(connection, watch)

    def nudge(self, sale_id: UUID) -> None:
        """Something about this sale has changed."""
        watch = self._by_sale.get(sale_id)
        if watch is not None and not watch.is_nudged:
            watch.is_nudged = True
            self._wake.set()

    def nudge_all(self) -> None:
        """Anything may have changed."""
        for sale_id in list(self._by_sale):
            self.nudge(sale_id)

    def picture(self, watch: Watch, *, max_age_s: float = MERGE_S) -> None:
        """Take a new picture of a watched sale, unless the last is that young.

        Raises:
            NoSuchSale: there is none.
            LedgerUnavailable: it cannot be told whether there is one.
        """
        with watch.lock:
            if not watch.version or self._clock() - watch.looked_at >= max_age_s:
                self._look(watch)

    def run_once(self) -> None:
        """Look at what is due, tell it, and wait for the next."""
        self._wake.clear()
        now = self._clock()
        for watch in list(self._by_sale.values()):
            if self._due(watch) <= now:
                self._refresh(watch)
        next_due = min(map(self._due, self._by_sale.values()), default=now + POLL_S)
        self._wake.wait(max(next_due - self._clock(), 0.0))

    def wake(self) -> None:
        """Let `run_once` return."""
        self._wake.set()

    def _refresh(self, watch: Watch) -> None:
        try:
            self.picture(watch, max_age_s=0.0)
        except Unavailable as error:
            watch.due = self._clock() + AWAY_S
            watch.is_nudged = False
            log.warning("sale %s could not be looked at: %s", watch.sale_id, error)
        if watch.version != watch.spread:
            self._spread(watch)

    def _due(self, watch: Watch) -> float:
        """Something new: after the merging pause; else when the next poll comes."""
        if watch.is_nudged or watch.version != watch.spread:
            return watch.spread_at + MERGE_S
        return watch.due

    def _look(self, watch: Watch) -> None:
        """Called under the watch's lock, so that a picture never replaces a younger one."""
        watch.is_nudged = False
        message = self._message(watch)
        watch.looked_at = self._clock()
        watch.due = watch.looked_at + POLL_S * random.uniform(0.85, 1.15)  # noqa: S311 - spreads, hides nothing
        differs = not watch.version or _without_time(message) != _without_time(watch.message)
        has_opened = watch.message.get("status") == SaleStatus.SCHEDULED != message["status"]
        watch.message = message
        watch.frame = text_frame(orjson.dumps(message))
        if differs:
            watch.version += 1
            self._wake.set()
        if has_opened:
            self._on_opened(watch)

    def _message(self, watch: Watch) -> Message:
        try:
            look = self._context.live.look(watch.sale_id)
        except LineUnavailable:
            if watch.version:
                raise
        else:
            if look.is_loaded:
                return {"type": "sale", **live_sale(look)}
        return {"type": "sale", **recorded_sale(get_sale(self._context, watch.sale_id))}

    def _spread(self, watch: Watch) -> None:
        watch.spread = watch.version
        watch.spread_at = self._clock()
        sent = 0
        for count, connection in enumerate(list(watch.members), 1):
            sent += connection.offer(watch)
            if count % SLICE == 0:
                gevent.sleep(0)
        PUSHED_SALE.inc(sent)

    def _part(self, connection: Connection, watch: Watch) -> None:
        if connection.watched.pop(watch, None) is None:
            return
        connection.due = 0.0
        watch.members.discard(connection)
        WATCHERS.dec()
        if not watch.members:
            self._by_sale.pop(watch.sale_id, None)


def _without_time(message: Message) -> Message:
    return {name: value for name, value in message.items() if name != "server_time"}
