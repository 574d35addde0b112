"""Queries on the sales that accounts follow."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from models.enums import SaleStatus
from models.tables.catalogue import Product, Sale
from models.tables.notices.follows import SaleFollow

BEGINS_AT: Final = func.coalesce(Sale.lobby_opens_at, Sale.opens_at)


class Opening(NamedTuple):
    """A sale that opens soon. `begins_at`: when its lobby opens, or the sale where it has none."""

    sale_id: UUID
    item: str
    begins_at: datetime
    lobby_opens_at: datetime | None
    opens_at: datetime


def follows(user_id: UUID) -> Select[SaleFollow]:
    """Select what an account follows, for paging."""
    return select(SaleFollow).where(SaleFollow.user_id == user_id)


def openings_to_tell(session: Session, ahead: timedelta) -> Sequence[Opening]:
    """List the sales that begin within `ahead` and have followers who do not know, in order of opening."""
    columns = (Sale.id, Product.name, BEGINS_AT, Sale.lobby_opens_at, Sale.opens_at)
    begins_soon = (
        Sale.drained_at.is_(None),
        Sale.status == SaleStatus.SCHEDULED,
        Sale.opens_at > func.now(),
        func.now() + ahead >= BEGINS_AT,
    )
    asked = select(*columns).join(Product, Product.id == Sale.product_id).where(*begins_soon, _has_unaware())
    return [Opening(*row) for row in session.execute(asked.order_by(Sale.opens_at))]


def _has_unaware() -> ColumnElement[bool]:
    """Whether a follower knows of no beginning, or of another one: each a range of an index."""
    told = SaleFollow.told_opening
    return or_(
        *(
            exists().where(SaleFollow.sale_id == Sale.id, condition)
            for condition in (told.is_(None), told < BEGINS_AT, told > BEGINS_AT)
        )
    )
