"""`/admin/orders`: the search over everybody's orders, as a list and as CSV."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Response, stream_with_context
from marshmallow import Schema, fields, validate

from models.database import take_time
from models.driver import STEADY
from models.enums import OrderStatus
from models.messages import Message, stored_order
from models.queries.orders import search_orders
from models.tables.accounts import User
from models.tables.orders import Order
from web.api.schemas.fields import Text
from web.api.schemas.orders import OrderSchema
from web.api.schemas.paging import PageQuery, page_of
from web.http.csv import BOM, CSV_TYPE, write_rows
from web.http.openapi import Blueprint
from web.http.paging import Page, cut, read_place, write_cursor
from web.http.responses import page
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("admin_orders", __name__, url_prefix="/admin", description="Orders, for admins")

ROWS_AT_ONCE: Final = 1_000
COLUMNS: Final = (
    "order_id", "receipt_number", "status", "item", "quantity", "unit_price_minor", "total_minor", "currency",
    "email", "name", "sale_id", "created_at", "expires_at", "paid_at", "refunded_at",
)  # fmt: skip


class OrderSearch(PageQuery):
    """`?query=&status=&sale_id=` besides the page."""

    query = Text(load_default="", validate=validate.Length(0, 254))
    sale_id = fields.UUID(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf([one.value for one in OrderStatus]))


class OrderOwnerSchema(Schema):
    """Whose an order is."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)


class FoundOrderSchema(OrderSchema):
    """An order with whose it is and what was bought."""

    shopper = fields.Nested(OrderOwnerSchema, required=True)
    item = fields.String(required=True)


@blueprint.get("/orders")
@may("orders.read")
@blueprint.arguments(OrderSearch, location="query")
@blueprint.response(200, page_of(FoundOrderSchema))
def list_orders(asked: dict[str, Any]) -> Response:
    """Search orders, newest first: by the end of their id, a receipt, or the shopper's id, e-mail or name."""
    return page(read_orders(asked, asked["cursor"], asked["limit"]))


@blueprint.get("/orders.csv")
@may("exports.read")
@blueprint.arguments(OrderSearch, location="query")
@blueprint.response(200, content_type="text/csv")
def export_orders(asked: dict[str, Any]) -> Response:
    """Export what a search finds as CSV (RFC 4180), all of it, newest first."""
    first = read_orders(asked, None, ROWS_AT_ONCE)  # what fails, fails before the answer begins
    headers = {"Content-Disposition": 'attachment; filename="orders.csv"'}
    lines = stream_with_context(_lines(asked, first))
    return Response(lines, content_type=CSV_TYPE, headers=headers)


def read_orders(asked: dict[str, Any], cursor: str | None, limit: int) -> Page:
    """Read a page of what a search finds, newest first."""
    narrowed = {"status": asked["status"], "sale_id": asked["sale_id"]}
    before = read_place(cursor)
    with services().context.reading() as session:
        take_time(session, STEADY)
        found = search_orders(session, asked["query"].strip(), **narrowed, before=before, limit=limit + 1)
        page = cut(found, limit, lambda row: write_cursor(row[0].created_at, row[0].id))
        return Page([show_found(*row) for row in page.items], page.next_cursor)


def show_found(order: Order, user: User, item: str) -> Message:
    """Tell of an order with whose it is and what was bought."""
    shopper = {"id": str(user.id), "email": user.email, "name": user.name}
    return {**stored_order(order, order.history), "shopper": shopper, "item": item}


def _lines(asked: dict[str, Any], found: Page) -> Iterator[str]:
    yield BOM + write_rows([COLUMNS])
    yield write_rows(map(_cells, found.items))
    while found.next_cursor is not None:
        found = read_orders(asked, found.next_cursor, ROWS_AT_ONCE)
        yield write_rows(map(_cells, found.items))


def _cells(order: Message) -> list[Any]:
    shopper = order["shopper"]
    return [
        order["id"], order["receipt_number"], order["status"], order["item"], order["quantity"],
        order["unit_price"]["amount_minor"], order["total"]["amount_minor"], order["total"]["currency"],
        shopper["email"], shopper["name"], order["sale_id"], order["created_at"], order["expires_at"],
        order["paid_at"], order["refunded_at"],
    ]  # fmt: skip
