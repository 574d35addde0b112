"""Schemas of lists: the query that asks for a page, and the page."""

import re
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_DIGITS: Final = re.compile(r"[0-9]{1,4}", re.ASCII).fullmatch


class PageLimit(fields.Integer):
    """How many at most; a query's text, so that strictness means digits and nothing else."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002
        if not isinstance(value, str) or not _DIGITS(value):
            raise ValidationError("Not a valid integer.")
        return int(value)


class PageQuery(Schema):
    """`?limit=` and `?cursor=`; other parameters of the query are none of its business."""

    class Meta:
        """Queries may carry what others put there."""

        unknown = EXCLUDE

    limit = PageLimit(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(load_default=None, validate=validate.Length(1, 512))


def page_of(item: type[Schema]) -> type[Schema]:
    """Make the schema of a page of items."""
    name = item.__name__.removesuffix("Schema") + "PageSchema"
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=name,
    )
