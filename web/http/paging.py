"""Paging by key: a cursor names the last row that was seen, so that no page skips or repeats one."""

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import orjson
from marshmallow import ValidationError
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.queries.paging import newest

T = TypeVar("T")

_BIGGEST: Final = 2**63 - 1  # PostgreSQL's bigint


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next ones begin; no cursor after the last."""

    items: Sequence[Any]
    next_cursor: str | None


def write_cursor(*keys: datetime | uuid.UUID | int | str) -> str:
    """Pack the keys of the last row seen into an opaque word."""
    return base64.urlsafe_b64encode(orjson.dumps([_plain(key) for key in keys])).rstrip(b"=").decode()


def read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Unpack a cursor into keys of these kinds (`datetime`, `UUID`, `int` or `str`).

    Raises:
        ValidationError: it is not one of ours.
    """
    try:
        packed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        return tuple(_key(kind, value) for kind, value in zip(kinds, _listed(packed), strict=True))
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise ValidationError("Not a cursor of this list.", "cursor") from error


def read_place(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    """Unpack a cursor of a list by time and id; None at the list's beginning.

    Raises:
        ValidationError: it is not one of ours.
    """
    if not cursor:
        return None
    at, row_id = read_cursor(cursor, datetime, uuid.UUID)
    return at, row_id


def read_page(
    session: Session,
    statement: Select[Any],
    keys: Sequence[InstrumentedAttribute[Any]],
    *,
    limit: int,
    cursor: str | None,
) -> Page:
    """Read one page of a statement that selects one entity, newest first by `keys` (together unique)."""
    seen = read_cursor(cursor, *(key.type.python_type for key in keys)) if cursor is not None else None
    rows = session.scalars(newest(statement, keys, seen).limit(limit + 1)).all()
    return page_from(rows, limit, *(key.key for key in keys))


def page_from(rows: Sequence[Any], limit: int, *keys: str) -> Page:
    """Cut a page out of rows of which one more than the page holds was read."""
    return cut(rows, limit, lambda last: write_cursor(*(getattr(last, key) for key in keys)))


def cut(rows: Sequence[T], limit: int, place: Callable[[T], str]) -> Page:
    """Do the same where the last row's place is written otherwise."""
    return Page(rows[:limit], place(rows[limit - 1]) if len(rows) > limit else None)


def _plain(key: datetime | uuid.UUID | int | str) -> int | str:
    if isinstance(key, datetime):
        return key.astimezone(UTC).isoformat()
    return str(key) if isinstance(key, uuid.UUID) else key


def _listed(packed: bytes) -> list[Any]:
    keys = orjson.loads(packed)
    if not isinstance(keys, list):
        raise TypeError("not a list of keys")
    return keys


def _key(kind: type, value: Any) -> Any:
    if kind is int:
        if type(value) is not int or not -_BIGGEST <= value <= _BIGGEST:
            raise ValueError("not a bigint")
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise TypeError("not a text key")
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a time without an offset")
        return moment.astimezone(UTC)
    return uuid.UUID(value) if kind is uuid.UUID else value
