"""`/order-links`: an order by a mailed link: seen, paid or given back without a log-in, and nothing else."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from marshmallow import Schema, fields

from tasks.accounts.order_links import OrderPass, open_order, read_pass
from tasks.intents.polls import visible
from tasks.orders import holds
from web.api.intents import KEY_PARAMETER, idempotency_key
from web.api.schemas.accounts import LinkSchema
from web.api.schemas.fields import UtcTime
from web.api.schemas.orders import OrderSchema, PaymentCreateSchema
from web.http.openapi import Blueprint
from web.http.responses import answer, packed
from web.http.services import services

blueprint = Blueprint(
    "order_links", __name__, url_prefix="/order-links", description="Orders by links that were mailed"
)
_BEARER = "Bearer "


class OpenedSchema(Schema):
    """A pass to one order: the bearer of the other routes here, until its time is over."""

    order_pass = fields.String(required=True)
    expires_at = UtcTime(required=True)
    order_id = fields.UUID(required=True)
    item = fields.String(required=True)
    card_scale = fields.Float(required=True, allow_none=True)  # from our amounts to those of Stripe's form


@blueprint.post("")
@blueprint.arguments(LinkSchema)
@blueprint.response(200, OpenedSchema)
def open_link(asked: dict[str, str]) -> dict[str, Any]:
    """Use a mailed link up, which is good once; answers with a pass to its order for some hours."""
    parts = services()
    parts.limits.hit_address("links")
    opened, item, currency = open_order(parts.context, asked["token"])
    stripe = parts.context.providers.stripe
    return {
        "order_pass": opened.write(parts.settings.secret_key),
        "expires_at": datetime.fromtimestamp(opened.until, UTC),
        "order_id": opened.order_id,
        "item": item,
        "card_scale": stripe.scale(currency) if stripe else None,
    }


@blueprint.get("/order")
@blueprint.response(200, OrderSchema)
def get_order() -> Response:
    """Show the order that the pass is good for."""
    holder = _holder()
    return packed(visible(services().polls_of_orders.find(holder.order_id), holder.user_id).packed)


@blueprint.post("/order/payments")
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(PaymentCreateSchema)
@blueprint.response(202, OrderSchema)
def pay(wanted: dict[str, Any]) -> Response:
    """Pay the order, as its owner does by `POST /orders/{id}/payments`."""
    holder = _holder()
    told = services().desk.pay(
        holder.user_id, holder.order_id, method=wanted["method"], key=idempotency_key()
    )
    return answer(told, 202)


@blueprint.post("/order/cancel")
@blueprint.response(200, OrderSchema)
def cancel() -> Response:
    """Give the order back; its units go to the next in line."""
    holder = _holder()
    return answer(holds.cancel_order(services().context, holder.user_id, holder.order_id))


def _holder() -> OrderPass:
    """Who shows a pass, counted against their account's limit.

    Raises:
        LinkSpent: nobody does, or its time is over.
        TooManyRequests: too often.
    """
    parts = services()
    said = request.headers.get("Authorization", "")
    holder = read_pass(said.removeprefix(_BEARER), parts.settings.secret_keys)
    parts.limits.api.hit(holder.user_id)
    return holder
