"""Tables of money: payments, refunds, the webhooks that reported on them, and receipts."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import PaymentStatus, RefundCause, RefundStatus
from models.ids import OF_SALE
from models.tables.base import Base, Minor, Word, is_one_of


class Payment(Base):
    """One attempt to charge an order. Its id is the idempotency key at the provider.

    At most one attempt of an order is open, and at most one is what paid for it. `due_at` is when the
    attempt is checked next; null when nothing is left to do. After `patience_until` a pending
    attempt is ended at the provider; until `pinned_until` the hold is kept for it in any case.
    `regain_asked_at`: since then Redis may have sold units to this late payment, and the ledger
    does not know its answer yet; a rebuild counts them as sold. `charged_minor` and `charged_currency` are
    set if the provider charged something else than was requested: that never pays, and is refunded.
    """

    __tablename__ = "payments"
    __table_args__ = (
        is_one_of("status", PaymentStatus),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint(
            "(finished_at IS NULL) = (status IN ('pending', 'abandoned', 'late'))", name="finished_has_a_time"
        ),
        CheckConstraint("regain_asked_at IS NULL OR status = 'late'", name="only_late_asks_again"),
        CheckConstraint(
            "charged_minor IS NULL OR status IN ('late', 'refunded')", name="a_wrong_charge_never_pays"
        ),
        CheckConstraint(
            "(charged_minor IS NULL) = (charged_currency IS NULL)", name="charged_has_a_currency"
        ),
        UniqueConstraint("user_id", "idempotency_key"),
        Index("ix_payments_order_id_created_at", "order_id", "created_at"),
        Index(
            "uq_payments_one_open",
            "order_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'abandoned')"),
        ),
        Index(
            "uq_payments_one_charge", "order_id", unique=True, postgresql_where=text("status = 'succeeded'")
        ),
        Index("uq_payments_ref", "provider", "ref", unique=True, postgresql_where=text("ref IS NOT NULL")),
        Index("ix_payments_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_payments_created_at_id", "created_at", "id"),
        Index("ix_payments_of_sale", text(OF_SALE), "created_at", "id"),
        Index("ix_payments_unfinished", "created_at", postgresql_where=text("finished_at IS NULL")),
        Index("ix_payments_regaining", "order_id", postgresql_where=text("regain_asked_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str] = mapped_column(String(32))
    method: Mapped[str] = mapped_column(String(64))
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    charged_minor: Mapped[int | None] = mapped_column(Minor)
    charged_currency: Mapped[str | None] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(Word, server_default=PaymentStatus.PENDING)
    code: Mapped[str | None] = mapped_column(String(64))
    ref: Mapped[str | None] = mapped_column(String(255))
    client_secret: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    patience_until: Mapped[datetime]
    pinned_until: Mapped[datetime]
    regain_asked_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Refund(Base):
    """The refund of a charge: at most one for each payment."""

    __tablename__ = "refunds"
    __table_args__ = (
        is_one_of("status", RefundStatus),
        is_one_of("cause", RefundCause),
        CheckConstraint("(finished_at IS NULL) = (status = 'pending')", name="finished_has_a_time"),
        Index("ix_refunds_order_id", "order_id"),
        Index("ix_refunds_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_refunds_created_at_id", "created_at", "id"),
        Index("ix_refunds_of_sale", text(OF_SALE), "created_at", "id"),
        Index("ix_refunds_unsettled", "created_at", postgresql_where=text("status <> 'succeeded'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id"), unique=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    cause: Mapped[str] = mapped_column(Word)
    reason: Mapped[str | None] = mapped_column(String(200))
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(Word, server_default=RefundStatus.PENDING)
    code: Mapped[str | None] = mapped_column(String(64))
    ref: Mapped[str | None] = mapped_column(String(255))
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class WebhookEvent(Base):
    """A webhook that was applied, by the provider's id of it: a repeat finds it and does nothing."""

    __tablename__ = "webhook_events"
    __table_args__ = (Index("ix_webhook_events_received_at", "received_at"),)

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    payment_id: Mapped[uuid.UUID | None]
    refund_id: Mapped[uuid.UUID | None]
    state: Mapped[str | None] = mapped_column(Word)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Receipt(Base):
    """What was paid for, as it was then. Numbers have no gaps within a year."""

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("year", "number"),
        CheckConstraint("number >= 1", name="number_positive"),
        CheckConstraint("total_minor = unit_price_minor * quantity", name="total_adds_up"),
    )

    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    year: Mapped[int]
    number: Mapped[int]
    issued_at: Mapped[datetime]
    item: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = mapped_column(Minor)
    total_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    buyer_name: Mapped[str] = mapped_column(String(100))
    buyer_email: Mapped[str] = mapped_column(String(254))

    @property
    def written_number(self) -> str:
        """The number as people read it, e.g. `2026-000017`."""
        return f"{self.year}-{self.number:06}"


class ReceiptCounter(Base):
    """The last number that was given in a year; its row's lock serialises those who pay."""

    __tablename__ = "receipt_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
