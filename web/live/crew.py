"""Owns the greenlets that handle messages: as many as there is work, up to a bound, each message in order."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import gevent

from web.live.connection import Connection

MAX_HANDS: Final = 16  # greenlets; more would take all of the stores' connections from the requests

log = logging.getLogger(__name__)


class Crew:
    """Handles the inboxes of connections, one message of a connection at a time."""

    def __init__(self, handle: Callable[[Connection, str], None]) -> None:
        self._handle = handle
        self._waiting: deque[Connection] = deque()
        self._hands = 0

    def call(self, connection: Connection) -> None:
        """Have a connection's inbox handled soon; returns at once."""
        if connection.is_busy:
            return
        connection.is_busy = True
        self._waiting.append(connection)
        if self._hands < MAX_HANDS:
            self._hands += 1
            gevent.spawn(self._work)

    def _work(self) -> None:
        try:
            while self._waiting:
                self._serve(self._waiting.popleft())
        finally:
            self._hands -= 1

    def _serve(self, connection: Connection) -> None:
        """One message; then those who waited longer get their turn."""
        try:
            if connection.inbox:
                self._handle(connection, connection.inbox.pop(0))
        except Exception:
            log.exception("a connection could not be served")
            connection.lose()
        finally:
            connection.is_busy = False
            connection.on_inbox_taken()
            if connection.inbox:
                connection.is_busy = True
                self._waiting.append(connection)
