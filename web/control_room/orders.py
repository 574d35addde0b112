"""The admins' pages of orders: the search over all of them, and one with its history."""

import uuid
from typing import Final

from flask import Blueprint, render_template

from models.enums import OrderStatus, RefundStatus
from models.messages import Message
from web.api.admin.orders import OrderSearch, read_orders
from web.control_room.log import entries_about
from web.control_room.reading import order_file, sales_to_choose
from web.http.services import services
from web.shop.list_query import asked_by, filters
from web.staff.guard import needs

blueprint: Final = Blueprint("orders", __name__, url_prefix="/orders")

_QUERY: Final = OrderSearch()
_MOVING: Final = (OrderStatus.HELD, OrderStatus.PAYING)


@blueprint.get("")
@needs("orders.read")
def orders() -> str:
    """The search over orders."""
    asked = asked_by(_QUERY)
    return render_template(
        "admin/orders.html",
        found=read_orders(asked, asked["cursor"], asked["limit"]),
        asked=asked,
        sales=sales_to_choose(services().context, asked["sale_id"]),
        export=f"/api/v1/admin/orders.csv?{filters()}",
    )


@blueprint.get("/<uuid:order_id>")
@needs("orders.read")
def order(order_id: uuid.UUID) -> str:
    """An order with its history, its payments and its refunds."""
    found = order_file(services().context, order_id)
    pending = next((one for one in found["refunds"] if one["status"] == RefundStatus.PENDING), None)
    return render_template(
        "admin/order.html",
        order=found,
        is_refundable=found["status"] == OrderStatus.PAID and pending is None,
        pending=pending,
        moving=_moving(found, pending),
        log=entries_about(order_id),
    )


def _moving(found: Message, pending: Message | None) -> Message | None:
    """Where to poll for progress, which fields of the answer show it, and what they are now."""
    if pending is not None:
        return {"path": f"/api/v1/tasks/{pending['id']}", "field": "finished_at", "seen": ""}
    if found["status"] in _MOVING:
        return {"path": f"/api/v1/orders/{found['id']}", "field": "status", "seen": found["status"]}
    return None
