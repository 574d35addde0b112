"""Tables of web push: the browsers that may be told, and what is to be told to each."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import MailKind
from models.tables.base import Base, Word, is_one_of

MAX_ENDPOINT = 2000  # characters, in ASCII


class PushSubscription(Base):
    """A browser that an account lets be told, by a push service at `endpoint`, a secret as its keys are.

    `family_id`: the log-in that it was made in, with whose end it is told nothing any more; null where the
    ledger knows none. `p256dh` and `auth` are the browser's keys in URL-safe Base64.
    """

    __tablename__ = "push_subscriptions"
    __table_args__ = (
        Index("ix_push_subscriptions_user_id", "user_id", "created_at"),
        Index("ix_push_subscriptions_family_id", "family_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    family_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("token_families.id", ondelete="CASCADE"))
    endpoint: Mapped[str] = mapped_column(String(MAX_ENDPOINT), unique=True)
    p256dh: Mapped[str] = mapped_column(String(90))
    auth: Mapped[str] = mapped_column(String(30))
    user_agent: Mapped[str] = mapped_column(String(200), server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PushMessage(Base):
    """What is to be told to one browser; at most one of a kind and name, which says of what.

    `due_at`: when it is to be sent next; while it is being sent, when the sender's lease ends; null once it
    was sent or given up. After `expires_at` nobody wants to hear it any more.
    """

    __tablename__ = "push_messages"
    __table_args__ = (
        is_one_of("kind", MailKind),
        CheckConstraint("sent_at IS NULL OR due_at IS NULL", name="sent_is_not_due"),
        UniqueConstraint("subscription_id", "kind", "name"),
        Index("ix_push_messages_due_at", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_push_messages_due_at_awaited",
            "due_at",
            "id",
            postgresql_where=text("due_at IS NOT NULL AND kind <> 'opens_soon'"),
        ),
        Index("ix_push_messages_created_at", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    subscription_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("push_subscriptions.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(Word)
    name: Mapped[str] = mapped_column(String(80))
    contents: Mapped[dict[str, Any]] = mapped_column(JSONB)
    language: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
