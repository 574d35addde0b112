"""Parses what clients send: one JSON object a message, without unknown fields."""

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from marshmallow import ValidationError

from models.messages import Message
from models.tables.catalogue import MAX_ALLOCATION
from web.api.schemas.intents import IntentCreateSchema
from web.http.errors import flatten
from web.sockets.transport.wire import UNSUPPORTED

MAX_ID: Final = 64  # characters of a client's own id for a message
UUID_CHARACTERS: Final = 36
_ALWAYS: Final = frozenset({"type", "id"})
_BESIDE_THE_BODY: Final = _ALWAYS | {"sale_id", "key"}  # what the POST has in its URL and its headers
_SANE_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII).fullmatch
_REQUEST: Final = IntentCreateSchema()
_REQUEST_NAMES: Final = _BESIDE_THE_BODY | _REQUEST.fields.keys()
_NO_UUID: Final = "Not a valid UUID."


class IntentRequest(NamedTuple):
    """What an `intent` asks for; `key` is empty without one."""

    sale_id: UUID
    quantity: int
    accept_fewer: bool
    key: str


class Refused(Exception):
    """A message that is refused; with a `close_code` the socket is closed too."""

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
    found = _as_uuid(message.get(name))
    if found is None:
        raise _invalid({name: [_NO_UUID]})
    return found


def read_text(message: Message, name: str) -> str:
    """Read a text, such as the token of an `auth`.

    Raises:
        Refused: it is missing.
    """
    text = message.get(name)
    if not isinstance(text, str):
        raise _invalid({name: ["Not a valid string."]})
    return text


def read_flag(message: Message, name: str) -> bool:
    """Read what is true or false; false where it is left out.

    Raises:
        Refused: it is neither.
    """
    flag = message.get(name, False)
    if not isinstance(flag, bool):
        raise _invalid({name: ["Not a valid boolean."]})
    return flag


def read_intent_request(message: Message) -> IntentRequest:
    """Read an `intent`.

    Raises:
        Refused: by the same rules as the POST, in the same order.
    """
    return _plain_request(message) or _strict_request(message)


def _plain_request(message: Message) -> IntentRequest | None:
    """Read what nearly all clients send, 20 times as fast; None where the schema has to check."""
    quantity = message.get("quantity", 1)
    accept_fewer = message.get("accept_fewer", False)
    key = message.get("key")
    sale_id = _as_uuid(message.get("sale_id"))
    if (
        type(quantity) is int
        and 1 <= quantity <= MAX_ALLOCATION
        and type(accept_fewer) is bool
        and _is_key(key)
        and sale_id is not None
        and message.keys() <= _REQUEST_NAMES
    ):
        return IntentRequest(sale_id, quantity, accept_fewer, key or "")
    return None


def _strict_request(message: Message) -> IntentRequest:
    asked = {name: value for name, value in message.items() if name not in _BESIDE_THE_BODY}
    errors: dict[str, list[str]] = {}
    try:
        wanted: dict[str, Any] = _REQUEST.load(asked)
    except ValidationError as error:
        errors = flatten(error.normalized_messages())  # type: ignore[no-untyped-call]
    sale_id = _as_uuid(message.get("sale_id"))
    if sale_id is None:
        raise _invalid({**errors, "sale_id": [_NO_UUID]})
    if errors:
        raise _invalid(errors)
    key = message.get("key")
    if not _is_key(key):
        raise Refused("bad_idempotency_key", "Use 1 to 128 visible ASCII characters.")
    return IntentRequest(sale_id, wanted["quantity"], wanted["accept_fewer"], key or "")


def _is_key(value: object) -> bool:
    return value is None or (isinstance(value, str) and _SANE_KEY(value) is not None)


def _as_uuid(value: object) -> UUID | None:
    return _read_uuid(value) if isinstance(value, str) and len(value) == UUID_CHARACTERS else None


@lru_cache(maxsize=1024)
def _read_uuid(text: str) -> UUID | None:
    """Cached, since a crowd names one sale again and again."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _invalid(errors: dict[str, list[str]]) -> Refused:
    return Refused("invalid_fields", "Some fields are not valid.", errors=errors)
