"""The row that identifies this ledger, and that is written to find out whether the ledger accepts writes.

The live Redis carries the id of the ledger it belongs to, so that nobody serves another ledger's lines.
"""

import uuid
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.errors import LedgerUnavailable
from models.tables.base import Base

_READ: Final = text("SELECT id FROM ledger_identity")
_MAKE: Final = text("INSERT INTO ledger_identity (id) VALUES (gen_random_uuid()) ON CONFLICT DO NOTHING")

# A caller at the same moment as another does not wait: the other one writes.
_WRITE: Final = text("""
    UPDATE ledger_identity SET written_at = now()
    WHERE id = (SELECT id FROM ledger_identity FOR UPDATE SKIP LOCKED)
""")

# What persisting a claim needs.
_MISSING: Final = text("""
    SELECT what || ' on ' || whole FROM (VALUES
        ('sales', 'SELECT'), ('sales', 'UPDATE'),
        ('intents', 'SELECT'), ('intents', 'INSERT'), ('intents', 'UPDATE'),
        ('orders', 'SELECT'), ('orders', 'INSERT'), ('order_events', 'INSERT')) AS needed (whole, what)
    WHERE NOT has_any_column_privilege(whole, what)
""")


class LedgerIdentity(Base):
    """The one row."""

    __tablename__ = "ledger_identity"
    __table_args__ = (
        UniqueConstraint("is_only"),
        CheckConstraint("is_only", name="only_one"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    is_only: Mapped[bool] = mapped_column(server_default=text("true"))
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


def identity_of(connection: Connection) -> UUID:
    """Read the ledger's id; an emptied ledger gets a new one."""
    found: UUID | None = connection.execute(_READ).scalar_one_or_none()
    if found is None:
        connection.execute(_MAKE)
        found = connection.execute(_READ).scalar_one()
    return found


def require_writable(connection: Connection) -> None:
    """Write a row, and make sure that claims can be persisted.

    Raises:
        LedgerUnavailable: a privilege is missing.
        DBAPIError: nothing can be written, or a table is missing; the caller translates it.
    """
    connection.execute(_WRITE)
    missing = connection.execute(_MISSING).scalars().all()
    if missing:
        raise LedgerUnavailable(f"The ledger's user may not {', '.join(missing)}.")
