"""The strict fields that all schemas are made of, and the schemas of money and time."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate
from marshmallow.utils import get_value

from models.messages import rfc3339
from models.tables.catalogue import MAX_PRICE_MINOR

MAX_INT: Final = 2**31 - 1  # PostgreSQL's integer
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2199
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
).fullmatch
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
# Unicode's controls (C1), what turns the direction of reading round, and what has no width:
# its Default_Ignorable_Code_Points, without selectors of variants, and without what joins.
_UNSEEN: Final = re.compile(
    "[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
).search
_JOINS_NOTHING: Final = re.compile(
    "(?:^|[\\s\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?:\\s|$)|"
    "(?:^|[\\s\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
).search
_BREAK: Final = re.compile(r"[\t\n\r]").search


class Strict(Schema):
    """What is loaded: an unknown field is an error."""

    class Meta:
        """Refuse what is not asked for."""

        unknown = RAISE


class Text(fields.String):
    """A string without control characters, which PostgreSQL and terminals do not take."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if _CONTROL(text):
            raise ValidationError("Must not contain control characters.")
        return text


class Prose(Text):
    """A text that others are shown: what is read is what is there.

    Nothing turns the direction of reading round, which can make a text look like another, and nothing is
    invisible but what joins the characters on both sides of it, as emoji and Persian words need it.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _UNSEEN(text) or _JOINS_NOTHING(text):
            raise ValidationError("Must not contain control or invisible characters.")
        return text


class Line(Prose):
    """Such a text of one line, e.g. a name."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _BREAK(text):
            raise ValidationError("Must be one line, without tabs.")
        return text


class Flag(fields.Boolean):
    """True or false and nothing that merely resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Whole(fields.Integer):
    """A JSON integer within PostgreSQL's; no floats, no strings."""

    def __init__(self, *, low: int = 0, high: int = MAX_INT, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(low, high), **kwargs)


class UtcTime(fields.DateTime):
    """RFC 3339; written in UTC with a Z, read with any offset but never without one."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        return write_time(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:  # noqa: ARG002
        if not isinstance(value, str) or not _RFC_3339(value):
            raise ValidationError("Not a valid RFC 3339 date-time with an offset.")
        try:
            moment = datetime.fromisoformat(_microseconds(value.upper())).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a valid RFC 3339 date-time with an offset.") from error
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValidationError(f"Must be between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
        return moment


def whole_numbers(name: str, *figures: str) -> type[Schema]:
    """Make the schema of an answer's figures that are all whole numbers."""
    return Schema.from_dict({figure: fields.Integer(required=True) for figure in figures}, name=name)


class MoneySchema(Strict):
    """An amount in the currency's minor unit, e.g. cents."""

    amount_minor = Whole(required=True, high=MAX_PRICE_MINOR)
    currency = fields.String(
        required=True, validate=validate.Regexp(r"\A[A-Z]{3}\Z", error="Not an ISO 4217 code, e.g. USD.")
    )


class MoneyOut(fields.Nested):
    """Money of a row (or mapping) that keeps amount and currency in two columns.

    A value that is money already, under the field's own name, is written as it is.
    """

    def __init__(self, minor: str | Callable[[Any], int], currency: str = "currency", **kwargs: Any) -> None:
        super().__init__(MoneySchema, **kwargs)
        self._minor = minor
        self._currency = currency

    def serialize(
        self, attr: str, obj: Any, accessor: Callable[..., Any] | None = None, **kwargs: Any
    ) -> Any:
        """Gather the two columns."""
        if isinstance(obj, Mapping) and attr in obj:
            return super().serialize(attr, obj, accessor, **kwargs)
        amount = self._minor(obj) if callable(self._minor) else get_value(obj, self._minor)
        return {"amount_minor": amount, "currency": get_value(obj, self._currency)}


def write_time(moment: datetime) -> str:
    """Write a time as all answers do: RFC 3339 in UTC, with milliseconds and a Z."""
    return rfc3339(moment)


def _microseconds(text: str) -> str:
    """Cut a fraction of a second to what `datetime` holds."""
    head, point, tail = text.partition(".")
    if not point:
        return text
    digits = re.match(r"\d+", tail)
    assert digits is not None  # noqa: S101 - the caller matched the whole text
    return f"{head}.{digits[0][:6].ljust(6, '0')}{tail[digits.end() :]}"
