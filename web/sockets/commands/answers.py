"""Writes answers to messages: with the client's own id, and refusals in the words of the API."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from models.errors import AlreadyInLine, CameTooOften, FlashSaleError
from models.messages import Message
from web.http.errors import RETRY_AFTER_S, Problem, TooManyRequests, code_of
from web.sockets.commands.parsing import Refused, client_id
from web.sockets.commands.worker_pool import Step, Work
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.transport.connection import Connection
from web.sockets.transport.wire import text_frame

Then = TypeVar("Then", bound=Step | Work)

log = logging.getLogger(__name__)


def answer(connection: Connection, request: Message, body: Message) -> None:
    """Answer a message."""
    given = client_id(request)
    if given is not None:
        body = {**body, "id": given, "reply_to": given}
    connection.push(text_frame(orjson.dumps(body)))


def answer_own(sessions: SessionRegistry, connection: Connection, request: Message, intent: Message) -> None:
    """Answer with an intent: it has an `id` of its own, so that the client's is its `reply_to` only."""
    given = client_id(request)
    told = intent if given is None else {**intent, "reply_to": given}
    sessions.tell_one(connection, "intent", told)


def refuse(connection: Connection, request: Message, error: Exception) -> None:
    """Tell a client, and nobody else, that its message failed; an unexpected error is logged."""
    told = _as_refusal(error)
    body = {"type": "error", "code": told.code, "detail": told.detail, **told.extra}
    answer(connection, request, body)
    if told.close_code is not None:
        connection.close(told.close_code, told.detail)


def attempt(connection: Connection, request: Message, do: Callable[[], Then]) -> Then | Step:
    """Do something that a message asks for; a failure becomes the answer."""
    try:
        return do()
    except Exception as error:  # noqa: BLE001 - it is told, and logged where it is unexpected
        refuse(connection, request, error)
        return Step.ANSWERED


def _as_refusal(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, Problem):
        return Refused(error.code, error.detail, **_hints(error))
    if isinstance(error, FlashSaleError):
        return _of_domain(error)
    log.error("a message could not be handled", exc_info=error)
    return Refused("internal_error", "Something broke here; it was written down.")


def _of_domain(error: FlashSaleError) -> Refused:
    status, code, detail = code_of(error)
    if status >= 500:
        log.warning("%s: %s", type(error).__name__, error, exc_info=error if status == 500 else None)
    if isinstance(error, AlreadyInLine):
        return Refused(code, detail, intent=error.intent)
    if isinstance(error, CameTooOften):
        return Refused(code, detail, retry_after=error.wait_s)
    return Refused(code, detail, **({"retry_after": RETRY_AFTER_S} if status == 503 else {}))


def _hints(error: Problem) -> dict[str, Any]:
    if isinstance(error, TooManyRequests):
        return {"retry_after": int((error.headers or {}).get("Retry-After", 1))}
    return {}
