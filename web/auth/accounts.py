"""Owns what accounts do: sign up, sign in, stay signed in, sign out. Knows no HTTP but the tokens' form."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from models.errors import BadCredentials, Banned, EmailTaken, TokenReused
from models.tables.accounts import TokenFamily, User
from web.auth import security_log
from web.auth.issue import TokenPair, issue_pair
from web.auth.tokens import Verified
from web.http.errors import Unauthenticated
from web.http.services import Services


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody who just signed in, and the tokens for it."""

    user: User
    pair: TokenPair


def sign_up(parts: Services, *, email: str, password: str, name: str) -> User:
    """Make a shopper's account.

    Raises:
        EmailTaken: also when the other account was made a moment ago.
    """
    with parts.database.transaction() as session:
        if session.scalar(select(User.id).where(func.lower(User.email) == email)) is not None:
            raise EmailTaken(email)
    hashed = parts.passwords.hash(password)
    row = insert(User).values(email=email, password_hash=hashed, name=name)
    with parts.database.transaction() as session:
        user: User | None = session.scalar(row.on_conflict_do_nothing().returning(User))
    if user is None:
        raise EmailTaken(email)
    return user


def sign_in(parts: Services, *, email: str, password: str) -> LogIn:
    """Check credentials and begin a family of tokens. An unknown e-mail takes as long as a wrong password.

    Raises:
        BadCredentials: they do not belong together.
        Banned: they do, and the account is banned.
    """
    with parts.database.transaction() as session:
        user = session.scalar(select(User).where(func.lower(User.email) == email))
    stored = user.password_hash if user is not None else None
    key = parts.settings.secret_key
    if not parts.passwords.verify(stored, password) or user is None or stored is None:
        security_log.log_in_failed(user.id if user else None, email, key, "bad_credentials")
        raise BadCredentials(email)
    renewed = parts.passwords.hash(password) if parts.passwords.is_outdated(stored) else None
    try:
        pair = _begin_family(parts, user, stored, renewed)
    except Banned:
        security_log.log_in_failed(user.id, email, key, "banned")
        raise
    security_log.logged_in(user.id)
    return LogIn(user, pair)


def refresh(parts: Services, shown: Verified) -> LogIn:
    """Spend a refresh token for a new pair. Two who show the same one cannot both win.

    However often it is refreshed, a log-in ends at a set time after it began.

    Raises:
        TokenReused: it was spent before; the whole family is revoked now.
        Unauthenticated: the family is revoked or expired, or its log-in has come to its end.
    """
    family, jti = shown.identity.family, uuid.uuid4()
    ends_at = TokenFamily.created_at + timedelta(seconds=parts.settings.session_s)
    spend = (
        update(TokenFamily)
        .where(TokenFamily.id == family, TokenFamily.newest_jti == shown.jti)
        .where(TokenFamily.revoked_at.is_(None), TokenFamily.expires_at > func.now(), ends_at > func.now())
        .values(newest_jti=jti, expires_at=func.least(_expiry(parts), ends_at))
        .returning(TokenFamily.user_id, func.ceil(func.extract("epoch", ends_at - func.now())))
    )
    with parts.database.transaction() as session:
        spent = session.execute(spend).one_or_none()
        user = session.get(User, spent[0]) if spent is not None else None
    if spent is None or user is None:
        raise _refusal(parts, shown)
    return LogIn(user, issue_pair(user.id, user.role, family, jti, left_s=int(spent[1])))


def sign_out(parts: Services, family: uuid.UUID) -> None:
    """Revoke a family: here at once, in other processes as soon as they look."""
    with parts.database.transaction() as session:
        session.execute(
            update(TokenFamily)
            .where(TokenFamily.id == family, TokenFamily.revoked_at.is_(None))
            .values(revoked_at=func.now())
        )
    parts.revoked.add(family)


def sign_out_everywhere(parts: Services, user_id: uuid.UUID) -> None:
    """Revoke every family of an account: here at once, in other processes as soon as they look."""
    revoke = (
        update(TokenFamily)
        .where(TokenFamily.user_id == user_id, TokenFamily.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(TokenFamily.id)
    )
    with parts.database.transaction() as session:
        families = session.scalars(revoke).all()
    for family in families:
        parts.revoked.add(family)


def find_user(parts: Services, user_id: uuid.UUID) -> User:
    """Read an account.

    Raises:
        Unauthenticated: it is gone, so that no token of its counts.
    """
    with parts.database.transaction() as session:
        user = session.get(User, user_id)
    if user is None:
        raise Unauthenticated("The account is gone.")
    return user


def _begin_family(parts: Services, user: User, stored: str, renewed: str | None) -> TokenPair:
    family, jti = uuid.uuid4(), uuid.uuid4()
    with parts.database.transaction() as session:
        # The row is kept as it is until the family stands: a ban comes before it, or ends it.
        is_banned = select(User.banned_at.is_not(None)).where(User.id == user.id).with_for_update(read=True)
        if session.scalar(is_banned):
            raise Banned("The account is banned.")
        session.add(TokenFamily(id=family, user_id=user.id, newest_jti=jti, expires_at=_expiry(parts)))
        if renewed is not None:
            same = (User.id == user.id, User.password_hash == stored)
            session.execute(update(User).where(*same).values(password_hash=renewed))
    return issue_pair(user.id, user.role, family, jti)


def _refusal(parts: Services, shown: Verified) -> Exception:
    """Tell why a refresh token was not taken; a spent one costs its whole family."""
    with parts.database.transaction() as session:
        stored = session.get(TokenFamily, shown.identity.family)
    if stored is None or stored.revoked_at is not None or stored.newest_jti == shown.jti:
        return Unauthenticated("The token was revoked or has expired.")
    sign_out(parts, shown.identity.family)
    security_log.refresh_token_reused(stored.user_id)
    return TokenReused(str(shown.identity.family))


def _expiry(parts: Services) -> object:
    settings = parts.settings
    return func.now() + timedelta(seconds=min(settings.refresh_token_s, settings.session_s))
