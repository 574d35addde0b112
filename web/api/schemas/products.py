"""Schemas of products."""

from marshmallow import Schema, fields, validate

from web.api.schemas.fields import Line, MoneyOut, MoneySchema, Prose, Strict
from web.api.schemas.paging import page_of

_NAME = validate.Length(1, 200)
_DESCRIPTION = validate.Length(max=10_000)
_IMAGE = [
    validate.Length(max=2000),
    validate.Regexp(r"\A(https?://|/)\S*\Z", error="Must be an http(s) URL or a path that begins with «/»."),
]


class ProductCreateSchema(Strict):
    """A new product."""

    name = Line(required=True, validate=_NAME)
    description = Prose(load_default="", validate=_DESCRIPTION)
    image_url = Line(load_default=None, allow_none=True, validate=_IMAGE)
    list_price = fields.Nested(MoneySchema, required=True)


class ProductPatchSchema(Strict):
    """Changes of a product; what is not named stays."""

    name = Line(validate=_NAME)
    description = Prose(validate=_DESCRIPTION)
    image_url = Line(allow_none=True, validate=_IMAGE)
    list_price = fields.Nested(MoneySchema)


class ProductSchema(Schema):
    """A product as everybody sees it; dumps rows."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    image_url = fields.String(required=True, allow_none=True)
    list_price = MoneyOut("list_price_minor", required=True)


ProductPageSchema = page_of(ProductSchema)
