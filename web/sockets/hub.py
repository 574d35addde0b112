"""All sockets of one web process: the hub lets them in, looks after them, and closes them at the end.

From `settle.lua` to a socket:

1. The publishers. `settle.lua` ends with two PUBLISHes: the claim's intents and orders, packed as JSON, on
   the sale's channel `{sale:<id>}:verdicts`, and a word on `{sale:<id>}:live`, which says only that the
   sale's figures changed. The other scripts that change a sale publish there too, `sell` and `release` on
   both; what changes outside of a script is published by `tell` in `models.live.store`. The channels are
   named in `models.live.keys`.
2. The subscription. `Feed` holds the one connection of this process that is subscribed, to both patterns
   for all sales, and to the word that a product changed. It calls a `Listener`, which `Hub._start` wires.
3. Who hears. A verdict goes by `SessionRegistry.tell_all` to the sockets of the intent's owner, and at once.
   A `live` word goes by `Watches.nudge` to the sockets that subscribed to that sale: `Watches` takes a
   snapshot, and `Broadcast` sends it when `BroadcastThrottle` allows.
4. What was lost. After a gap in the subscription `Hub._on_gap` has all sales looked at again, and
   `SnapshotQueue` sends every shopper their own intents and orders; `Reconciler` finds single lost messages.

What is kept for reads hears the same words (`web/reads/answer_cache.py`).

Everything starts with the first socket or read, so in a worker process and never before its fork. Nothing
here is protected by locks: between two points where a greenlet waits, no other runs.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import gevent
import gevent.monkey
import orjson
from gevent.event import Event

from config import Settings
from models.errors import Unavailable
from tasks.context import Context
from web.auth.revocation import RevokedFamilies
from web.auth.tokens import Tokens, Verified
from web.limits.rate_limits import Limits
from web.reads.answer_cache import Reads
from web.sockets.commands.answers import refuse
from web.sockets.commands.dispatcher import AccessRules, MessageDispatcher
from web.sockets.commands.parsing import Refused
from web.sockets.commands.unknown_sales import UnknownSales
from web.sockets.delivery.broadcast import Broadcast
from web.sockets.delivery.collector import Collector
from web.sockets.delivery.feed import Feed, Listener
from web.sockets.delivery.heard import Heard
from web.sockets.delivery.reconciler import Reconciler
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.delivery.snapshot_queue import SnapshotQueue
from web.sockets.delivery.subscription import Watch, Watches
from web.sockets.metrics import CUT_OFF, SOCKETS, WATCHERS
from web.sockets.presence import Presence
from web.sockets.transport.admission import Admission, capacity
from web.sockets.transport.anonymous import AnonymousSockets
from web.sockets.transport.arrival import Arrival
from web.sockets.transport.connect_limit import Rate
from web.sockets.transport.connection import Connection
from web.sockets.transport.goodbye import send_away
from web.sockets.transport.poller import SocketPoller
from web.sockets.transport.wire import POLICY, UNAUTHENTICATED, text_frame

TICK_S: Final = 0.5
MOST_OF_ACCOUNT: Final = 200  # sockets in this process
FAILED_PAUSE_S: Final = 1.0  # before something that failed is tried again

log = logging.getLogger(__name__)


class Hub:
    """All sockets of the process, and what serves them."""

    def __init__(
        self,
        settings: Settings,
        context: Context,
        tokens: Tokens,
        revoked: RevokedFamilies,
        limits: Limits,
        *,
        reads: Reads,
    ) -> None:
        self._settings = settings
        self._revoked = revoked
        self._reads = reads
        rates, is_limited = settings.rate_limits, settings.rate_limits_enabled
        self._is_limited = is_limited
        self._rate = Rate.of(rates.socket_messages, enabled=is_limited)
        self._admission = Admission(Rate.of(rates.socket_connects, enabled=is_limited))
        self._anonymous = AnonymousSockets(settings.sockets_per_network if is_limited else 0)
        self._spares = limits.spares
        self._connections: set[Connection] = set()
        self._started_in = 0
        self._heard = Heard(context)
        self.sessions = SessionRegistry(context.traces, self._heard)
        self.snapshot_queue = SnapshotQueue(context, self.sessions)
        self.watches = Watches(
            context, on_opened=self._on_opened, is_rushed=lambda: self.dispatcher.is_rushed
        )
        unknown = UnknownSales(rates.unknown_sales, enabled=is_limited, spares=limits.spares)
        access = AccessRules(tokens, limits.intents, unknown, self._let_authenticate)
        self.dispatcher = MessageDispatcher(context, access, self.sessions, self.watches, self.snapshot_queue)
        self._broadcast = Broadcast(self.watches)
        self._reconciler = Reconciler(context, self.sessions)
        self._presence = Presence(context, self.watches, lambda: len(self._connections))
        told = (self._reconciler, self._presence, self._heard)
        self._loops = (self.watches, self._broadcast, self.snapshot_queue, *told)
        self._pool = self.dispatcher.pool
        self._collector = Collector()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def capacity(self) -> int:
        """How many sockets this process may have open."""
        return capacity()

    def admit(self, address: str = "", verified: Verified | None = None) -> None:
        """Count a client that wants to upgrade.

        Raises:
            Problem: it must come again later.
        """
        if verified is None and not self._spares(address):
            self._anonymous.require_room(address)
        self._admission.admit(len(self._connections))

    def let_in(self, sock: socket.socket, arrival: Arrival) -> Connection:
        """Take over a socket whose upgrade is granted; what it can be told at once leaves in one piece."""
        self._start()
        connection = Connection(sock, self, sys.intern(arrival.address))
        self._connections.add(connection)
        self._poller.add(connection)
        connection.gather()
        if arrival.acceptance:
            connection.push(arrival.acceptance)
        if arrival.verified is not None:
            self._admit(connection, arrival.verified, tells_expiry=bool(arrival.sales))
        elif not self._spares(arrival.address):
            self._anonymous.enter(connection)
        self.dispatcher.subscribe(connection, arrival.sales, asks_standing=arrival.asks_standing)
        if arrival.said:
            connection.take(arrival.said)
        connection.send_gathered()
        if arrival.has_spoken:
            connection.on_readable()
        return connection

    def listen(self) -> None:
        """Hear the words of what changed, as with a first socket; only where the server serves sockets."""
        if self._started_in == os.getpid() or self._admission.is_closing:
            return
        if gevent.monkey.is_module_patched("socket"):
            self._start()

    def close(self) -> None:
        """Close all sockets within seconds and let none in any more; returns when they are gone."""
        if not self._admission.is_closing:
            self._admission.is_closing = True
            log.info("%d sockets are sent away", len(self._connections))
            send_away(lambda: self._connections, self._pool.dismiss)
            self._stop()

    def tick(self, now: float) -> None:
        """Update the gauges, end revoked log-ins, and look after the connections that are due."""
        self._collector.spare(len(self._connections))
        SOCKETS.set(len(self._connections))
        WATCHERS.set(self.watches.subscriptions)
        for family in self._revoked.among(self.sessions.families):
            for connection in self.sessions.of_family(family):
                self._end_identity(connection, "unauthenticated", "The token was revoked.")
                connection.close(UNAUTHENTICATED, "The token was revoked.")
        for connection in [one for one in self._connections if one.due <= now]:
            if connection.identity is not None and connection.identity_until <= now:
                self._end_identity(connection, "token_expired", "Send auth again with a fresh token.")
            connection.look_after(now)

    # What connections call; see `ConnectionOwner`.

    def on_message(self, connection: Connection) -> None:
        """Have it handled; a full inbox is not read from any more."""
        self._pool.call(connection)
        if not connection.wants_reading:
            self.on_interest(connection)

    def on_drained(self, connection: Connection) -> None:
        """Send what changed while the reader was behind."""
        for watch in connection.watched:
            watch.tell(connection)

    def on_interest(self, connection: Connection) -> None:
        """Poll for what the connection waits for now."""
        if not connection.is_gone:
            self._poller.change(connection)

    def on_gone(self, connection: Connection) -> None:
        """Forget it everywhere."""
        self._poller.remove(connection)
        self.sessions.leave(connection)
        self.watches.leave_all(connection)
        self._anonymous.leave(connection)
        self._connections.discard(connection)

    def lets_through(self, connection: Connection, now: float) -> bool:
        """Count a message against its socket's limit; a socket that ignores the refusals is closed."""
        if connection.gate.lets_through(self._rate, now):
            return True
        detail = "Too many messages; slow down."
        connection.push(_error("too_many_requests", detail))
        if connection.gate.is_abused:
            CUT_OFF.labels("too_many_requests").inc()
            connection.close(POLICY, detail)
        return False

    def _admit(self, connection: Connection, verified: Verified, *, tells_expiry: bool) -> None:
        try:
            self.dispatcher.admit(connection, verified, tells_expiry=tells_expiry)
        except Refused as error:
            refuse(connection, {}, error)

    def _let_authenticate(self, connection: Connection, user_id: str) -> None:
        if self._is_limited and self.sessions.count(user_id) >= MOST_OF_ACCOUNT:
            detail = "Too many sockets of this account."
            raise Refused("too_many_requests", detail, close_code=POLICY)
        self._anonymous.leave(connection)

    def _end_identity(self, connection: Connection, code: str, detail: str) -> None:
        self.sessions.leave(connection)
        connection.due = 0.0
        connection.push(_error(code, detail))

    def _on_live(self, sale_id: UUID, word: str) -> None:
        self._reads.on_word(sale_id, word)
        self.watches.nudge(sale_id)

    def _on_gap(self) -> None:
        """Redis was away, or is heard for the first time: anything may have been missed."""
        self._reads.on_gap()
        self.watches.nudge_all()
        for connection in self.sessions.everybody():
            self.snapshot_queue.add(connection, connection.watched)

    def _on_opened(self, watch: Watch) -> None:
        """The lobby became the line: its intents have another status, and after a draw another ticket."""
        for connection in watch.members:
            self.snapshot_queue.add(connection, [watch])

    def _start(self) -> None:
        if self._started_in == os.getpid():
            return
        self._started_in = os.getpid()
        self._stopped = Event()
        self._poller = SocketPoller()
        listener = Listener(self._on_live, self.sessions.tell_all, self._reads.forget, self._on_gap)
        self._feed = Feed(self._settings.redis_url, listener)
        steps = [loop.run_once for loop in self._loops]
        for step in (self._poller.run, self._feed.run, *steps, self._tick_once):
            gevent.spawn(self._repeat, step)

    def _stop(self) -> None:
        if self._started_in == os.getpid():
            self._stopped.set()
            self._feed.stop()
            self._poller.stop()
            for loop in self._loops:
                loop.wake()

    def _repeat(self, step: Callable[[], None]) -> None:
        """Do a step again and again; a step that fails is logged and does not end the others."""
        while not self._stopped.is_set():
            try:
                step()
            except Unavailable as error:
                log.warning("%s waits for a store: %s", step.__qualname__, error)
                self._stopped.wait(FAILED_PAUSE_S)
            except Exception:
                log.exception("%s failed", step.__qualname__)
                self._stopped.wait(FAILED_PAUSE_S)

    def _tick_once(self) -> None:
        self._stopped.wait(TICK_S)
        self.tick(time.monotonic())


def _error(code: str, detail: str) -> bytes:
    return text_frame(orjson.dumps({"type": "error", "code": code, "detail": detail}))
