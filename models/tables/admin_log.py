"""Table of the admins' log: who did what to what, and when. Rows are added and never changed."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import AdminAction, SubjectKind
from models.tables.base import Base, Word, is_one_of


class AdminLogEntry(Base):
    """An action, written in the transaction that did it. Without an actor it came from the command line.

    With a `key_id` a program did it, by a key that the actor had made.
    """

    __tablename__ = "admin_log"
    __table_args__ = (
        is_one_of("deed", AdminAction),
        is_one_of("subject_kind", SubjectKind),
        Index("ix_admin_log_subject_id_id", "subject_id", "id"),
        Index("ix_admin_log_actor_id_id", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    key_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("api_keys.id"))
    deed: Mapped[str] = mapped_column(Word)
    subject_kind: Mapped[str] = mapped_column(Word)
    subject_id: Mapped[uuid.UUID]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
