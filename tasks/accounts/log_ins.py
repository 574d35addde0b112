"""Begins, renews and ends log-ins. A log-in is a family of refresh tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from config import Settings
from models.errors import Banned
from models.tables.accounts import TokenFamily, User
from tasks.context import Context


class Renewed(NamedTuple):
    """Who goes on being logged in, and for how many seconds at most."""

    user: User
    left_s: int


def begin_log_in(
    context: Context, user: User, family: UUID, jti: UUID, *, stored_hash: str, renewed_hash: str | None
) -> None:
    """Begin a family with its first token; `renewed_hash` takes the place of the hash that was checked.

    Raises:
        Banned: the account is banned by now.
        LedgerUnavailable: nothing was begun.
    """
    with context.database.transaction() as session:
        # The row is kept as it is until the family stands: a ban comes before it, or ends it.
        is_banned = select(User.banned_at.is_not(None)).where(User.id == user.id).with_for_update(read=True)
        if session.scalar(is_banned):
            raise Banned("The account is banned.")
        expires_at = _expiry(context.settings)
        session.add(TokenFamily(id=family, user_id=user.id, newest_jti=jti, expires_at=expires_at))
        if renewed_hash is not None:
            same = (User.id == user.id, User.password_hash == stored_hash)
            session.execute(update(User).where(*same).values(password_hash=renewed_hash))


def renew_log_in(context: Context, family: UUID, *, shown: UUID, newest: UUID) -> Renewed | None:
    """Put the `newest` token in the place of the one that is `shown`, if that is the family's newest now.

    Of two with the same token, one gets nothing. However often it is renewed, a log-in ends at a set time
    after it began.
    """
    ends_at = TokenFamily.created_at + timedelta(seconds=context.settings.session_s)
    spend = (
        update(TokenFamily)
        .where(TokenFamily.id == family, TokenFamily.newest_jti == shown)
        .where(TokenFamily.revoked_at.is_(None), TokenFamily.expires_at > func.now(), ends_at > func.now())
        .values(newest_jti=newest, expires_at=func.least(_expiry(context.settings), ends_at))
        .returning(TokenFamily.user_id, func.ceil(func.extract("epoch", ends_at - func.now())))
    )
    with context.database.transaction() as session:
        spent = session.execute(spend).one_or_none()
        user = session.get(User, spent[0]) if spent is not None else None
    return Renewed(user, int(spent[1])) if spent is not None and user is not None else None


def end_log_in(context: Context, family: UUID) -> None:
    """Revoke a family; web processes learn of it when they next poll."""
    with context.database.transaction() as session:
        _revoke(session, TokenFamily.id == family)


def end_log_ins(context: Context, user_id: UUID) -> Sequence[UUID]:
    """Revoke every family of an account; returns those that this ended."""
    with context.database.transaction() as session:
        return revoke_log_ins(session, user_id)


def revoke_log_ins(session: Session, user_id: UUID) -> Sequence[UUID]:
    """Revoke every family of an account inside the caller's transaction; returns those that this ended."""
    return _revoke(session, TokenFamily.user_id == user_id)


def _revoke(session: Session, which: ColumnElement[bool]) -> Sequence[UUID]:
    revoke = update(TokenFamily).where(which, TokenFamily.revoked_at.is_(None)).values(revoked_at=func.now())
    return session.scalars(revoke.returning(TokenFamily.id)).all()


def _expiry(settings: Settings) -> ColumnElement[datetime]:
    return func.now() + timedelta(seconds=min(settings.refresh_token_s, settings.session_s))
