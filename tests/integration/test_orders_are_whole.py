"""An order is shown with the history of the same instant, even if it changes while it is read.

By the length of its history a socket knows which news of an order are older: with a history of a later
instant, old news would pass for new.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from models.database import Database
from models.messages import Message
from models.tables.orders import Order
from tasks.intents.shopper_state import stored_intents, stored_orders
from tasks.payments.order_updates import tell_order
from tasks.payments.refunds import request_refund
from tests.support.paying import Till
from tests.support.shop import Shop
from web.control_room.reading import order_file

READ: dict[str, Callable[[Till, Order], Message | None]] = {
    "told": lambda till, order: tell_order(till.context, order.id),
    "found lost": lambda till, order: stored_orders(till.context, [str(order.id)])[str(order.id)],
    "of an intent": lambda till, order: stored_intents(till.context, [str(order.intent_id)])[
        str(order.intent_id)
    ][1],
}


@contextmanager
def after_reading_orders(database: Database, happens: Callable[[], object]) -> Iterator[list[str]]:
    """Have something happen once, as soon as a query for orders was answered."""
    seen: list[str] = []

    def listen(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if " FROM orders" in statement.replace("\n", " ") and not seen:
            seen.append(statement)
            happens()

    event.listen(database.engine, "after_cursor_execute", listen)
    try:
        yield seen
    finally:
        event.remove(database.engine, "after_cursor_execute", listen)


@pytest.mark.parametrize("way", READ)
def test_an_order_that_is_paid_while_it_is_read_is_told_as_it_was(shop: Shop, till: Till, way: str) -> None:
    sale = shop.drained_sale(1, asked=1)
    [order] = sale.orders()
    payment_id = till.begin(order)
    with after_reading_orders(shop.context.database, lambda: till.drive(payment_id)) as seen:
        message = READ[way](till, order)
    assert seen
    assert message is not None
    assert [one["status"] for one in message["history"]] == ["held", "paying"]
    assert message["status"] == "paying"
    assert till.order(order)["status"] == "paid"


def test_an_order_that_is_refunded_while_it_is_read_is_shown_as_it_was(shop: Shop, till: Till) -> None:
    sale = shop.drained_sale(1, asked=1)
    [order] = sale.orders()
    till.pay(order)
    request_refund(till.context, order.id, by=None)
    with after_reading_orders(shop.context.database, till.drive_refunds) as seen:
        shown = order_file(till.context, order.id)
    assert seen
    assert (shown["status"], shown["refunds"][0]["status"]) == ("paid", "pending")
