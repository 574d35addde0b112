"""Reads what the admins' pages show beyond the API's lists: names, choices, one shopper's rows."""

import uuid
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.enums import Role
from models.errors import LineUnavailable, NotFound
from models.messages import Message, rfc3339, stored_intent, stored_order, undecided_intent
from models.queries import intents as reading
from models.tables.accounts import TokenFamily, User
from models.tables.catalogue import Product, Sale
from models.tables.orders import Intent, Order
from tasks.context import Context
from tasks.sales.view import show_product
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
    columns = select(Sale.id, Product.name, Sale.opens_at).join(Product, Product.id == Sale.product_id)
    with context.database.transaction() as session:
        newest = columns.order_by(Sale.created_at.desc(), Sale.id.desc()).limit(MOST_CHOICES)
        rows = list(session.execute(newest))
        if chosen is not None and all(row[0] != chosen for row in rows):
            rows += session.execute(columns.where(Sale.id == chosen))
    return [Choice(str(sale_id), name, rfc3339(opens_at)) for sale_id, name, opens_at in rows]


def names_of_sales(context: Context, sale_ids: Iterable[str | None]) -> dict[str, str]:
    """Name the products of these sales."""
    ids = {uuid.UUID(sale_id) for sale_id in sale_ids if sale_id}
    named = select(Sale.id, Product.name).join(Product, Product.id == Sale.product_id).where(Sale.id.in_(ids))
    with context.database.transaction() as session:
        return {str(sale_id): name for sale_id, name in session.execute(named)}


def admins(context: Context) -> list[tuple[str, str]]:
    """List the admins' ids and e-mails."""
    asked = select(User.id, User.email).where(User.role == Role.ADMIN).order_by(User.email)
    with context.database.transaction() as session:
        return [(str(user_id), email) for user_id, email in session.execute(asked)]


def read_products(context: Context, *, limit: int, cursor: str | None) -> Page:
    """Read a page of the products that are not archived, newest first, each with how many sales it has.

    Raises:
        ValidationError: the cursor is not one of this list's.
    """
    listed = select(Product).where(Product.archived_at.is_(None))
    with context.database.transaction() as session:
        page = read_page(session, listed, (Product.created_at, Product.id), limit=limit, cursor=cursor)
        ids = [product.id for product in page.items]
        counting = select(Sale.product_id, func.count()).where(Sale.product_id.in_(ids))
        counts = dict(session.execute(counting.group_by(Sale.product_id)).all())
        items = [{**show_product(one), "sales": counts.get(one.id, 0)} for one in page.items]
    return Page(items, page.next_cursor)


def order_file(context: Context, order_id: uuid.UUID) -> Message:
    """Read an order with whose it is, what was bought, and all money that moved for it.

    Raises:
        NotFound: there is none.
    """
    with context.database.transaction() as session:
        order = reading.find_order(session, order_id)
        if order is None:
            raise NotFound("No order has this id.")
        user = session.get_one(User, order.user_id)
        product = reading.find_sale(session, order.sale_id).product
        shopper = {"id": str(user.id), "email": user.email, "name": user.name}
        told = stored_order(order, order.history)
        return {**told, **show_money(session, order_id), "shopper": shopper, "item": product.name}


def shopper_file(context: Context, user_id: uuid.UUID) -> dict[str, Any]:
    """Read what a shopper has been doing lately: log-ins, places in lines, orders."""
    with context.database.transaction() as session:
        running = session.scalars(select(Sale.id).where(Sale.drained_at.is_(None))).all()
        asked = select(Intent).where(Intent.user_id == user_id)
        newest = asked.order_by(Intent.submitted_at.desc(), Intent.id.desc()).limit(ROWS)
        decided = [stored_intent(one) for one in session.scalars(newest)]
        bought = reading.newest(
            reading.orders(user_id=user_id, sale_id=None), (Order.created_at, Order.id), None
        )
        orders = [stored_order(one, one.history) for one in session.scalars(bought.limit(ROWS))]
        log_ins = _log_ins(session, user_id)
    undecided, is_known = _undecided(context, user_id, running)
    standing = {one["id"] for one in decided}
    intents = [one for one in undecided if one["id"] not in standing] + decided
    return {"log_ins": log_ins, "intents": intents, "orders": orders, "is_known": is_known}


def _log_ins(session: Session, user_id: uuid.UUID) -> list[Message]:
    is_good = TokenFamily.revoked_at.is_(None) & (TokenFamily.expires_at > func.now())
    asked = select(TokenFamily, is_good).where(TokenFamily.user_id == user_id)
    rows = session.execute(asked.order_by(TokenFamily.created_at.desc()).limit(ROWS))
    return [
        {
            "at": rfc3339(one.created_at),
            "ends_at": rfc3339(min(one.revoked_at or one.expires_at, one.expires_at)),
            "is_good": good,
        }
        for one, good in rows
    ]


def _undecided(
    context: Context, user_id: uuid.UUID, sale_ids: Iterable[uuid.UUID]
) -> tuple[list[Message], bool]:
    """Find where he stands in lines; the page is readable without, while the lines cannot be asked."""
    try:
        found = [(sale_id, context.live.standing_of(sale_id, str(user_id))) for sale_id in sale_ids]
    except LineUnavailable:
        return [], False
    return [undecided_intent(one, sale_id) for sale_id, one in found if one is not None], True
