"""Table of the sales that accounts follow."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base


class SaleFollow(Base):
    """Somebody wants to be told before a sale opens.

    `told_opening`: the beginning (of the lobby, else of the sale) of which they were last told; null before.
    `tellings`: of how many beginnings they were told, or would have been, since a sale can be moved.
    """

    __tablename__ = "sale_follows"
    __table_args__ = (
        Index("ix_sale_follows_user_id", "user_id", "created_at", "sale_id"),
        Index("ix_sale_follows_told_opening", "sale_id", "told_opening"),
    )

    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    told_opening: Mapped[datetime | None]
    tellings: Mapped[int] = mapped_column(SmallInteger, server_default="0")
