"""Schemas of intents, to the letter of the contract."""

from marshmallow import Schema, fields

from models.enums import IntentStatus
from models.tables.catalogue import MAX_ALLOCATION
from web.api.schemas.fields import Flag, Strict, UtcTime, Whole
from web.api.schemas.orders import OrderSchema
from web.api.schemas.paging import PageQuery, page_of


class IntentCreateSchema(Strict):
    """What a shopper asks of a sale."""

    quantity = Whole(load_default=1, low=1, high=MAX_ALLOCATION)
    accept_fewer = Flag(load_default=False)


class IntentQuery(PageQuery):
    """`?sale_id=` besides the page."""

    sale_id = fields.UUID(load_default=None)


class IntentSchema(Schema):
    """An intent as its owner sees it. `position` 1 is next; null once there is a verdict."""

    id = fields.UUID(required=True)
    sale_id = fields.UUID(required=True)
    quantity = fields.Integer(required=True)
    accept_fewer = fields.Boolean(required=True)
    ticket = fields.Integer(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": [status.value for status in IntentStatus]})
    position = fields.Integer(required=True, allow_none=True)
    eta_seconds = fields.Float(required=True, allow_none=True)
    order_id = fields.UUID(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    submitted_at = UtcTime(required=True)
    decided_at = UtcTime(required=True, allow_none=True)


IntentPageSchema = page_of(IntentSchema)


class StandingSchema(Schema):
    """What a shopper has in a sale: the newest intent, and its order."""

    intent = fields.Nested(IntentSchema, required=True, allow_none=True)
    order = fields.Nested(OrderSchema, required=True, allow_none=True)
