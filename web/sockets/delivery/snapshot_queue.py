"""Sends shoppers their own intents and orders after a subscription, and after a gap in the Redis feed.

Those who come together are answered together: what comes in while one query is running waits for the next,
so a lone shopper waits for nobody and a crowd costs few queries.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from models.errors import Unavailable
from models.messages import Message
from tasks.context import Context
from tasks.intents.shopper_state import Told, newest_of_shoppers
from web.sockets.delivery.sessions import SessionRegistry
from web.sockets.delivery.subscription import Watch
from web.sockets.transport.connection import Connection

BATCH: Final = 250  # sockets a query

log = logging.getLogger(__name__)


class SnapshotQueue:
    """The sockets that are to be sent their own intent and order, by the sale that they watch."""

    def __init__(self, context: Context, sessions: SessionRegistry) -> None:
        self._context = context
        self._sessions = sessions
        self._waiting: dict[Watch, set[Connection]] = {}
        self._wake = threading.Event()

    def add(self, connection: Connection, watches: Iterable[Watch]) -> None:
        """Queue a socket to be sent what its user has in these sales."""
        if connection.identity is None:
            return
        for watch in watches:
            self._waiting.setdefault(watch, set()).add(connection)
            self._wake.set()

    def run_once(self) -> None:
        """Wait until a socket is queued, and send it its snapshot.

        Raises:
            Unavailable: a store is away; they still wait, and the next run tries again.
        """
        self._wake.wait()
        self._wake.clear()
        while self._waiting:
            watch, connections = next(iter(self._waiting.items()))
            batch = set(islice(connections, BATCH))
            try:
                self._send(watch, batch)
            except Unavailable:
                self._wake.set()
                raise
            except Exception:  # what fails for another reason must not keep the others waiting
                log.exception("%d shoppers could not be told what is theirs", len(batch))
            connections -= batch
            if not connections:
                self._waiting.pop(watch, None)

    def wake(self) -> None:
        """Let `run_once` return."""
        self._wake.set()

    def _send(self, watch: Watch, batch: set[Connection]) -> None:
        asked = {one: user_id for one in batch if one in watch.members and (user_id := one.user_id)}
        users = sorted(set(asked.values()))
        if not users:
            return
        with self._sessions.recording(users) as recorded:
            told = newest_of_shoppers(self._context, watch.sale_id, users)
            for connection, user_id in asked.items():
                if connection.user_id != user_id:
                    continue  # it belongs to another user by now
                for kind, message in _messages(told, user_id):
                    if message["id"] not in recorded:
                        self._sessions.tell_one(connection, kind, message)


def _messages(told: Told, user_id: str) -> Iterator[tuple[str, Message]]:
    intent, order = told.get(user_id, (None, None))
    if intent is not None:
        yield "intent", intent
    if order is not None:
        yield "order", order
