"""Tables of what is sold: products, sales, and the adjustments of a sale's allocation."""

import hashlib
import secrets
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.enums import AdmissionOrder, SaleStatus
from models.tables.base import Base, Minor, Word, is_one_of

MAX_PRICE_MINOR = 10**11  # minor units; fits exactly into a Lua number, in products with quantities too
MAX_ALLOCATION = 10_000_000  # units


class Product(Base):
    """A thing that sales sell. Archived instead of deleted, since orders go on naming it.

    `revision` grows with every change, so that a change can name the revision that its author saw.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint(f"list_price_minor BETWEEN 0 AND {MAX_PRICE_MINOR}", name="list_price_in_range"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso_4217"),
        Index("ix_products_created_at_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, server_default="")
    image_url: Mapped[str | None] = mapped_column(String(2000))
    list_price_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    revision: Mapped[int] = mapped_column(server_default="1")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Sale(Base):
    """An allocation of one product, sold in one line between two times.

    `held` and `sold` move only in the transactions that move orders, under this row's lock. `epoch` fences: a
    transaction that carries another epoch changes nothing. It is null while there is no live state: until it
    is created, and after that of a finished sale was dropped. `draw_seed` orders the lobby at the opening;
    its hash is published before, itself after. `lobby_size` is how many stood in the lobby then; null before.
    `revision` grows with every change of the settings, so that the live side never goes back. `accepted` and
    `accepted_ticket` are a mark: how many intents the line had accepted in all, and the highest ticket that
    it had given, when sweeps last noted it, at `noted_at`. `noted` is how many of them the live state has
    noted itself: one that forgot that has gone back in time. `stopped_at`: since when it is paused for that;
    a rebuild clears it.
    """

    __tablename__ = "sales"
    __table_args__ = (
        is_one_of("status", SaleStatus),
        is_one_of("admission_order", AdmissionOrder),
        CheckConstraint("held >= 0 AND sold >= 0", name="counts_not_negative"),
        CheckConstraint("held + sold <= allocation", name="never_oversold"),
        CheckConstraint(f"allocation BETWEEN 0 AND {MAX_ALLOCATION}", name="allocation_in_range"),
        CheckConstraint(f"price_minor BETWEEN 0 AND {MAX_PRICE_MINOR}", name="price_in_range"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso_4217"),
        CheckConstraint("per_shopper_limit >= 1", name="limit_positive"),
        CheckConstraint("hold_seconds BETWEEN 1 AND 604800", name="hold_in_range"),
        CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
        CheckConstraint("lobby_opens_at <= opens_at", name="lobby_before_opening"),
        CheckConstraint("rate_per_second > 0", name="rate_positive"),
        CheckConstraint("max_open_holds > 0", name="open_holds_positive"),
        CheckConstraint("0 <= noted AND noted <= accepted", name="noted_was_accepted"),
        Index("ix_sales_created_at_id", "created_at", "id"),
        Index("ix_sales_requires_verified_email", "id", postgresql_where=text("requires_verified_email")),
        Index("ix_sales_undrained", "id", postgresql_where=text("drained_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id"), index=True)
    status: Mapped[str] = mapped_column(Word, server_default=SaleStatus.SCHEDULED)
    price_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    allocation: Mapped[int]
    held: Mapped[int] = mapped_column(server_default="0")
    sold: Mapped[int] = mapped_column(server_default="0")
    per_shopper_limit: Mapped[int] = mapped_column(server_default="1")
    hold_seconds: Mapped[int] = mapped_column(server_default="600")
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    lobby_opens_at: Mapped[datetime | None]
    admission_order: Mapped[str] = mapped_column(Word, server_default=AdmissionOrder.FIFO)
    requires_verified_email: Mapped[bool] = mapped_column(server_default=text("false"))
    rate_per_second: Mapped[int | None]
    max_open_holds: Mapped[int | None]
    draw_seed: Mapped[str] = mapped_column(String(64), default=lambda: secrets.token_hex(32))
    lobby_size: Mapped[int | None]
    epoch: Mapped[str | None] = mapped_column(String(32))
    revision: Mapped[int] = mapped_column(server_default="1")
    last_decided_ticket: Mapped[int] = mapped_column(BigInteger, server_default="0")
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    accepted_ticket: Mapped[int] = mapped_column(BigInteger, server_default="0")
    noted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    noted_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    drained_at: Mapped[datetime | None]

    product: Mapped[Product] = relationship(lazy="raise")

    @property
    def draw_seed_hash(self) -> str:
        """What commits to the seed before the draw: its SHA-256, in hex."""
        return hashlib.sha256(self.draw_seed.encode()).hexdigest()

    @property
    def available(self) -> int:
        """Units that are neither held nor sold, as the ledger knows them."""
        return self.allocation - self.held - self.sold


class LostTickets(Base):
    """Tickets of a sale that a rebuild found without a verdict: they are given to nobody again.

    `before_opening`: they were lost out of the lobby, so that the draw begins after them.
    """

    __tablename__ = "lost_tickets"
    __table_args__ = (CheckConstraint("1 <= first_ticket AND first_ticket <= last_ticket", name="in_order"),)

    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id"), primary_key=True)
    first_ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    last_ticket: Mapped[int] = mapped_column(BigInteger)
    before_opening: Mapped[bool]
    found_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Adjustment(Base):
    """A requested change of a sale's allocation, applied once in each store whatever is retried.

    Raises move the ledger first and the live side second, cuts the other way round, so that the live
    free stock is never above the ledger's. The key is the requester's: the same one again is the same change.
    """

    __tablename__ = "adjustments"
    __table_args__ = (
        CheckConstraint("units <> 0", name="units_not_zero"),
        CheckConstraint("state IN ('pending', 'applied', 'refused')", name="state_known"),
        UniqueConstraint("requested_by", "idempotency_key"),
        Index("ix_adjustments_pending", "sale_id", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    sale_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales.id"))
    units: Mapped[int]
    state: Mapped[str] = mapped_column(Word, server_default="pending")
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
