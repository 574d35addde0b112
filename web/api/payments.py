"""Pays and refunds orders, shows receipts, and takes the webhooks of payment providers."""

import uuid
from typing import Any

from flask import Response, request
from marshmallow import Schema

from models.database import read_as_one
from models.errors import FlashSaleError, NotFound, Unavailable
from models.queries.orders import order_of_shopper
from models.queries.payments import MoneyOfOrder, find_receipt, money_of_order
from models.tables.payments import Receipt
from tasks.payments.refunds import request_refund
from web.api.intents import KEY_PARAMETER, idempotency_key
from web.api.schemas.orders import OrderSchema, PaymentCreateSchema, RefundCreateSchema
from web.api.schemas.payments import (
    MethodsSchema,
    PaymentSchema,
    PaymentsSchema,
    ReceiptSchema,
    RefundSchema,
    WebhookTakenSchema,
)
from web.auth.actor import current_actor
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint, read_body
from web.http.responses import answer
from web.http.services import services
from web.metrics.money import WEBHOOKS
from web.staff.guard import may, own_or, whose

blueprint = Blueprint("payments", __name__, description="Payments, refunds and receipts")

_PAYMENTS: Schema = PaymentSchema(many=True)
_REFUNDS: Schema = RefundSchema(many=True)
_RECEIPT: Schema = ReceiptSchema()


@blueprint.post("/orders/<uuid:order_id>/payments")
@signed_in
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(PaymentCreateSchema)
@blueprint.response(202, OrderSchema)
def pay(wanted: dict[str, Any], order_id: uuid.UUID) -> Response:
    """Pay a held order. 202: the hold is pinned and the charge under way; the outcome follows.

    What costs nothing is paid at once, by the method `free` or any other, and no provider is asked.

    The same Idempotency-Key with the same order and method answers with the order as it is.
    """
    user_id = current_identity().user_id
    told = services().desk.pay(user_id, order_id, method=wanted["method"], key=idempotency_key())
    return answer(told, 202)


@blueprint.get("/orders/<uuid:order_id>/payments")
@own_or("orders.read")
@blueprint.response(200, PaymentsSchema)
def list_payments(order_id: uuid.UUID) -> Response:
    """List every attempt to pay an order, oldest first, and what went back."""
    with services().database.transaction() as session:
        read_as_one(session)
        order_of_shopper(session, order_id, whose("orders.read"))
        return answer(show_money(money_of_order(session, order_id)))


@blueprint.post("/orders/<uuid:order_id>/refund")
@may("money.refund")
@blueprint.arguments(RefundCreateSchema)
@blueprint.response(202, OrderSchema)
def refund(wanted: dict[str, Any], order_id: uuid.UUID) -> Response:
    """Have a paid order's money go back, and its units to the next in line. Asked for twice, it goes once."""
    by = current_actor()
    return answer(request_refund(services().context, order_id, by=by, reason=wanted["reason"]), 202)


@blueprint.get("/orders/<uuid:order_id>/receipt")
@own_or("receipts.read")
@blueprint.response(200, ReceiptSchema)
def get_receipt(order_id: uuid.UUID) -> Response:
    """Show the receipt of a paid order."""
    with services().database.transaction() as session:
        order_of_shopper(session, order_id, whose("receipts.read"))
        receipt = find_receipt(session, order_id)
    if receipt is None:
        raise NotFound("The order is not paid.")
    return answer(show_receipt(receipt))


@blueprint.get("/payments/methods")
@blueprint.response(200, MethodsSchema)
def list_methods() -> Response:
    """Tell who charges, and by which methods, where they are a list: the sandbox's test cards."""
    providers = services().context.providers
    told = [{"name": one.spelling, "says": one.says} for one in providers.methods]
    key = providers.stripe.settings.publishable_key if providers.stripe else None
    return answer({"provider": providers.current.name, "methods": told, "publishable_key": key})


@blueprint.post("/payments/webhooks/<string:provider>")
@blueprint.doc(requestBody={"content": {"application/json": {"schema": {"type": "object"}}}})
@blueprint.response(200, WebhookTakenSchema)
def webhook(provider: str) -> Response:
    """Take a provider's webhook: its signature is over the raw body; a repeat is a 200 and does nothing."""
    known = provider if provider in services().context.providers else "unknown"
    try:
        is_new = services().desk.take_webhook(provider, read_body(), dict(request.headers.items()))
    except FlashSaleError as error:
        result = "not_taken" if isinstance(error, Unavailable) else "refused"
        WEBHOOKS.labels(known, result).inc()
        raise
    WEBHOOKS.labels(known, "taken" if is_new else "repeated").inc()
    return answer({"received": True})


def show_money(money: MoneyOfOrder) -> dict[str, Any]:
    """Tell of every attempt to pay an order, oldest first, and of what went back."""
    return {"payments": _PAYMENTS.dump(money.payments), "refunds": _REFUNDS.dump(money.refunds)}


def show_receipt(receipt: Receipt) -> dict[str, Any]:
    """Tell of a receipt."""
    told = {name: getattr(receipt, name) for name in Receipt.__table__.columns.keys()}  # noqa: SIM118
    buyer = {"name": receipt.buyer_name, "email": receipt.buyer_email}
    shown: dict[str, Any] = _RECEIPT.dump({**told, "number": receipt.written_number, "buyer": buyer})
    return shown
