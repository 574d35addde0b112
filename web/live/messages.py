"""Owns the shapes of what clients send: one JSON object a message, nothing unknown in it."""

import re
from typing import Any, Final
from uuid import UUID

import orjson
from marshmallow import ValidationError

from models.events import Message
from web.errors import flatten
from web.live.wire import UNSUPPORTED
from web.schemas.intents import IntentCreateSchema

MAX_ID: Final = 64  # characters of a client's own id for a message
_ALWAYS: Final = frozenset({"type", "id"})
_SANE_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII).fullmatch
_WISH: Final = IntentCreateSchema()


class Refused(Exception):
    """A message that is not answered as its sender hoped; `close_code`: nor is any other."""

    def __init__(self, code: str, detail: str, *, close_code: int | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.close_code = close_code
        self.extra = extra


def read_message(text: str) -> Message:
    """Read a message, whatever it asks for.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused("bad_json", "That is not JSON.", close_code=UNSUPPORTED) from error
    if not isinstance(message, dict):
        raise Refused("bad_message", "A message is a JSON object.", close_code=UNSUPPORTED)
    return message


def client_id(message: Message) -> str | int | None:
    """The client's own id for its message, to be given back with the answer."""
    given = message.get("id")
    if isinstance(given, str) and len(given) <= MAX_ID:
        return given
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def only(message: Message, *names: str) -> None:
    """Refuse fields that are not asked for.

    Raises:
        Refused: with the fields.
    """
    unknown = message.keys() - _ALWAYS - set(names)
    if unknown:
        raise _invalid({name: ["Unknown field."] for name in sorted(unknown)})


def read_uuid(message: Message, name: str) -> UUID:
    """Read an id.

    Raises:
        Refused: it is missing or none.
    """
    value = message.get(name)
    try:
        if isinstance(value, str) and len(value) == 36:
            return UUID(value)
    except ValueError:
        pass
    raise _invalid({name: ["Not a valid UUID."]})


def read_token(message: Message) -> str:
    """Read the token of an `auth`.

    Raises:
        Refused: it is missing.
    """
    only(message, "token")
    token = message.get("token")
    if not isinstance(token, str):
        raise _invalid({"token": ["Not a valid string."]})
    return token


def read_wish(message: Message) -> tuple[UUID, str, dict[str, Any]]:
    """Read an `intent`: the sale, the key («» without one), and what is asked for.

    Raises:
        Refused: by the same rules as the POST.
    """
    only(message, "sale_id", "quantity", "accept_fewer", "key")
    key = message.get("key")
    if key is not None and not (isinstance(key, str) and _SANE_KEY(key)):
        raise Refused("bad_idempotency_key", "Use 1 to 128 visible ASCII characters.")
    asked: Message = {name: message[name] for name in ("quantity", "accept_fewer") if name in message}
    try:
        wish: dict[str, Any] = _WISH.load(asked)
    except ValidationError as error:
        raise _invalid(flatten(error.normalized_messages())) from error  # type: ignore[no-untyped-call]
    return read_uuid(message, "sale_id"), key or "", wish


def _invalid(errors: dict[str, list[str]]) -> Refused:
    return Refused("invalid_fields", "Some fields are not valid.", errors=errors)
