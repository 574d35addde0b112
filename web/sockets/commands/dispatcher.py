"""Dispatches clients' messages by their type. What has to wait for a store is left to the worker pool."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import orjson

from models.errors import NoSuchSale, Unavailable
from models.messages import Message
from tasks.context import Context
from tasks.intents.submit import leave_line
from web.auth.tokens import ACCESS, Tokens, Verified
from web.http.errors import Unauthenticated
from web.limits.networks import narrowest_network
from web.limits.rate_limits import AccountLimit
from web.sockets.commands.answers import answer, answer_own, attempt, refuse
from web.sockets.commands.intents import Intents
from web.sockets.commands.parsing import (
    Refused,
    client_id,
    only,
    read_flag,
    read_message,
    read_text,
    read_uuid,
)
from web.sockets.commands.unknown_sales import UnknownSales
from web.sockets.commands.worker_pool import Doubtful, Step, Work, WorkerPool
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.delivery.snapshot_queue import SnapshotQueue
from web.sockets.delivery.subscription import Watch, Watches
from web.sockets.transport.connection import Connection
from web.sockets.transport.wire import UNAUTHENTICATED

MAX_SUBSCRIPTIONS: Final = 64

Then = TypeVar("Then", bound=Step | Work)
Verb = Callable[[Connection, Message], Then]


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What clients may do: by token, and how often."""

    tokens: Tokens
    intents: AccountLimit
    unknown: UnknownSales
    let_authenticate: Callable[[Connection, str], None]  # raises `Refused`


class MessageDispatcher:
    """Takes the messages of all connections; its worker pool keeps their order."""

    def __init__(
        self,
        context: Context,
        access: AccessRules,
        sessions: SessionRegistry,
        watches: Watches,
        snapshot_queue: SnapshotQueue,
    ) -> None:
        self._context = context
        self._access = access
        self._sessions = sessions
        self._watches = watches
        self._snapshot_queue = snapshot_queue
        self.pool = WorkerPool(self.begin, lambda connection: narrowest_network(connection.address))
        self._intents = Intents(context, access.intents, sessions, self.pool, access.unknown)
        self._at_once: dict[str, Verb[Step | Work]] = {
            "auth": self._auth,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "intent": self._intent,
            "ping": self._ping,
        }
        self._by_worker: dict[str, Verb[Step]] = {"leave": self._leave}

    @property
    def is_rushed(self) -> bool:
        """Whether intents wait for their answers now."""
        return self._intents.unanswered > 0

    def begin(self, connection: Connection, text: str) -> Step | Work:
        """Begin a message; never waits. A failure is told to its client alone."""
        try:
            message = read_message(text)
        except Refused as error:
            refuse(connection, {}, error)
            return Step.ANSWERED
        return attempt(connection, message, partial(self._begin, connection, message))

    def _begin(self, connection: Connection, message: Message) -> Step | Work:
        kind = message.get("type")
        if isinstance(kind, str):
            if at_once := self._at_once.get(kind):
                return at_once(connection, message)
            if by_worker := self._by_worker.get(kind):
                return partial(attempt, connection, message, partial(by_worker, connection, message))
        raise Refused("unknown_message", "There is no message of this type.")

    def subscribe(self, connection: Connection, sales: Iterable[str], *, asks_standing: bool = False) -> None:
        """Begin with a socket's subscriptions of its URL, as if it had sent them first."""
        more = {"standing": True} if asks_standing else {}
        for sale_id in sales:
            if connection.is_open:
                said = orjson.dumps({"type": "subscribe", "sale_id": sale_id, **more}).decode()
                connection.inbox.append(said)
                self.pool.call(connection)

    def admit(
        self,
        connection: Connection,
        verified: Verified,
        answers: Message | None = None,
        *,
        tells_expiry: bool = False,
    ) -> None:
        """Make a socket its user's; send it `ready` and what the user has in the sales that it watches."""
        before = connection.user_id
        if str(verified.identity.user_id) != before:
            self._access.let_authenticate(connection, str(verified.identity.user_id))
        self._sessions.enter(connection, verified)
        lives_s = verified.expires_at - time.time()
        connection.identity_until = time.monotonic() + lives_s
        connection.due = 0.0
        ready: Message = {"type": "ready", "user_id": connection.user_id}
        if tells_expiry:
            ready["expires_in"] = int(lives_s)
        answer(connection, answers or {}, ready)
        if connection.user_id != before:
            self._snapshot_queue.add(connection, connection.watched)

    def _auth(self, connection: Connection, message: Message) -> Step:
        if "renewal" in message:
            only(message, "renewal")
            known = _known(connection)
            self.admit(
                connection,
                self._access.tokens.renew(known, read_text(message, "renewal")),
                message,
                tells_expiry=True,
            )
            return Step.ANSWERED
        only(message, "token")
        try:
            verified = self._access.tokens.verify(read_text(message, "token"), ACCESS)
        except Unauthenticated as error:
            self._sessions.leave(connection)
            raise Refused(error.code, error.detail, close_code=UNAUTHENTICATED) from error
        self.admit(connection, verified, message)
        return Step.ANSWERED

    def _subscribe(self, connection: Connection, message: Message) -> Step | Work:
        only(message, "sale_id", "standing")
        sale_id = read_uuid(message, "sale_id")
        read_flag(message, "standing")
        if self._watches.is_fresh(sale_id):
            return self._watch(connection, message, sale_id)
        unknown = self._access.unknown
        do = partial(
            attempt, connection, message, partial(self._watch_if_there, connection, message, sale_id)
        )
        if unknown.is_known(sale_id):
            return do
        return Doubtful(do, whose=unknown.standing(connection))

    def _watch_if_there(self, connection: Connection, message: Message, sale_id: UUID) -> Step:
        return self._access.unknown.look(
            connection, sale_id, partial(self._watch, connection, message, sale_id)
        )

    def _watch(self, connection: Connection, message: Message, sale_id: UUID) -> Step:
        if len(connection.watched) >= MAX_SUBSCRIPTIONS and not self._watches.has(connection, sale_id):
            raise Refused("too_many_subscriptions", f"A socket watches at most {MAX_SUBSCRIPTIONS} sales.")
        asks_standing = read_flag(message, "standing")
        # Registered before looking, it misses nothing between the look and the first change.
        watch = self._watches.join(connection, sale_id)
        try:
            self._watches.take_snapshot(watch)
        except NoSuchSale:
            self._watches.leave(connection, sale_id)
            raise
        except Unavailable:
            if not watch.version:  # the subscription stands, and all follows when the stores are back
                self._snapshot_queue.add(connection, [watch], asks_standing=asks_standing)
                raise
        self._show(connection, watch, message)
        self._snapshot_queue.add(connection, [watch], asks_standing=asks_standing)
        return Step.ANSWERED

    def _unsubscribe(self, connection: Connection, message: Message) -> Step:
        only(message, "sale_id")
        self._watches.leave(connection, read_uuid(message, "sale_id"))
        return Step.ANSWERED

    def _intent(self, connection: Connection, message: Message) -> Step | Work:
        known = _known(connection)
        self._access.tokens.require_current(known)
        return self._intents.begin(connection, message, known.identity)

    def _leave(self, connection: Connection, message: Message) -> Step:
        user_id = self._user_of(connection)
        only(message, "intent_id")
        intent_id = read_uuid(message, "intent_id")
        answer_own(self._sessions, connection, message, leave_line(self._context, user_id, intent_id))
        return Step.ANSWERED

    def _ping(self, connection: Connection, message: Message) -> Step:
        answer(connection, message, {"type": "pong"})
        return Step.ANSWERED

    def _user_of(self, connection: Connection) -> UUID:
        """In whose name a message acts: judged each time, as a request's token is."""
        known = _known(connection)
        self._access.tokens.require_current(known)
        return known.identity.user_id

    def _show(self, connection: Connection, watch: Watch, message: Message) -> None:
        if connection not in watch.members:
            return  # gone, or unsubscribed, in between
        watch.members[connection] = watch.version
        if client_id(message) is None:
            connection.push(watch.frame)
        else:
            answer(connection, message, watch.message)


def _known(connection: Connection) -> Verified:
    if connection.identity is None:
        raise Refused("unauthenticated", "Authenticate first.")
    return connection.identity
