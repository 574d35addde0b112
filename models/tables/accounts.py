"""Tables of accounts: users, log-ins (families of refresh tokens), mailed links, recovery codes, keys."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.enums import LinkKind, Role, StaffRole
from models.tables.base import Base, Word, is_one_of

# All runs of two and of three characters of an account's address and name, by a function of migration 0037;
# in brackets as PostgreSQL tells them, so that Alembic finds no difference.
FRAGMENTS = "fragments((email || ' ') || name, ARRAY[2, 3])"


class User(Base):
    """A shopper or an admin. Accounts without a password (a load generator's crowd) cannot log in.

    `expel_at`: when lines and holds are next searched for a banned shopper; null once that is over.
    `language` and `time_zone` are null until they are chosen. `totp_secret` is encrypted; it counts once it
    is confirmed, and no time step (30 s of the epoch) up to `totp_last_step` is taken again. `mail_choices`
    holds the kinds of mail that are wanted or not. From `erasure_asked_at` on nobody can log in; an account
    with `erased_at` names nobody.
    """

    __tablename__ = "users"
    __table_args__ = (
        is_one_of("role", Role),
        is_one_of("staff_role", StaffRole),
        CheckConstraint(
            "erased_at IS NULL OR (name = '' AND email LIKE 'erased-%@erased.invalid')",
            name="erased_names_nobody",
        ),
        CheckConstraint("(staff_role IS NOT NULL) = (role = 'admin')", name="staff_are_admins"),
        Index("uq_users_email_lower", text("lower(email)"), unique=True),
        Index("ix_users_created_at_id", "created_at", "id"),
        Index("ix_users_banned", "created_at", "id", postgresql_where=text("banned_at IS NOT NULL")),
        Index("ix_users_fragments", text(FRAGMENTS), postgresql_using="gin"),
        Index("ix_users_expel_at", "expel_at", postgresql_where=text("expel_at IS NOT NULL")),
        Index("ix_users_totp_secret", "totp_secret", postgresql_where=text("totp_secret IS NOT NULL")),
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
    staff_role: Mapped[str | None] = mapped_column(Word)
    email_verified_at: Mapped[datetime | None]
    password_changed_at: Mapped[datetime | None]
    language: Mapped[str | None] = mapped_column(String(8))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    mail_choices: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    totp_secret: Mapped[str | None] = mapped_column(String(255))
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    terms_version: Mapped[str | None] = mapped_column(String(32))
    terms_accepted_at: Mapped[datetime | None]
    erasure_asked_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    @property
    def email_verified(self) -> bool:
        """Whether who has the address has shown it."""
        return self.email_verified_at is not None


class TokenFamily(Base):
    """One log-in: every refresh token that descends from it, of which only the newest is valid.

    Using an older one revokes the family (RFC 9700, section 4.14.2). `confirmed_at`: when the password or the
    second factor was last given; `second_factor_at`: when the second factor was.
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
    last_used_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(String(200), server_default="")
    network: Mapped[str] = mapped_column(String(64), server_default="")
    confirmed_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]


class AccountLink(Base):
    """A link that was mailed to an account: good once, and for a time. Only its token's digest is kept.

    `email`: the address that a change of address asks for. `order_id`: the one order that the link is about.
    `staff_role`: what an invitation is for.
    """

    __tablename__ = "account_links"
    __table_args__ = (
        is_one_of("kind", LinkKind),
        CheckConstraint("(email IS NOT NULL) = (kind = 'change_email')", name="changes_name_an_address"),
        CheckConstraint("(order_id IS NOT NULL) = (kind = 'order')", name="orders_are_named"),
        CheckConstraint("(staff_role IS NOT NULL) = (kind = 'invitation')", name="invitations_name_a_role"),
        is_one_of("staff_role", StaffRole),
        Index("ix_account_links_user_id", "user_id", "kind"),
        Index("ix_account_links_expires_at", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Word)
    email: Mapped[str | None] = mapped_column(String(254))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    staff_role: Mapped[str | None] = mapped_column(Word)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code that takes the place of a second factor once. Only its digest is kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key that lets a program do what a role of staff may; only its digest is kept. No row is deleted.

    `beginning`: its first characters, by which people know it. It counts until `expires_at`, if that is set,
    or until it is revoked; `last_used_at` is a minute behind at most.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        is_one_of("staff_role", StaffRole),
        Index("ix_api_keys_created_at_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    beginning: Mapped[str] = mapped_column(String(16))
    staff_role: Mapped[str] = mapped_column(Word)
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    maker: Mapped[User] = relationship(lazy="joined", innerjoin=True, viewonly=True)
