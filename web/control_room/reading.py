"""Reads what the admins' pages show beyond the API's lists: names, choices, one shopper's rows."""

import uuid
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from models.database import read_as_one
from models.errors import LineUnavailable, NotFound
from models.messages import Message, rfc3339, stored_intent, stored_order, undecided_intent
from models.queries import accounts, intents, orders, products, sales
from models.queries.payments import money_of_order
from models.tables.accounts import TokenFamily, User
from models.tables.catalogue import Product
from tasks.context import Context
from tasks.sales.view import show_product
from web.api.admin.orders import show_found
from web.api.payments import show_money
from web.http.paging import Page, read_page

MOST_CHOICES: Final = 100  # of what a filter offers
ROWS: Final = 20  # of a kind on a page of one shopper


class Choice(NamedTuple):
    """A sale that a filter offers."""

    id: str
    name: str
    opens_at: str


def sales_to_choose(context: Context, chosen: uuid.UUID | None = None) -> list[Choice]:
    """List the newest sales, and the chosen one if it is older."""
    with context.database.transaction() as session:
        rows = list(sales.newest_sales(session, MOST_CHOICES))
        if chosen is not None and all(row[0] != chosen for row in rows):
            rows += sales.name_sales(session, [chosen])
    return [Choice(str(sale_id), name, rfc3339(opens_at)) for sale_id, name, opens_at in rows]


def names_of_sales(context: Context, sale_ids: Iterable[str | None]) -> dict[str, str]:
    """Name the products of these sales."""
    ids = {uuid.UUID(sale_id) for sale_id in sale_ids if sale_id}
    with context.database.transaction() as session:
        return {str(sale_id): name for sale_id, name, _ in sales.name_sales(session, ids)}


def admins(context: Context) -> list[tuple[str, str]]:
    """List the admins' ids and e-mails."""
    with context.database.transaction() as session:
        return [(str(user_id), email) for user_id, email in accounts.admins(session)]


def read_products(context: Context, *, limit: int, cursor: str | None) -> Page:
    """Read a page of the products that are not archived, newest first, each with how many sales it has."""
    keys = (Product.created_at, Product.id)
    with context.database.transaction() as session:
        page = read_page(session, products.listed_products(), keys, limit=limit, cursor=cursor)
        counts = products.count_sales(session, [product.id for product in page.items])
        items = [{**show_product(one), "sales": counts.get(one.id, 0)} for one in page.items]
    return Page(items, page.next_cursor)


def order_file(context: Context, order_id: uuid.UUID) -> Message:
    """Read an order with its owner, what was bought, and all money that moved for it.

    Raises:
        NotFound: there is none.
    """
    with context.database.transaction() as session:
        read_as_one(session)  # a page that saw the refund's end and not the order's would wait for nothing
        order = orders.find_order(session, order_id)
        if order is None:
            raise NotFound("No order has this id.")
        user = session.get_one(User, order.user_id)
        product = sales.find_sale(session, order.sale_id).product
        money = show_money(money_of_order(session, order_id))
        return {**show_found(order, user, product.name), **money}


def shopper_file(context: Context, user_id: uuid.UUID) -> dict[str, Any]:
    """Read what a shopper has been doing lately: log-ins, places in lines, orders."""
    with context.database.transaction() as session:
        read_as_one(session)
        running = sales.running_sales(session)
        decided = [stored_intent(one) for one in intents.newest_of_shopper(session, user_id, ROWS)]
        bought = [stored_order(one, one.history) for one in orders.newest_of_shopper(session, user_id, ROWS)]
        log_ins = [_show_log_in(*row) for row in accounts.log_ins(session, user_id, ROWS)]
    undecided, is_known = _undecided(context, user_id, running)
    standing = {one["id"] for one in decided}
    places = [one for one in undecided if one["id"] not in standing] + decided
    return {"log_ins": log_ins, "intents": places, "orders": bought, "is_known": is_known}


def _show_log_in(one: TokenFamily, is_good: bool) -> Message:
    return {
        "at": rfc3339(one.created_at),
        "ends_at": rfc3339(min(one.revoked_at or one.expires_at, one.expires_at)),
        "is_good": is_good,
    }


def _undecided(
    context: Context, user_id: uuid.UUID, sale_ids: Iterable[uuid.UUID]
) -> tuple[list[Message], bool]:
    """Find where they stand in lines; the page is readable without, while Redis does not answer."""
    try:
        found = [(sale_id, context.live.standing_of(sale_id, str(user_id))) for sale_id in sale_ids]
    except LineUnavailable:
        return [], False
    return [undecided_intent(one, sale_id) for sale_id, one in found if one is not None], True
