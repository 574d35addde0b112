"""Logs in and refreshes within the rate limits: the one way for API clients and pages."""

from collections.abc import Callable

from flask import request

from web.auth import accounts, security_log
from web.auth.accounts import LogIn
from web.auth.log_in_guard import Caller
from web.auth.tokens import Verified
from web.http.errors import TooManyRequests, Unauthenticated
from web.http.services import Services
from web.limits.networks import networks_of


def log_in(
    parts: Services, *, email: str, password: str, code: str | None = None, device: str | None = None
) -> LogIn:
    """Check credentials and begin a family of tokens; `device` is the browser's cookie, if there is one.

    Raises:
        Busy: too many log in at this moment.
        TooManyRequests: too many were wrong.
        BadCredentials: they do not belong together.
        Banned: they do, and the account is banned.
        SecondFactorRequired: they do, and there is no code of the account's second factor.
        BadCode: they do, and the code is wrong or was used before.
    """
    parts.passwords.require_room()

    def check() -> LogIn:
        return accounts.sign_in(parts, email=email, password=password, code=code)

    try:
        return parts.guard.judge(caller_of(parts, email, device), check)
    except TooManyRequests:
        security_log.log_in_failed(None, email, parts.settings.secret_key, "too_many_tries")
        raise


def caller_of(parts: Services, email: str, device: str | None = None) -> Caller:
    """Describe who sent the request, as the guard of passwords and codes knows it."""
    address = request.remote_addr or ""
    return Caller(
        email=email,
        networks=networks_of(address),
        device=parts.devices.find(device, email),
        is_spared=parts.limits.spares(address),
    )


def read_within_limits(parts: Services, read: Callable[[], Verified]) -> Verified:
    """Read a refresh token: a good one counts for its account, a bad one for its network.

    So a network of many who are logged in can keep them all so.

    Raises:
        TooManyRequests: too many were shown.
        Unauthenticated: it is no good.
    """
    try:
        shown = read()
    except Unauthenticated:
        parts.limits.hit_address("refresh")
        raise
    parts.limits.hit_account("refresh", str(shown.identity.user_id))
    return shown
