"""Owns who does what when with messages: each connection's in their order, one at a time.

A message is begun at once, where it was read. Only what has to wait for stores is done by greenlets, as many
as there is work, up to a bound.
"""

import logging
from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Final

import gevent

from web.live.connection import Connection

MAX_HANDS: Final = 16  # greenlets; more would take all of the stores' connections from the requests

log = logging.getLogger(__name__)


class Step(Enum):
    """How far a message is."""

    ANSWERED = "answered"
    AWAITED = "awaited"  # somebody will call `go_on`


Work = Callable[[], Step]  # what is left to do of a message, and may wait
Begin = Callable[[Connection, str], Step | Work]  # must not wait


class Crew:
    """Handles the inboxes of connections."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._waiting: deque[tuple[Connection, Work]] = deque()
        self._hands = 0
        self._farewells: dict[Connection, Callable[[], None]] = {}

    def call(self, connection: Connection) -> None:
        """Have a connection's inbox handled, now or when its present message is answered; never waits."""
        if not connection.is_busy:
            connection.is_busy = True
            self.go_on(connection, Step.ANSWERED)

    def go_on(self, connection: Connection, step: Step | Work) -> None:
        """Go on with a connection's messages from where the present one is; never waits."""
        while step is Step.ANSWERED:
            if connection in self._farewells:
                connection.inbox.clear()
                self._farewells.pop(connection)()
            if not connection.inbox:
                connection.is_busy = False
                return
            step = self._take_next(connection)
        if callable(step):
            self._waiting.append((connection, step))
            if self._hands < MAX_HANDS:
                self._hands += 1
                gevent.spawn(self._work)

    def dismiss(self, connection: Connection, goodbye: Callable[[], None]) -> None:
        """Say goodbye to a connection once the message that is in hand is answered; no other is begun."""
        connection.inbox.clear()
        if connection.is_busy:
            self._farewells[connection] = goodbye
        else:
            goodbye()

    def _take_next(self, connection: Connection) -> Step | Work:
        was_full = not connection.wants_reading
        text = connection.inbox.pop(0)
        if was_full:
            connection.on_inbox_taken()
        return _attempt(connection, partial(self._begin, connection, text))

    def _work(self) -> None:
        """Do one thing after the other: who waited longest comes first, and of a connection one at a time."""
        try:
            while self._waiting:
                connection, work = self._waiting.popleft()
                self.go_on(connection, _attempt(connection, work))
        finally:
            self._hands -= 1


def _attempt(connection: Connection, do: Callable[[], Step | Work]) -> Step | Work:
    """The last resort: a connection that fails for a reason which nobody foresaw ends, and no other."""
    try:
        return do()
    except Exception:
        log.exception("a connection could not be served")
        connection.lose()
        return Step.ANSWERED
