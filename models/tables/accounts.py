"""Tables of accounts: users, and the families of refresh tokens that keep them logged in."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import Role
from models.tables.base import Base, Word, is_one_of


class User(Base):
    """A shopper or an admin. Accounts without a password (a load generator's crowd) cannot log in.

    `expel_at`: when lines and holds are next searched for a banned shopper; null once that is over.
    """

    __tablename__ = "users"
    __table_args__ = (
        is_one_of("role", Role),
        Index("uq_users_email_lower", text("lower(email)"), unique=True),
        Index("ix_users_created_at_id", "created_at", "id"),
        Index("ix_users_expel_at", "expel_at", postgresql_where=text("expel_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(100), server_default="")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(Word, server_default=Role.SHOPPER)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    banned_at: Mapped[datetime | None]
    ban_reason: Mapped[str | None] = mapped_column(String(200))
    expel_at: Mapped[datetime | None]


class TokenFamily(Base):
    """One log-in: every refresh token that descends from it, of which only the newest is valid.

    Using an older one revokes the family (RFC 9700, section 4.14.2).
    """

    __tablename__ = "token_families"
    __table_args__ = (
        Index("ix_token_families_revoked_at", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
        Index("ix_token_families_user_id", "user_id"),
        Index("ix_token_families_expires_at", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    newest_jti: Mapped[uuid.UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
