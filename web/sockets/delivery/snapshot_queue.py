"""Sends shoppers their own intents and orders after a subscription, and after a gap in the Redis feed.

Those who come together are answered together: what comes in while one query is running waits for the next,
so a lone shopper waits for nobody and a crowd costs few queries. Who asks for it is told at the end what they
have in the sale, which may be nothing: a page that knows it need not ask by a request of its own.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import orjson

from models.errors import Unavailable
from models.messages import Message
from tasks.context import Context
from tasks.intents.shopper_state import Told, newest_of_shoppers
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.delivery.subscription import Watch
from web.sockets.transport.connection import Connection
from web.sockets.transport.wire import text_frame

BATCH: Final = 250  # sockets a query

log = logging.getLogger(__name__)


class SnapshotQueue:
    """The sockets that are to be sent their own intent and order, by the sale that they watch."""

    def __init__(self, context: Context, sessions: SessionRegistry) -> None:
        self._context = context
        self._sessions = sessions
        self._waiting: dict[Watch, dict[Connection, bool]] = {}  # each with whether it asks for its standing
        self._wake = threading.Event()

    def add(self, connection: Connection, watches: Iterable[Watch], *, asks_standing: bool = False) -> None:
        """Queue a socket to be sent what its user has in these sales, and then the `standing` if it asks."""
        if connection.identity is None:
            return
        for watch in watches:
            waiting = self._waiting.setdefault(watch, {})
            waiting[connection] = asks_standing or waiting.get(connection, False)
            self._wake.set()

    def run_once(self) -> None:
        """Wait until a socket is queued, and send it its snapshot.

        Raises:
            Unavailable: a store is away; they still wait, and the next run tries again.
        """
        self._wake.wait()
        self._wake.clear()
        while self._waiting:
            watch, batch = self._take()
            try:
                self._send(watch, batch)
            except Unavailable:
                for connection, asks_standing in batch.items():
                    self.add(connection, [watch], asks_standing=asks_standing)
                raise
            except Exception:  # what fails for another reason must not keep the others waiting
                log.exception("%d shoppers could not be told what is theirs", len(batch))

    def _take(self) -> tuple[Watch, dict[Connection, bool]]:
        """Take out who is next. One who is queued again meanwhile is sent again what is newer by then."""
        watch, waiting = next(iter(self._waiting.items()))
        batch = {one: waiting.pop(one) for one in list(islice(waiting, BATCH))}
        if not waiting:
            del self._waiting[watch]
        return watch, batch

    def wake(self) -> None:
        """Let `run_once` return."""
        self._wake.set()

    def _send(self, watch: Watch, batch: dict[Connection, bool]) -> None:
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
                if batch[connection]:
                    connection.push(_standing_frame(watch, told, user_id))


def _messages(told: Told, user_id: str) -> Iterator[tuple[str, Message]]:
    intent, order = told.get(user_id, (None, None))
    if intent is not None:
        yield "intent", intent
    if order is not None:
        yield "order", order


def _standing_frame(watch: Watch, told: Told, user_id: str) -> bytes:
    """Pack the ids of what a shopper has in a sale, which was sent before."""
    intent, order = told.get(user_id, (None, None))
    standing = {
        "type": "standing",
        "sale_id": str(watch.sale_id),
        "intent_id": intent["id"] if intent else None,
        "order_id": order["id"] if order else None,
    }
    return text_frame(orjson.dumps(standing))
