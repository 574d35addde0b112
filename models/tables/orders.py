"""Tables of intents with their verdicts, of orders, and of every change of an order.

What a claim writes has no foreign keys: `models/ledger.py` writes no row whose sale, account, intent or order
is not there, and a trigger of migration 0019 keeps those from being deleted while a row names them.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.enums import IntentStatus, OrderStatus
from models.tables.base import Base, Minor, Word, is_one_of


class Intent(Base):
    """What a shopper requested, with the verdict. Written when decided; before that, it is in the line only.

    `ticket` is null if it left the lobby: tickets are given when the sale opens.

    `standby_at` is when it was put on standby, if ever; null of those from before migration 0008.
    """

    __tablename__ = "intents"
    __table_args__ = (
        is_one_of("status", IntentStatus),
        UniqueConstraint("sale_id", "ticket"),
        CheckConstraint("ticket >= 1", name="ticket_positive"),
        CheckConstraint("ticket IS NOT NULL OR status = 'left'", name="only_who_left_has_no_ticket"),
        CheckConstraint("quantity >= 1", name="quantity_positive"),
        CheckConstraint("(decided_at IS NULL) = (status = 'standby')", name="decided_has_a_time"),
        Index("ix_intents_user_id_sale_id", "user_id", "sale_id"),
        # Lists of all sales and of one; `lower` is a disguise (models/queries/paging.py tells why).
        Index("ix_intents_by_status", text("lower(status)"), "submitted_at"),
        Index("ix_intents_of_sale_by_status", "sale_id", "status", "submitted_at"),
        Index("ix_intents_left", "sale_id", "ticket", postgresql_where=text("status = 'left'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sale_id: Mapped[uuid.UUID]
    user_id: Mapped[uuid.UUID]
    ticket: Mapped[int | None] = mapped_column(BigInteger)
    quantity: Mapped[int]
    accept_fewer: Mapped[bool]
    status: Mapped[str] = mapped_column(Word)
    reason: Mapped[str | None] = mapped_column(String(32))
    submitted_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    standby_at: Mapped[datetime | None]


class Order(Base):
    """A granted hold and what became of it. The price is that of the verdict.

    `released_at` is when the live state learned where the units of a hold that is over went; until then a
    sweep sees to it. `receipt_number` is given once, when the order is paid.
    """

    __tablename__ = "orders"
    __table_args__ = (
        is_one_of("status", OrderStatus),
        CheckConstraint("quantity >= 1", name="quantity_positive"),
        CheckConstraint("unit_price_minor >= 0", name="price_not_negative"),
        CheckConstraint("(paid_at IS NOT NULL) = (status IN ('paid', 'refunded'))", name="paid_has_a_time"),
        CheckConstraint("(refunded_at IS NOT NULL) = (status = 'refunded')", name="refunded_has_a_time"),
        CheckConstraint("(receipt_number IS NOT NULL) = (paid_at IS NOT NULL)", name="paid_has_a_receipt"),
        Index("ix_orders_user_id", "user_id"),
        Index("ix_orders_by_status", text("lower(status)"), "created_at"),
        Index("ix_orders_of_sale_by_status", "sale_id", "status", "created_at"),
        Index(  # what people read of an id is its end
            "ix_orders_end_of_id",
            literal_column('reverse("right"(id::text, 12))').label("end_of_id"),
            postgresql_ops={"end_of_id": "text_pattern_ops"},
        ),
        Index("ix_orders_held_until", "expires_at", postgresql_where=text("status = 'held'")),
        Index(
            "ix_orders_unreleased",
            "id",
            postgresql_where=text(
                "released_at IS NULL AND status IN ('expired', 'cancelled', 'paid', 'refunded')"
            ),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    intent_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    sale_id: Mapped[uuid.UUID]
    user_id: Mapped[uuid.UUID]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(Word)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    refunded_at: Mapped[datetime | None]
    receipt_number: Mapped[str | None] = mapped_column(String(20), unique=True)
    released_at: Mapped[datetime | None]

    history: Mapped[list["OrderEvent"]] = relationship(
        primaryjoin="Order.id == foreign(OrderEvent.order_id)", lazy="raise", order_by="OrderEvent.id"
    )


class OrderEvent(Base):
    """One change of an order's status: when, to what, why, and by whom (null: the platform itself)."""

    __tablename__ = "order_events"
    __table_args__ = (
        is_one_of("status", OrderStatus),
        Index("ix_order_events_order_id_id", "order_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(Word)
    reason: Mapped[str | None] = mapped_column(String(200))
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
