"""Keeps a snapshot of each sale that a socket watches: who watches it, and when a new snapshot is taken.

A nudge from Redis leads to a new snapshot at once, or when the throttle lets it be sent. Besides, every
watched sale is looked at about once a second: that finds changes without a nudge, and nudges that got lost.
With very many sales in a process it is less often, every three seconds at the rarest.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import orjson

from models.enums import SaleStatus
from models.errors import LineUnavailable, NoSuchSale, Unavailable
from models.messages import Message, live_sale
from tasks.context import Context
from tasks.runtime.single_flight import Flights
from tasks.sales.lifecycle import get_sale
from web.sockets.delivery.snapshot import recorded_sale
from web.sockets.delivery.throttle import MERGE_S, BroadcastThrottle, Paced
from web.sockets.transport.connection import Connection
from web.sockets.transport.wire import text_frame

POLL_S: Final = 1.0
LONGEST_POLL_S: Final = 3.0
POLLS_PER_S: Final = 100  # in a process; one takes it 0.3 ms, and Redis 0.1 ms
AWAY_S: Final = 0.5  # before a store that did not answer is asked again

log = logging.getLogger(__name__)


class Watch(Paced):
    """One watched sale. `version` grows with each snapshot that differs from the one before."""

    __slots__ = (
        "broadcast_version",
        "due",
        "frame",
        "is_nudged",
        "looked_at",
        "members",
        "message",
        "nudge_taken_at",
        "sale_id",
        "version",
    )

    def __init__(self, sale_id: UUID) -> None:
        super().__init__()
        self.sale_id = sale_id
        self.members: dict[Connection, int] = {}  # each with the version that was sent last
        self.message: Message = {}
        self.frame = b""
        self.version = 0
        self.broadcast_version = 0  # the version that was broadcast last
        self.looked_at = 0.0
        self.due = 0.0
        self.is_nudged = False
        self.nudge_taken_at = 0.0  # when it was looked at because of a nudge

    @property
    def has_news(self) -> bool:
        """Whether there is a snapshot that was not broadcast."""
        return self.version != self.broadcast_version

    def tell(self, connection: Connection) -> bool:
        """Send a member the newest snapshot, unless it has that already or is behind with reading."""
        known = self.members.get(connection)
        if known is None or known == self.version or not connection.offer(self.frame):
            return False
        if connection in self.members:  # it may have been lost just now
            self.members[connection] = self.version
        return True


class Watches:
    """All watched sales of the process."""

    def __init__(
        self,
        context: Context,
        clock: Callable[[], float] = time.monotonic,
        on_opened: Callable[[Watch], None] = lambda _watch: None,
        is_rushed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._context = context
        self._clock = clock
        self._on_opened = on_opened
        self._by_sale: dict[UUID, Watch] = {}
        self._looks: Flights[None] = Flights()
        self._wake = threading.Event()
        self.throttle = BroadcastThrottle(is_rushed)
        self.news = threading.Event()  # some sale has news to broadcast

    def __len__(self) -> int:
        return len(self._by_sale)

    @property
    def all(self) -> list[Watch]:
        """The watched sales."""
        return list(self._by_sale.values())

    @property
    def subscriptions(self) -> int:
        """How many members all of them have."""
        return sum(len(watch.members) for watch in self._by_sale.values())

    def join(self, connection: Connection, sale_id: UUID) -> Watch:
        """Have a connection receive a sale's snapshots from now on."""
        watch = self._by_sale.get(sale_id)
        if watch is None:
            watch = self._by_sale[sale_id] = Watch(sale_id)
        if connection not in watch.members:
            watch.members[connection] = 0
            connection.watched = (*connection.watched, watch)
            connection.due = 0.0
        return watch

    def has(self, connection: Connection, sale_id: UUID) -> bool:
        """Whether a connection watches a sale already."""
        watch = self._by_sale.get(sale_id)
        return watch is not None and connection in watch.members

    def is_fresh(self, sale_id: UUID) -> bool:
        """Whether there is a snapshot that is young enough for a new subscriber."""
        watch = self._by_sale.get(sale_id)
        return watch is not None and bool(watch.version) and self._clock() - watch.looked_at < MERGE_S

    def leave(self, connection: Connection, sale_id: UUID) -> None:
        """Stop sending it a sale's snapshots."""
        watch = self._by_sale.get(sale_id)
        if watch is not None:
            self._part(connection, watch)

    def leave_all(self, connection: Connection) -> None:
        """Stop sending it any sale's snapshots."""
        for watch in connection.watched:
            self._part(connection, watch)

    def nudge(self, sale_id: UUID) -> None:
        """Something about this sale has changed."""
        watch = self._by_sale.get(sale_id)
        if watch is not None and not watch.is_nudged:
            watch.is_nudged = True
            watch.expect(self._clock())
            self._wake.set()

    def nudge_all(self) -> None:
        """Anything may have changed."""
        for sale_id in list(self._by_sale):
            self.nudge(sale_id)

    def take_snapshot(self, watch: Watch, *, max_age_s: float = MERGE_S) -> None:
        """Take a new snapshot of a watched sale, unless the last is that young.

        Raises:
            NoSuchSale: there is none.
        """
        if not watch.version or self._clock() - watch.looked_at >= max_age_s:
            self._looks.join(watch, lambda: self._look(watch))

    def run_once(self) -> None:
        """Look at what is due, and wait for the next."""
        self._wake.clear()
        now = self._clock()
        for watch in self.all:
            if self._due(watch) <= now:
                self._refresh(watch)
        next_due = min(map(self._due, self.all), default=now + POLL_S)
        self._wake.wait(max(next_due - self._clock(), 0.0))

    def wake(self) -> None:
        """Let `run_once` return."""
        self._wake.set()

    def _refresh(self, watch: Watch) -> None:
        try:
            self.take_snapshot(watch, max_age_s=0.0)
        except Unavailable as error:
            self._put_off(watch)
            log.warning("sale %s could not be looked at: %s", watch.sale_id, error)
        except NoSuchSale:  # who subscribed to it is just being told, and leaves
            self._put_off(watch)

    def _put_off(self, watch: Watch) -> None:
        watch.due = self._clock() + AWAY_S
        watch.is_nudged = False

    def _due(self, watch: Watch) -> float:
        """After a nudge, when a snapshot may be sent, and not before: so what is sent is fresh."""
        if not watch.is_nudged:
            return watch.due
        return min(max(watch.nudge_taken_at + MERGE_S, self.throttle.begins_at(watch)), watch.due)

    def _look(self, watch: Watch) -> None:
        """Called once at a time for a sale, so that a snapshot never replaces a younger one."""
        if watch.is_nudged:
            watch.is_nudged, watch.nudge_taken_at = False, self._clock()
        message = self._message(watch)
        seen_before = watch.looked_at if watch.version else self._clock()
        watch.looked_at = self._clock()
        watch.due = watch.looked_at + self._poll_s() * random.uniform(0.85, 1.15)  # noqa: S311 - spreads
        differs = not watch.version or _without_time(message) != _without_time(watch.message)
        has_opened = _is_before_the_line(watch.message) and not _is_before_the_line(message)
        watch.message = message
        watch.frame = text_frame(orjson.dumps(message))
        if differs:
            watch.version += 1
            watch.expect(seen_before)  # without a nudge, it may have been new since then
            self.news.set()
        elif not watch.has_news:
            watch.news_since = 0.0
        if has_opened:
            self._on_opened(watch)

    def _poll_s(self) -> float:
        return min(max(POLL_S, len(self._by_sale) / POLLS_PER_S), LONGEST_POLL_S)

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

    def _part(self, connection: Connection, watch: Watch) -> None:
        if watch.members.pop(connection, None) is None:
            return
        connection.watched = tuple(one for one in connection.watched if one is not watch)
        connection.due = 0.0
        if not watch.members:
            self._by_sale.pop(watch.sale_id, None)


def _is_before_the_line(message: Message) -> bool:
    """Whether shoppers in the lobby have no tickets yet."""
    return message.get("status") == SaleStatus.SCHEDULED or bool(message.get("drawing"))


def _without_time(message: Message) -> Message:
    return {name: value for name, value in message.items() if name != "server_time"}
