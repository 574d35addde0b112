"""Owns the search for orders: by their number, their receipt, their shopper, their sale and their state."""

from uuid import UUID

from sqlalchemy import Select, String, cast, or_, select
from sqlalchemy.orm import selectinload

from models.messages import Message, stored_order
from models.tables.accounts import User
from models.tables.catalogue import Product, Sale
from models.tables.orders import Order

Found = tuple[Order, User, str]


def search_orders(
    asked: str = "", *, status: str | None = None, sale_id: UUID | None = None
) -> Select[Order, User, str]:
    """Select orders with their shoppers and the names of what they bought, for paging.

    `asked`: the end of an order's id (as pages show it) or the whole, a receipt's number, or a part of the
    shopper's e-mail or name.
    """
    query: Select[Order, User, str] = (
        select(Order, User, Product.name)
        .join(User, User.id == Order.user_id)
        .join(Sale, Sale.id == Order.sale_id)
        .join(Product, Product.id == Sale.product_id)
        .options(selectinload(Order.history))
    )
    if status is not None:
        query = query.where(Order.status == status)
    if sale_id is not None:
        query = query.where(Order.sale_id == sale_id)
    if asked:
        query = query.where(
            or_(
                cast(Order.id, String).iendswith(asked, autoescape=True),
                Order.receipt_number == asked,
                User.email.icontains(asked, autoescape=True),
                User.name.icontains(asked, autoescape=True),
            )
        )
    return query


def show_found(order: Order, user: User, item: str) -> Message:
    """Tell of an order with whose it is and what was bought."""
    shopper = {"id": str(user.id), "email": user.email, "name": user.name}
    return {**stored_order(order, order.history), "shopper": shopper, "item": item}
