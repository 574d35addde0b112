"""Owns the answers to what clients send. Runs in greenlets of its own, where waiting for stores is fine."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from models.errors import AlreadyInLine, FlashSaleError, NoSuchSale, Unavailable
from models.events import Message
from tasks.context import Context
from tasks.intents import leave_line, submit_intent
from web.auth.tokens import ACCESS, Tokens, Verified
from web.errors import Problem, TooManyRequests, Unauthenticated, code_of
from web.limits import AccountLimit
from web.live.connection import Connection
from web.live.messages import Refused, client_id, only, read_message, read_token, read_uuid, read_wish
from web.live.owed import Owed
from web.live.people import People
from web.live.watch import Watch, Watches
from web.live.wire import UNAUTHENTICATED, text_frame

MAX_SUBSCRIPTIONS: Final = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gates:
    """Who is let through: by token, and how often."""

    tokens: Tokens
    intents: AccountLimit


class Desk:
    """Takes one message at a time of each connection, in its order."""

    def __init__(self, context: Context, gates: Gates, people: People, watches: Watches, owed: Owed) -> None:
        self._context = context
        self._gates = gates
        self._people = people
        self._watches = watches
        self._owed = owed
        self._verbs: dict[str, Callable[[Connection, Message], None]] = {
            "auth": self._auth,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "intent": self._intent,
            "leave": self._leave,
            "ping": self._ping,
        }

    def handle(self, connection: Connection, text: str) -> None:
        """Answer one message. A failure is told to the client and nobody else."""
        message: Message = {}
        try:
            message = read_message(text)
            self._verb_of(message)(connection, message)
        except Refused as error:
            self._refuse(connection, message, error)
        except Problem as error:
            self._refuse(connection, message, Refused(error.code, error.detail, **_hints(error)))
        except FlashSaleError as error:
            self._refuse(connection, message, _told(error))
        except Exception:
            log.exception("a message could not be handled")
            self._refuse(
                connection, message, Refused("internal_error", "Something broke here; it was written down.")
            )

    def admit(self, connection: Connection, verified: Verified, answers: Message | None = None) -> None:
        """Let a socket be its user's, and tell it `ready`; also what the user has in watched sales."""
        before = connection.user_id
        self._people.enter(connection, verified)
        connection.identity_until = time.monotonic() + verified.expires_at - time.time()
        connection.due = 0.0
        self._answer(connection, answers or {}, {"type": "ready", "user_id": connection.user_id})
        if connection.user_id != before:
            self._owed.add(connection, connection.watched)

    def _verb_of(self, message: Message) -> Callable[[Connection, Message], None]:
        kind = message.get("type")
        verb = self._verbs.get(kind) if isinstance(kind, str) else None
        if verb is None:
            raise Refused("unknown_message", "There is no message of this type.")
        return verb

    def _auth(self, connection: Connection, message: Message) -> None:
        try:
            verified = self._gates.tokens.verify(read_token(message), ACCESS)
        except Unauthenticated as error:
            self._people.leave(connection)
            raise Refused(error.code, error.detail, close_code=UNAUTHENTICATED) from error
        self.admit(connection, verified, message)

    def _subscribe(self, connection: Connection, message: Message) -> None:
        only(message, "sale_id")
        sale_id = read_uuid(message, "sale_id")
        if len(connection.watched) >= MAX_SUBSCRIPTIONS and not self._watches.has(connection, sale_id):
            raise Refused("too_many_subscriptions", f"A socket watches at most {MAX_SUBSCRIPTIONS} sales.")
        # Whoever is registered before looking misses nothing between the look and the first change.
        watch = self._watches.join(connection, sale_id)
        try:
            self._watches.picture(watch)
        except NoSuchSale:
            self._watches.leave(connection, sale_id)
            raise
        except Unavailable:
            if not watch.version:  # the subscription stands, and all follows when the stores are back
                self._owed.add(connection, [watch])
                raise
        self._show(connection, watch, message)
        self._owed.add(connection, [watch])

    def _unsubscribe(self, connection: Connection, message: Message) -> None:
        only(message, "sale_id")
        self._watches.leave(connection, read_uuid(message, "sale_id"))

    def _intent(self, connection: Connection, message: Message) -> None:
        user_id = _user_of(connection)
        sale_id, key, wish = read_wish(message)
        self._gates.intents.hit(user_id)
        with self._people.listening([str(user_id)]) as heard:
            try:
                intent = submit_intent(self._context, user_id, sale_id, key=key, **wish)
            except AlreadyInLine as error:
                code, detail = code_of(error)[1:]
                raise Refused(code, detail, intent=error.intent) from error
            self._answer_own(connection, message, heard.get(intent["id"], intent))

    def _leave(self, connection: Connection, message: Message) -> None:
        user_id = _user_of(connection)
        only(message, "intent_id")
        intent_id = read_uuid(message, "intent_id")
        self._answer_own(connection, message, leave_line(self._context, user_id, intent_id))

    def _ping(self, connection: Connection, message: Message) -> None:
        self._answer(connection, message, {"type": "pong"})

    def _show(self, connection: Connection, watch: Watch, message: Message) -> None:
        if connection not in watch.members:
            return  # gone, or unsubscribed, in between
        watch.members[connection] = watch.version
        if client_id(message) is None:
            connection.push(watch.frame)
        else:
            self._answer(connection, message, watch.message)

    def _answer(self, connection: Connection, request: Message, answer: Message) -> None:
        given = client_id(request)
        if given is not None:
            answer = {**answer, "id": given, "reply_to": given}
        connection.push(text_frame(orjson.dumps(answer)))

    def _answer_own(self, connection: Connection, request: Message, intent: Message) -> None:
        """An intent has an `id` of its own, so that the client's comes back as `reply_to` only."""
        given = client_id(request)
        told = intent if given is None else {**intent, "reply_to": given}
        self._people.tell_one(connection, "intent", told)

    def _refuse(self, connection: Connection, request: Message, error: Refused) -> None:
        body = {"type": "error", "code": error.code, "detail": error.detail, **error.extra}
        self._answer(connection, request, body)
        if error.close_code is not None:
            connection.close(error.close_code, error.detail)


def _user_of(connection: Connection) -> UUID:
    if connection.identity is None:
        raise Refused("unauthenticated", "Authenticate first.")
    return connection.identity.identity.user_id


def _told(error: FlashSaleError) -> Refused:
    status, code, detail = code_of(error)
    if status >= 500:
        log.warning("%s: %s", type(error).__name__, error, exc_info=status == 500)
    return Refused(code, detail)


def _hints(error: Problem) -> dict[str, Any]:
    if isinstance(error, TooManyRequests):
        return {"retry_after": int((error.headers or {}).get("Retry-After", 1))}
    return {}
