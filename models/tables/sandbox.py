"""Tables of the sandbox, the embedded payment provider: its own books, apart from the shop's.

The shop never reads or joins them; only the sandbox's adapter does, as a real provider's servers would.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, Minor


class SandboxCharge(Base):
    """A charge in the sandbox's books, under its idempotency key."""

    __tablename__ = "sandbox_charges"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'succeeded', 'declined')", name="state_known"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunds_within_the_charge"),
        CheckConstraint("refunded_minor = 0 OR state = 'succeeded'", name="refunds_of_charges_only"),
        Index("ix_sandbox_charges_order_id", "order_id"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(String(64), unique=True)
    order_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    method: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(64))
    calls: Mapped[int] = mapped_column(server_default="0")
    settles_at: Mapped[datetime | None]
    refunded_minor: Mapped[int] = mapped_column(Minor, server_default="0")
    refund_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SandboxEvent(Base):
    """A webhook that the sandbox sends when it is due, and again until it is accepted."""

    __tablename__ = "sandbox_events"
    __table_args__ = (
        Index("ix_sandbox_events_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64))  # not unique: duplicates are part of the simulation
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    tries: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
