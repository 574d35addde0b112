"""Table of the journal: what lines accepted, written down before it was answered, in strong mode."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base


class JournalEntry(Base):
    """An accepted intent. It counts for a rebuild until the ledger has the intent itself.

    `in_lobby`: `ticket` was a place among those who were there, and becomes another when it is decided.
    """

    __tablename__ = "intent_journal"
    __table_args__ = (
        Index(
            "ix_intent_journal_tickets",
            "sale_id",
            "ticket",
            unique=True,
            postgresql_where=text("NOT in_lobby"),
        ),
        Index("ix_intent_journal_lobbies", "sale_id", postgresql_where=text("in_lobby")),
    )

    intent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sale_id: Mapped[uuid.UUID]
    user_id: Mapped[uuid.UUID]
    ticket: Mapped[int] = mapped_column(BigInteger)
    in_lobby: Mapped[bool]
    quantity: Mapped[int]
    accept_fewer: Mapped[bool]
    key: Mapped[str] = mapped_column(Text)  # the Idempotency-Key, empty without one
    body_hash: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
