"""Follows a sale, or no longer: who follows one is told before it opens."""

from uuid import UUID

from sqlalchemy import delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from models.enums import SaleStatus
from models.errors import SaleOver
from models.queries.sales import find_sale
from models.tables.accounts import User
from models.tables.notices.follows import SaleFollow
from tasks.context import Context


def follow_sale(context: Context, user_id: UUID, sale_id: UUID) -> None:
    """Follow a sale; once more changes nothing.

    Raises:
        NoSuchSale: there is none.
        SaleOver: it has ended or was cancelled.
    """
    with context.database.transaction() as session:
        if find_sale(session, sale_id).status in (SaleStatus.ENDED, SaleStatus.CANCELLED):
            raise SaleOver("The sale is over: there is nothing to be told of any more.")
        who = select(literal(sale_id), User.id, func.now()).where(User.id == user_id)
        columns = ["sale_id", "user_id", "created_at"]
        session.execute(insert(SaleFollow).from_select(columns, who).on_conflict_do_nothing())


def unfollow_sale(context: Context, user_id: UUID, sale_id: UUID) -> None:
    """Follow a sale no longer; nothing happens where it was not followed."""
    followed = (SaleFollow.sale_id == sale_id, SaleFollow.user_id == user_id)
    with context.database.transaction() as session:
        session.execute(delete(SaleFollow).where(*followed))
