"""Handles each connection's messages in their order, one at a time, with a bounded pool of greenlets.

A message is begun where it was read, at once. Only what has to wait for a store is done by the pool's
workers, as many as there is work, up to a bound.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

import gevent

from web.sockets.commands.fair_queue import FairQueue
from web.sockets.transport.connection import Connection

MAX_WORKERS: Final = 16  # greenlets; more would take all of the stores' connections from the requests
MAX_DOUBTFUL_WORKERS: Final = 4  # greenlets for what will probably fail, besides those

log = logging.getLogger(__name__)


class Step(Enum):
    """How far the handling of a message is."""

    ANSWERED = "answered"
    AWAITED = "awaited"  # somebody will call `go_on`


Work = Callable[[], Step]  # what is left to do of a message, and may wait


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Work that will probably fail: it has few workers of its own, and takes none from other work."""

    work: Callable[[], Step]
    whose: str = ""  # with the network, names the queue in which it waits

    def __call__(self) -> Step:
        """Do it."""
        return self.work()


Begin = Callable[[Connection, str], Step | Work]  # must not wait


class WorkerPool:
    """Handles the inboxes of connections. Networks take turns with their work."""

    def __init__(self, begin: Begin, network_of: Callable[[Connection], str] = lambda _one: "") -> None:
        self._begin = begin
        self._network_of = network_of
        self._ordinary = _Workers(MAX_WORKERS, self._finish)
        self._doubtful = _Workers(MAX_DOUBTFUL_WORKERS, self._finish)
        self._goodbyes: dict[Connection, Callable[[], None]] = {}

    def call(self, connection: Connection) -> None:
        """Have a connection's inbox handled, now or when its present message is answered; never waits."""
        if not connection.is_busy:
            connection.is_busy = True
            self.go_on(connection, Step.ANSWERED)

    def go_on(self, connection: Connection, step: Step | Work) -> None:
        """Go on with a connection's messages from where the present one is; never waits."""
        while step is Step.ANSWERED:
            if connection in self._goodbyes:
                connection.inbox.clear()
                self._goodbyes.pop(connection)()
            if not connection.inbox:
                connection.is_busy = False
                return
            step = self._take_next(connection)
        if callable(step):
            network = self._network_of(connection)
            if isinstance(step, Doubtful):
                self._doubtful.do(f"{network} {step.whose}", connection, step)
            else:
                self._ordinary.do(network, connection, step)

    def dismiss(self, connection: Connection, goodbye: Callable[[], None]) -> None:
        """Say goodbye once the message that is being handled is answered; no other is begun."""
        connection.inbox.clear()
        if connection.is_busy:
            self._goodbyes[connection] = goodbye
        else:
            goodbye()

    def _take_next(self, connection: Connection) -> Step | Work:
        was_full = not connection.wants_reading
        text = connection.inbox.pop(0)
        if was_full:
            connection.on_inbox_taken()
        return _attempt(connection, partial(self._begin, connection, text))

    def _finish(self, connection: Connection, work: Work) -> None:
        self.go_on(connection, _attempt(connection, work))


class _Workers:
    """Greenlets that do the waiting work, as many as there is work, up to a bound."""

    def __init__(self, most: int, finish: Callable[[Connection, Work], None]) -> None:
        self._most = most
        self._finish = finish
        self._waiting: FairQueue[tuple[Connection, Work]] = FairQueue()
        self._at_work = 0

    def do(self, who: str, connection: Connection, work: Work) -> None:
        """Have work done; never waits."""
        self._waiting.put(who, (connection, work))
        if self._at_work < self._most:
            self._at_work += 1
            gevent.spawn(self._work)

    def _work(self) -> None:
        """Do one thing after the other; a connection has one thing in work at a time."""
        try:
            while self._waiting:
                self._finish(*self._waiting.take())
        finally:
            self._at_work -= 1


def _attempt(connection: Connection, do: Callable[[], Step | Work]) -> Step | Work:
    """The last resort: a connection with an unexpected error is closed, and no other."""
    try:
        return do()
    except Exception:
        log.exception("a connection could not be served")
        connection.lose()
        return Step.ANSWERED
