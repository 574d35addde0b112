"""Reads sales and orders for the pages, as the plain dictionaries that the API answers with."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.enums import OrderStatus, SaleStatus
from models.errors import NotFound
from models.messages import Message, stored_order
from models.queries.accounts import find_shopper
from models.queries.orders import newest_of_shopper, order_of_shopper
from models.queries.payments import find_receipt
from models.queries.products import newest_products
from models.queries.sales import find_sale, products_of_sales
from models.tables.accounts import User
from models.tables.catalogue import Product
from models.tables.orders import Order
from tasks.context import Context
from tasks.sales.lifecycle import list_sales
from tasks.sales.view import Show, show_product
from web.api.payments import show_receipt
from web.http.paging import Page, page_from, read_place

MOST_SALES: Final = 60  # of one status on one page
MOST_PAST: Final = 12
ORDERS_A_PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Shelves:
    """The sales of the front page."""

    running: list[Message]
    coming: list[Message]
    past: list[Message]


def shelves(context: Context, show: Show) -> Shelves:
    """Gather the front page: what runs by its end, what comes by its beginning, what is past by its end."""

    def of(*statuses: SaleStatus, limit: int = MOST_SALES) -> list[Message]:
        found = [sale for status in statuses for sale in list_sales(context, status=status, limit=limit)]
        return [show(context, sale) for sale in found]

    past = of(SaleStatus.ENDED, SaleStatus.CANCELLED, limit=MOST_PAST)
    return Shelves(
        running=sorted(of(SaleStatus.OPEN, SaleStatus.PAUSED), key=lambda sale: str(sale["closes_at"])),
        coming=sorted(of(SaleStatus.SCHEDULED), key=lambda sale: str(sale["opens_at"])),
        past=sorted(past, key=lambda sale: str(sale["closes_at"]), reverse=True)[:MOST_PAST],
    )


def orders_of(context: Context, user_id: uuid.UUID, cursor: str | None) -> Page:
    """Read a page of a shopper's orders, newest first, each with its sale's product."""
    before = read_place(cursor)
    with context.database.transaction() as session:
        rows = newest_of_shopper(session, user_id, ORDERS_A_PAGE + 1, before=before)
        page = page_from(rows, ORDERS_A_PAGE, "created_at", "id")
        products = products_of_sales(session, {order.sale_id for order in page.items})
        items = [
            {**stored_order(order, order.history), "product": show_product(products[order.sale_id])}
            for order in page.items
        ]
    return Page(items, page.next_cursor)


def order_of(context: Context, user_id: uuid.UUID, order_id: uuid.UUID) -> Message:
    """Read an order of a shopper's with its sale's product."""
    with context.database.transaction() as session:
        order = order_of_shopper(session, order_id, user_id)
        product = find_sale(session, order.sale_id).product
        return {**stored_order(order, order.history), "product": show_product(product)}


def receipt_of(context: Context, user_id: uuid.UUID, order_id: uuid.UUID) -> tuple[Message, bool]:
    """Read the receipt of a shopper's order, and whether the money went back since.

    Raises:
        NotFound: the shopper has no such order, or it was never paid.
    """
    with context.database.transaction() as session:
        order, receipt = session.get(Order, order_id), find_receipt(session, order_id)
        if order is None or receipt is None or order.user_id != user_id:
            raise NotFound("No receipt of yours has this order's id.")
        return show_receipt(receipt), order.status == OrderStatus.REFUNDED


def account_of(context: Context, user_id: uuid.UUID) -> User:
    """Read an account.

    Raises:
        NotFound: it is gone.
    """
    with context.database.transaction() as session:
        return find_shopper(session, user_id)


def products_to_sell(context: Context) -> Sequence[Product]:
    """List what a new sale may sell, newest first."""
    with context.database.transaction() as session:
        return newest_products(session, MOST_SALES)
