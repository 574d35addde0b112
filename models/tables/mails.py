"""Table of mails: what is to be sent, and what became of it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import MailKind, MailStatus
from models.ids import OF_SALE
from models.tables.base import Base, Word, is_one_of


class Mail(Base):
    """A mail, written in the transaction of what it tells; at most one of a thing, which `message_id` names.

    `order_id` is null where it is about no order. `contents`: what its letter says beside what its order's
    rows do; no secret. `language` and `time_zone` were its reader's when it was entered. `due_at` is when it
    is to be sent next; while it is being sent, when the sender's lease ends. `message_id` stays the same
    whenever it is sent, so that mailboxes recognise copies.
    """

    __tablename__ = "mails"
    __table_args__ = (
        is_one_of("kind", MailKind),
        is_one_of("status", MailStatus),
        CheckConstraint("(refund_id IS NOT NULL) = (kind = 'refund')", name="refunds_are_named"),
        CheckConstraint("(due_at IS NOT NULL) = (status = 'pending')", name="pending_is_due"),
        CheckConstraint("(mailed_at IS NOT NULL) = (status = 'mailed')", name="mailed_has_a_time"),
        CheckConstraint("(given_up_at IS NOT NULL) = (status = 'given_up')", name="given_up_has_a_time"),
        Index("uq_mails_one_receipt", "order_id", unique=True, postgresql_where=text("kind = 'receipt'")),
        CheckConstraint(
            "order_id IS NOT NULL OR kind NOT IN ('receipt', 'refund')", name="money_names_an_order"
        ),
        Index("ix_mails_user_id", "user_id"),
        Index("ix_mails_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_mails_due_at_awaited",
            "due_at",
            "id",
            postgresql_where=text("due_at IS NOT NULL AND kind <> 'opens_soon'"),
        ),
        Index("ix_mails_created_at_id", "created_at", "id"),
        Index("ix_mails_of_sale", text(OF_SALE), "created_at", "id"),
        Index("ix_mails_readable", "created_at", postgresql_where=text("to_email <> ''")),
        Index("ix_mails_unmailed", "created_at", postgresql_where=text("status <> 'mailed'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str] = mapped_column(Word)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"), unique=True)
    to_name: Mapped[str] = mapped_column(String(100))
    to_email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(8), server_default="en")
    time_zone: Mapped[str] = mapped_column(String(64), server_default="UTC")
    contents: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    message_id: Mapped[str] = mapped_column(String(320), unique=True)
    status: Mapped[str] = mapped_column(Word, server_default=MailStatus.PENDING)
    attempts: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
