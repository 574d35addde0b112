"""Knows which sockets belong to which user, and pushes intents and orders to them, never older after newer.

A snapshot that was read before a change can be ready to send after the change was pushed. So a reader of a
snapshot records what is pushed meanwhile, and does not send what that replaced.
"""

import time
from collections.abc import Iterable, Iterator, KeysView
from contextlib import contextmanager
from uuid import UUID

import orjson

from models.messages import Message
from tasks.tracing.traces import OFF, Traces
from web.auth.tokens import Verified
from web.sockets.delivery.groups import Groups
from web.sockets.delivery.heard import Heard
from web.sockets.delivery.unresolved import UnresolvedState
from web.sockets.metrics import PUSHED_INTENT, PUSHED_ORDER
from web.sockets.transport.connection import Connection
from web.sockets.transport.wire import text_frame

_COUNTERS = {"intent": PUSHED_INTENT, "order": PUSHED_ORDER}


def personal_frame(kind: str, message: Message) -> bytes:
    """Pack an `intent` or an `order`."""
    return text_frame(orjson.dumps({"type": kind, **message}))


class SessionRegistry:
    """The authenticated sockets of the process."""

    def __init__(self, traces: Traces = OFF, heard: Heard | None = None) -> None:
        self._traces = traces
        self._heard = heard
        self.unresolved = UnresolvedState()
        self._by_user: Groups[str] = Groups()
        self._by_family: Groups[UUID] = Groups()
        self._recorders: dict[str, list[dict[str, Message]]] = {}

    @property
    def families(self) -> KeysView[UUID]:
        """The log-ins (token families) that sockets rest on."""
        return self._by_family.keys()

    def of_family(self, family: UUID) -> tuple[Connection, ...]:
        """The sockets of one log-in."""
        return self._by_family.of(family)

    def everybody(self) -> list[Connection]:
        """All authenticated sockets."""
        return self._by_user.everybody()

    def count(self, user_id: str) -> int:
        """How many sockets a user has in this process."""
        return len(self._by_user.of(user_id))

    def is_here(self, user_id: str) -> bool:
        """Whether a user has a socket in this process."""
        return user_id in self._by_user

    def enter(self, connection: Connection, verified: Verified) -> None:
        """Have a socket receive what is its user's, and nobody else's any more."""
        self.leave(connection)
        connection.identity = verified
        connection.user_id = str(verified.identity.user_id)
        self._by_user.add(connection.user_id, connection)
        self._by_family.add(verified.identity.family, connection)

    def leave(self, connection: Connection) -> None:
        """Have a socket receive nothing personal any more."""
        verified, connection.identity = connection.identity, None
        user_id, connection.user_id = connection.user_id, None
        if verified is not None and user_id is not None:
            self._by_user.discard(user_id, connection)
            self._by_family.discard(verified.identity.family, connection)

    def tell(self, user_id: str, kind: str, message: Message) -> None:
        """Push an intent or an order to every socket of its owner, unless a newer state was pushed before."""
        if self.unresolved.is_old(kind, message):
            return
        for recorded in self._recorders.get(user_id, ()):
            recorded[message["id"]] = message
        connections = self._by_user.of(user_id)
        if connections:
            frame = personal_frame(kind, message)
            for connection in connections:
                connection.push(frame)
            self.unresolved.note(user_id, kind, message)
            if self._heard is not None:
                self._heard.add(kind, message)
            _COUNTERS[kind].inc(len(connections))

    def tell_one(self, connection: Connection, kind: str, message: Message) -> None:
        """Push to one socket only, since the owner's others know it or need not: an answer, or a snapshot."""
        connection.push(personal_frame(kind, message))
        if connection.user_id is not None:
            self.unresolved.note(connection.user_id, kind, message)
            if self._heard is not None:
                self._heard.add(kind, message)

    def tell_all(self, packed: str) -> None:
        """Push what came from Redis: `[[user's id, intent | null, order | null], …]`."""
        if not self._by_user and not self._recorders:
            return
        began_ns = time.time_ns()
        for user_id, intent, order in orjson.loads(packed):
            if user_id in self._by_user or user_id in self._recorders:
                if intent is not None:
                    self.tell(user_id, "intent", intent)
                    if self._traces.is_on:
                        self._traces.told(intent, self.count(user_id), began_ns)
                if order is not None:
                    self.tell(user_id, "order", order)

    @contextmanager
    def recording(self, user_ids: Iterable[str]) -> Iterator[dict[str, Message]]:
        """Record what these users are told meanwhile, by the id of the intent or order."""
        recorded: dict[str, Message] = {}
        users = list(user_ids)
        for user_id in users:
            self.record(user_id, recorded)
        try:
            yield recorded
        finally:
            for user_id in users:
                self.stop_recording(user_id, recorded)

    def record(self, user_id: str, recorded: dict[str, Message]) -> None:
        """Record what a user is told from now on."""
        self._recorders.setdefault(user_id, []).append(recorded)

    def stop_recording(self, user_id: str, recorded: dict[str, Message]) -> None:
        """Stop recording there."""
        left = [one for one in self._recorders[user_id] if one is not recorded]
        if left:
            self._recorders[user_id] = left
        else:
            del self._recorders[user_id]
