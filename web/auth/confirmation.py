"""Asks again for what shows that it is really the account's owner: the password, or a code."""

from collections.abc import Callable
from typing import Any, TypeVar

from models.errors import BadCredentials, NoSecondFactor, SecondFactorRequired
from models.queries.accounts import is_confirmed
from models.tables.accounts import User
from tasks.accounts import confirming
from web.auth import security_log
from web.auth.accounts import find_user, require_password
from web.auth.logging_in import caller_of
from web.auth.tokens import Identity
from web.http.errors import TooManyRequests
from web.http.services import Services

T = TypeVar("T")


def confirm(parts: Services, identity: Identity, *, password: str | None, code: str | None) -> None:
    """Note that a log-in was confirmed now: by a code where the account has a second factor.

    Raises:
        TooManyRequests: too many were wrong.
        Busy: too many passwords are looked at in this moment.
        BadCredentials: the password is wrong.
        BadCode: the code is.
        SecondFactorRequired: the account has a second factor, so that its password does not count.
        NoSecondFactor: it has none, so that there are no codes.
    """
    user = find_user(parts, identity.user_id)
    has_factor = user.totp_confirmed_at is not None
    if code is not None and not has_factor:
        raise NoSecondFactor("The password is what counts.")
    if code is None and has_factor:
        raise SecondFactorRequired("A code of the second factor is what counts.")
    if code is not None:
        judged(parts, user, lambda: confirming.confirm_by_code(parts.context, user.id, identity.family, code))
    else:
        judged(parts, user, lambda: _check_password(parts, user, password or ""))
        confirming.confirm_by_password(parts.context, identity.family)


def standing(parts: Services, identity: Identity) -> dict[str, Any]:
    """Tell whether a log-in was confirmed lately, and whether a code or the password confirms it."""
    by = "password" if find_user(parts, identity.user_id).totp_confirmed_at is None else "code"
    with parts.database.transaction() as session:
        return {"confirmed": is_confirmed(session, identity.family, parts.settings.confirm_s), "by": by}


def judged(parts: Services, user: User, check: Callable[[], T]) -> T:
    """Check what somebody shows who is logged in, as often as passwords may be tried.

    Raises:
        TooManyRequests: too many were wrong.
        Exception: what `check` raises.
    """
    try:
        return parts.guard.judge(caller_of(parts, user.email), check)
    except (BadCredentials, TooManyRequests) as error:
        security_log.confirmation_failed(
            user.id, "too_many_tries" if isinstance(error, TooManyRequests) else "wrong"
        )
        raise


def _check_password(parts: Services, user: User, password: str) -> None:
    with parts.passwords.turn():
        require_password(parts, user, password)
