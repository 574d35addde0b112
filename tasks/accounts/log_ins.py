"""Begins, renews and ends log-ins. A log-in is a family of refresh tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, text, update
from sqlalchemy.orm import Session

from config import Settings
from models.errors import BadCredentials, Banned, NotFound, SecondFactorRequired
from models.tables.accounts import TokenFamily, User
from tasks.accounts.codes import take_code
from tasks.accounts.sealing import Seal
from tasks.context import Context
from tasks.intake.gathering import Gathering

MOST_AT_ONCE: Final = 100

_RENEW: Final = text("""
    UPDATE token_families f
    SET newest_jti = shown.newest, last_used_at = now(),
        expires_at = least(now() + make_interval(secs => :refresh_s),
                           f.created_at + make_interval(secs => :session_s))
    FROM unnest(CAST(:families AS uuid[]), CAST(:shown AS uuid[]), CAST(:newest AS uuid[]))
             AS shown (family, jti, newest),
         users u
    WHERE f.id = shown.family AND f.newest_jti = shown.jti AND u.id = f.user_id
        AND f.revoked_at IS NULL AND f.expires_at > now()
        AND f.created_at + make_interval(secs => :session_s) > now()
    RETURNING f.newest_jti, u.id, u.email, u.name, u.role, u.staff_role,
              u.email_verified_at IS NOT NULL AS email_verified, u.language, u.time_zone,
              ceil(extract(epoch FROM f.created_at + make_interval(secs => :session_s) - now())) AS left_s
""")


class Renewal(NamedTuple):
    """What a refresh token that is shown asks for: a new one in its place."""

    family: UUID
    shown: UUID
    newest: UUID


class Place(NamedTuple):
    """From where somebody logs in, as they are shown it later."""

    user_agent: str = ""
    network: str = ""


class Account(NamedTuple):
    """Whose log-in it is, as they are told."""

    id: UUID
    email: str
    name: str
    role: str
    staff_role: str | None
    email_verified: bool
    language: str | None
    time_zone: str | None


class Renewed(NamedTuple):
    """Who goes on being logged in, and for how many seconds at most."""

    user: Account
    left_s: int


def begin_log_in(
    context: Context,
    user: User,
    family: UUID,
    jti: UUID,
    *,
    stored_hash: str,
    renewed_hash: str | None,
    code: str | None = None,
    place: Place | None = None,
) -> User:
    """Begin a family with its first token; returns the account as it is now, whose role the token names.

    `renewed_hash` takes the place of the hash that was checked.

    Raises:
        BadCredentials: the password is another one by now, or the account is to be erased.
        Banned: the account is banned by now.
        SecondFactorRequired: the account has a second factor, and there is no code.
        BadCode: the code is wrong, or was used before.
    """
    with context.database.transaction() as session:
        # The row is kept as it is until the family stands: a ban comes before it, or ends it.
        lock = {"key_share": True} if code else {"read": True}
        now = session.get_one(User, user.id, with_for_update=lock)
        if now.erasure_asked_at is not None:
            raise BadCredentials(user.email)
        if now.banned_at is not None:
            raise Banned("The account is banned.")
        if now.password_changed_at != user.password_changed_at:
            raise BadCredentials("The password was changed meanwhile.")
        expires_at, shown_at = _expiry(context.settings), _show_second_factor(context, session, now, code)
        row = TokenFamily(id=family, user_id=user.id, newest_jti=jti, expires_at=expires_at)
        row.second_factor_at, row.last_used_at = shown_at, func.now()
        row.user_agent, row.network = place or Place()
        session.add(row)
        if renewed_hash is not None:
            same = (User.id == user.id, User.password_hash == stored_hash)
            session.execute(update(User).where(*same).values(password_hash=renewed_hash))
        return now


def renew_log_ins(context: Context, renewals: Sequence[Renewal]) -> list[Renewed | None]:
    """Put each `newest` token in the place of the one that is `shown`, if that is the family's newest now.

    Of two with the same token, one gets nothing, also where both are among these. However often it is
    renewed, a log-in ends at a set time after it began.

    Raises:
        LedgerUnavailable: whether any was renewed is unknown.
    """
    settings = context.settings
    ordered = sorted(renewals)  # as other processes lock them, so that nobody waits in a circle
    values = {
        "families": [one.family for one in ordered],
        "shown": [one.shown for one in ordered],
        "newest": [one.newest for one in ordered],
        "refresh_s": min(settings.refresh_token_s, settings.session_s),
        "session_s": settings.session_s,
    }
    with context.database.connection() as connection:
        rows = connection.execute(_RENEW, values).all()
    renewed = {row.newest_jti: Renewed(Account(*row[1:9]), int(row.left_s)) for row in rows}
    return [renewed.get(one.newest) for one in renewals]


def gather_renewals(context: Context) -> Gathering[None, Renewal, Renewed | None]:
    """Have those who renew their log-ins together do so in one statement and one commit."""
    return Gathering("renewals of log-ins", lambda _, asked: renew_log_ins(context, asked), most=MOST_AT_ONCE)


def end_log_in(context: Context, family: UUID) -> None:
    """Revoke a family; web processes learn of it when they next poll."""
    with context.database.transaction() as session:
        _revoke(session, TokenFamily.id == family)


def end_log_ins(context: Context, user_id: UUID) -> Sequence[UUID]:
    """Revoke every family of an account; returns those that this ended."""
    with context.database.transaction() as session:
        return revoke_log_ins(session, user_id)


def end_own_log_in(context: Context, user_id: UUID, family: UUID) -> None:
    """Revoke one of an account's log-ins.

    Raises:
        NotFound: the account has no such log-in that is good.
    """
    with context.database.transaction() as session:
        if not _revoke(session, (TokenFamily.id == family) & (TokenFamily.user_id == user_id)):
            raise NotFound("No log-in of yours has this id.")


def end_other_log_ins(context: Context, user_id: UUID, family: UUID) -> Sequence[UUID]:
    """Revoke every log-in of an account but one; returns those that this ended."""
    with context.database.transaction() as session:
        return revoke_log_ins(session, user_id, besides=family)


def revoke_log_ins(session: Session, user_id: UUID, *, besides: UUID | None = None) -> Sequence[UUID]:
    """Revoke every family of an account, maybe but one, inside the caller's transaction.

    Returns those that this ended.
    """
    mine = TokenFamily.user_id == user_id
    return _revoke(session, mine if besides is None else mine & (TokenFamily.id != besides))


def _show_second_factor(
    context: Context, session: Session, user: User, code: str | None
) -> ColumnElement[datetime] | None:
    """Ask for a code where the account has a second factor, and use it up; returns when that was."""
    if user.totp_confirmed_at is None:
        return None
    if not code:
        raise SecondFactorRequired("The second factor is asked for as well.")
    take_code(session, Seal(context.settings.secret_keys), user, code)
    return func.now()


def _revoke(session: Session, which: ColumnElement[bool]) -> Sequence[UUID]:
    revoke = update(TokenFamily).where(which, TokenFamily.revoked_at.is_(None)).values(revoked_at=func.now())
    return session.scalars(revoke.returning(TokenFamily.id)).all()


def _expiry(settings: Settings) -> ColumnElement[datetime]:
    return func.now() + timedelta(seconds=min(settings.refresh_token_s, settings.session_s))
