"""Schemas of payments, refunds and receipts."""

from typing import Any

from marshmallow import Schema, fields

from models.enums import PaymentStatus, RefundCause, RefundStatus
from models.tables.payments import Payment
from web.api.schemas.fields import MoneyOut, UtcTime


class PaymentSchema(Schema):
    """One attempt to charge an order; `code` says why it was declined."""

    id = fields.UUID(required=True)
    provider = fields.String(required=True)
    method = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": [status.value for status in PaymentStatus]})
    amount = MoneyOut("amount_minor", required=True)
    charged = fields.Method(
        "_charged",
        metadata={
            "type": "object",
            "nullable": True,
            "description": "What was charged, where that is not the amount: it never pays, and goes back.",
        },
    )
    code = fields.String(required=True, allow_none=True)
    created_at = UtcTime(required=True)
    finished_at = UtcTime(required=True, allow_none=True)

    def _charged(self, payment: Payment) -> dict[str, Any] | None:
        if payment.charged_minor is None:
            return None
        return {"amount_minor": payment.charged_minor, "currency": payment.charged_currency}


class RefundSchema(Schema):
    """The giving back of a charge."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, metadata={"enum": [status.value for status in RefundStatus]})
    cause = fields.String(required=True, metadata={"enum": [cause.value for cause in RefundCause]})
    reason = fields.String(required=True, allow_none=True)
    amount = MoneyOut("amount_minor", required=True)
    code = fields.String(required=True, allow_none=True)
    created_at = UtcTime(required=True)
    finished_at = UtcTime(required=True, allow_none=True)


class PaymentsSchema(Schema):
    """All attempts to charge an order, oldest first, and what went back."""

    payments = fields.List(fields.Nested(PaymentSchema), required=True)
    refunds = fields.List(fields.Nested(RefundSchema), required=True)


class BuyerSchema(Schema):
    """Whom a receipt is for, as it was then."""

    name = fields.String(required=True)
    email = fields.String(required=True)


class ReceiptSchema(Schema):
    """What was paid for. Numbers have no gaps within a year."""

    number = fields.String(required=True)
    order_id = fields.UUID(required=True)
    issued_at = UtcTime(required=True)
    item = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price = MoneyOut("unit_price_minor", required=True)
    total = MoneyOut("total_minor", required=True)
    buyer = fields.Nested(BuyerSchema, required=True)


class MethodSchema(Schema):
    """A method of payment and what it does."""

    name = fields.String(required=True)
    says = fields.String(required=True)


class MethodsSchema(Schema):
    """The provider that charges, its methods where it has a list of them, and its key for browsers."""

    provider = fields.String(required=True)
    methods = fields.List(fields.Nested(MethodSchema), required=True)
    publishable_key = fields.String(required=True, allow_none=True)


class WebhookTakenSchema(Schema):
    """The answer to a webhook, the first time and every other."""

    received = fields.Boolean(required=True)
