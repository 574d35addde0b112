"""Tables of data protection: which terms were accepted, and copies of what is held about somebody."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base


class Consent(Base):
    """A version of the terms that an account accepted, and when it did so first."""

    __tablename__ = "consents"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[str] = mapped_column(String(32), primary_key=True)
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Export(Base):
    """All that was held about an account, as JSON in UTF-8. Its id is that of the task that made it."""

    __tablename__ = "exports"
    __table_args__ = (
        Index("ix_exports_user_id_made_at", "user_id", "made_at"),
        Index("ix_exports_expires_at", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    content: Mapped[bytes] = mapped_column(LargeBinary)
