"""Table of background tasks: what was requested of the workers, and what became of it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import TaskState
from models.tables.base import Base, Word, is_one_of


class BackgroundTask(Base):
    """A piece of work whose progress can be polled at `/tasks`."""

    __tablename__ = "background_tasks"
    __table_args__ = (
        is_one_of("state", TaskState),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_background_tasks_submitted_at_id", "submitted_at", "id"),
        Index("ix_background_tasks_sale_id", "sale_id"),
        Index("ix_background_tasks_subject_id", "subject_id", "kind"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(Word, server_default=TaskState.PENDING)
    sale_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sales.id"))
    subject_id: Mapped[uuid.UUID | None]  # of the shopper that it is about, if any
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None] = mapped_column(Text)
