"""`/orders`: lists, shows and cancels the orders that were granted."""

import uuid
from functools import partial
from typing import Any

import orjson
from flask import Response
from marshmallow import fields, validate

from models.enums import OrderStatus
from models.messages import stored_order
from models.queries.orders import newest_of_shopper, newest_orders
from tasks.intents.polls import visible
from tasks.orders import holds
from tasks.payments.waiting import steps_of
from web.api.schemas.orders import OrderPageSchema, OrderSchema
from web.api.schemas.paging import PageQuery
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.paging import Page, page_from, read_place
from web.http.responses import answer, packed, page
from web.http.services import services
from web.staff.guard import own_or, whose

blueprint = Blueprint("orders", __name__, url_prefix="/orders", description="Granted holds")


class OrderQuery(PageQuery):
    """`?sale_id=&status=` besides the page."""

    sale_id = fields.UUID(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf([one.value for one in OrderStatus]))


@blueprint.get("")
@own_or("orders.read")
@blueprint.arguments(OrderQuery, location="query")
@blueprint.response(200, OrderPageSchema)
def list_orders(asked: dict[str, Any]) -> Response:
    """List orders, newest first: one's own, an admin's list shows everybody's."""
    owner, limit = whose("orders.read"), asked["limit"]
    read = newest_orders if owner is None else partial(newest_of_shopper, user_id=owner)
    narrowed = {"sale_id": asked["sale_id"], "status": asked["status"], "before": read_place(asked["cursor"])}
    with services().database.transaction() as session:
        found = page_from(read(session, **narrowed, limit=limit + 1), limit, "created_at", "id")
        own = [row for row in found.items if row.user_id == current_identity().user_id]
        steps = steps_of(services().context, session, own)
    told = [stored_order(row, row.history, steps.get(row.id)) for row in found.items]
    return page(Page(told, found.next_cursor))


@blueprint.get("/<uuid:order_id>")
@own_or("orders.read")
@blueprint.response(200, OrderSchema)
def get_order(order_id: uuid.UUID) -> Response:
    """Show an order to its owner or an admin, with every change of its status."""
    shown = visible(services().polls_of_orders.find(order_id), whose("orders.read"))
    if shown.owner == current_identity().user_id:
        return packed(shown.packed)
    return answer({**orjson.loads(shown.packed), "payment": None})


@blueprint.post("/<uuid:order_id>/cancel")
@signed_in
@blueprint.response(200, OrderSchema)
def cancel_order(order_id: uuid.UUID) -> Response:
    """Give a hold up; its units go to the next in line."""
    return answer(holds.cancel_order(services().context, current_identity().user_id, order_id))
