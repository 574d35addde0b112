"""Owns the questions that admins ask about accounts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from models.enums import OrderStatus
from models.errors import NotFound
from models.tables.accounts import User
from models.tables.orders import Order


class OrderCounts(NamedTuple):
    """How many orders an account has."""

    all: int = 0
    paid: int = 0


def shoppers(asked: str, *, only_banned: bool = False) -> Select[User]:
    """Select accounts for paging: by their id, or by a part of their name or e-mail."""
    query = select(User)
    if only_banned:
        query = query.where(User.banned_at.is_not(None))
    if not asked:
        return query
    found = [User.email.icontains(asked, autoescape=True), User.name.icontains(asked, autoescape=True)]
    try:
        found.append(User.id == UUID(asked))
    except ValueError:  # then it is a part of a name, and no id
        return query.where(or_(*found))
    return query.where(or_(*found))


def find_shopper(session: Session, user_id: UUID) -> User:
    """Find an account.

    Raises:
        NotFound: there is none.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("No account has this id.")
    return user


def count_orders(session: Session, user_ids: Sequence[UUID]) -> dict[UUID, OrderCounts]:
    """Count the orders of some accounts; of one without any, too."""
    counting = (
        select(
            Order.user_id,
            func.count(),
            func.count().filter(Order.status == OrderStatus.PAID),
        )
        .where(Order.user_id.in_(user_ids))
        .group_by(Order.user_id)
    )
    counts: dict[UUID, OrderCounts] = defaultdict(OrderCounts)
    counts.update({user_id: OrderCounts(every, paid) for user_id, every, paid in session.execute(counting)})
    return counts
