"""Table of reports: the content of a sale's report, and the state of its money that it was made from."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base


class SaleReport(Base):
    """The newest report of a sale.

    `mark` is the state of the sale's orders and money that it was made from: while the present one equals it,
    a final report is still valid. `sold` is the part of it that is compared without counting.
    """

    __tablename__ = "sale_reports"

    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id"), primary_key=True)
    is_final: Mapped[bool]
    mark: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sold: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
