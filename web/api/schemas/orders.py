"""Schemas of orders, to the letter of the contract."""

from typing import Any

from marshmallow import Schema, fields, validate
from marshmallow.utils import get_value

from models.enums import OrderStatus
from tasks.providers.port import Step
from web.api.schemas.fields import MoneyOut, Prose, Strict, Text, UtcTime
from web.api.schemas.paging import page_of


class PaymentCreateSchema(Strict):
    """How to pay: a method of the provider, or `free` for what costs nothing."""

    method = Text(required=True, validate=validate.Length(1, 64))


class RefundCreateSchema(Strict):
    """Why the money goes back."""

    reason = Prose(load_default=None, allow_none=True, validate=validate.Length(max=200))


class OrderEventSchema(Schema):
    """One change of an order."""

    status = fields.String(required=True, metadata={"enum": [status.value for status in OrderStatus]})
    at = UtcTime(required=True)
    reason = fields.String(required=True, allow_none=True)


class WaitingPaymentSchema(Schema):
    """What the order's owner has to do so that the payment goes on; told to nobody else."""

    id = fields.UUID(required=True)
    provider = fields.String(required=True)
    next_step = fields.String(required=True, metadata={"enum": [step.value for step in Step]})
    client_secret = fields.String(required=True)


def _total_minor(order: Any) -> int:
    return int(get_value(order, "unit_price_minor")) * int(get_value(order, "quantity"))


class OrderSchema(Schema):
    """An order as its owner sees it; dumps rows."""

    id = fields.UUID(required=True)
    intent_id = fields.UUID(required=True)
    sale_id = fields.UUID(required=True)
    quantity = fields.Integer(required=True)
    unit_price = MoneyOut("unit_price_minor", required=True)
    total = MoneyOut(_total_minor, required=True)
    status = fields.String(required=True, metadata={"enum": [status.value for status in OrderStatus]})
    expires_at = UtcTime(required=True)
    created_at = UtcTime(required=True)
    paid_at = UtcTime(required=True, allow_none=True)
    refunded_at = UtcTime(required=True, allow_none=True)
    receipt_number = fields.String(required=True, allow_none=True)
    payment = fields.Nested(WaitingPaymentSchema, required=True, allow_none=True, dump_default=None)
    history = fields.List(fields.Nested(OrderEventSchema), required=True)


OrderPageSchema = page_of(OrderSchema)
