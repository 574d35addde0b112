"""Signs up, signs in, refreshes and signs out accounts. Of HTTP it knows only the form of the tokens."""

import uuid
from dataclasses import dataclass
from typing import Final

from flask import request
from marshmallow import ValidationError

from models.errors import BadCode, BadCredentials, Banned, EmailTaken, TermsNotAccepted, TokenReused
from models.queries.accounts import credentials_of, find_log_in, user_of_email
from models.queries.accounts import find_user as read_user
from models.tables.accounts import User
from tasks.accounts.log_ins import Account, Place, Renewal, begin_log_in, end_log_in, end_log_ins
from tasks.accounts.registration import add_shopper
from tasks.mail.writing import one_line
from web.auth import security_log
from web.auth.issue import TokenPair, issue_pair
from web.auth.tokens import Verified
from web.http.errors import Unauthenticated
from web.http.services import Services

MOST_OF_AN_AGENT: Final = 200  # characters of what a client says that it is


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody who just signed in, and the tokens for it."""

    user: User | Account
    pair: TokenPair


def sign_up(
    parts: Services, *, email: str, password: str, name: str, accept_terms: bool, **settings: str | None
) -> User:
    """Make a shopper's account; `settings` are its language and time zone.

    Raises:
        TermsNotAccepted: the shop has terms.
        Busy: too many sign up or in at this moment.
        ValidationError: the password would be found by trying.
        EmailTaken: where the shop sends no mail, by which it would tell that account and nobody else.
    """
    version = parts.settings.legal.terms_version
    if version and not accept_terms:
        raise TermsNotAccepted("The terms have to be accepted.")
    with parts.passwords.turn():
        if parts.settings.mail is None:
            _refuse_taken(parts, email)
        require_strong(parts, password, email, name)
        hashed = parts.passwords.hash(password)
        return add_shopper(
            parts.context,
            email=email,
            password_hash=hashed,
            name=name,
            accepted_terms=version or None,
            **settings,
        )


def require_strong(parts: Services, password: str, *own: str) -> None:
    """Refuse a password that would be found by trying; `own` is what is known of whose it is. In a turn.

    Raises:
        ValidationError: with the reason, at its field.
    """
    if reason := parts.passwords.why_weak(password, *own):
        raise ValidationError(reason, "password")


def sign_in(parts: Services, *, email: str, password: str, code: str | None = None) -> LogIn:
    """Check credentials and begin a family of tokens. An unknown e-mail takes as long as a wrong password.

    Raises:
        Busy: too many sign in at this moment.
        BadCredentials: they do not belong together.
        Banned: they do, and the account is banned.
        SecondFactorRequired: they do, and there is no code of the account's second factor.
        BadCode: they do, and the code is wrong or was used before.
    """
    with parts.passwords.turn():
        return _check(parts, email, password, code)


def refresh(parts: Services, shown: Verified) -> LogIn:
    """Spend a refresh token for a new pair. Two who show the same one cannot both win.

    However often it is refreshed, a log-in ends at a set time after it began.

    Raises:
        TokenReused: it was spent before; the whole family is revoked now.
        Unauthenticated: the family is revoked or expired, or its log-in has come to its end.
    """
    family, jti = shown.identity.family, uuid.uuid4()
    renewed = parts.renewals.ask(None, Renewal(family, shown.jti, jti))
    if renewed is None:
        raise _refusal(parts, shown)
    user = renewed.user
    pair = _pair_of(user, family, jti, left_s=renewed.left_s)
    return LogIn(user, pair)


def sign_out(parts: Services, family: uuid.UUID) -> None:
    """Revoke a family: here at once, in other processes as soon as they look."""
    end_log_in(parts.context, family)
    parts.revoked.add(family)


def sign_out_everywhere(parts: Services, user_id: uuid.UUID) -> None:
    """Revoke every family of an account: here at once, in other processes as soon as they look."""
    parts.revoked.add(*end_log_ins(parts.context, user_id))


def require_password(parts: Services, user: User, password: str) -> None:
    """Check the present password of somebody who is logged in. In a turn.

    Raises:
        BadCredentials: it is another.
    """
    if not parts.passwords.verify(user.password_hash, password):
        raise BadCredentials(user.email)


def find_user(parts: Services, user_id: uuid.UUID) -> User:
    """Read an account.

    Raises:
        Unauthenticated: it is gone, so that no token of its counts.
    """
    with parts.database.transaction() as session:
        user = read_user(session, user_id)
    if user is None:
        raise Unauthenticated("The account is gone.")
    return user


def _refuse_taken(parts: Services, email: str) -> None:
    with parts.database.transaction() as session:
        if user_of_email(session, email) is not None:
            raise EmailTaken(email)


def _check(parts: Services, email: str, password: str, code: str | None) -> LogIn:
    with parts.database.transaction() as session:
        user = credentials_of(session, email)
    stored = user.password_hash if user is not None else None
    key = parts.settings.secret_key
    if not parts.passwords.verify(stored, password) or user is None or stored is None:
        security_log.log_in_failed(user.id if user else None, email, key, "bad_credentials")
        raise BadCredentials(email)
    renewed = parts.passwords.hash(password) if parts.passwords.is_outdated(stored) else None
    try:
        done = _begin_family(parts, user, stored, renewed, code)
    except (Banned, BadCode) as error:
        reason = "banned" if isinstance(error, Banned) else "bad_code"
        security_log.log_in_failed(user.id, email, key, reason)
        raise
    security_log.logged_in(user.id)
    return done


def _begin_family(parts: Services, user: User, stored: str, renewed: str | None, code: str | None) -> LogIn:
    family, jti = uuid.uuid4(), uuid.uuid4()
    now = begin_log_in(
        parts.context, user, family, jti, stored_hash=stored, renewed_hash=renewed, code=code, place=_place()
    )
    return LogIn(now, _pair_of(now, family, jti))


def _place() -> Place:
    agent = one_line(request.headers.get("User-Agent", ""))[:MOST_OF_AN_AGENT]
    return Place(agent, security_log.network())


def _pair_of(user: User | Account, family: uuid.UUID, jti: uuid.UUID, left_s: int | None = None) -> TokenPair:
    return issue_pair(
        user.id,
        user.role,
        family,
        jti,
        staff_role=user.staff_role,
        is_verified=user.email_verified,
        left_s=left_s,
    )


def _refusal(parts: Services, shown: Verified) -> Exception:
    """Tell why a refresh token was not taken; a spent one costs its whole family."""
    with parts.database.transaction() as session:
        stored = find_log_in(session, shown.identity.family)
    if stored is None or stored.revoked_at is not None or stored.newest_jti == shown.jti:
        return Unauthenticated("The token was revoked or has expired.")
    sign_out(parts, shown.identity.family)
    security_log.refresh_token_reused(stored.user_id)
    return TokenReused(str(shown.identity.family))
