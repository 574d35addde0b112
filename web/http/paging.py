"""Paging by key: a cursor names the last row that was seen, so that no page skips or repeats one."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from marshmallow import ValidationError
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

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
    newest_first: bool = True,
) -> Page:
    """Read one page of a statement that selects one entity, ordered by `keys` (together unique)."""
    if cursor is not None:
        seen = read_cursor(cursor, *(key.type.python_type for key in keys))
        row = tuple_(*keys)
        statement = statement.where(row < seen if newest_first else row > seen)
    order = [key.desc() if newest_first else key.asc() for key in keys]
    rows = session.scalars(statement.order_by(*order).limit(limit + 1)).all()
    return page_from(rows, limit, *(key.key for key in keys))


def page_from(rows: Sequence[Any], limit: int, *keys: str) -> Page:
    """Cut a page out of rows of which one more than the page holds was read."""
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    return Page(rows[:limit], write_cursor(*(getattr(last, key) for key in keys)))


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
