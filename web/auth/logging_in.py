"""Logs in and refreshes within the rate limits: the one way for API clients and pages."""

from collections.abc import Callable

from flask import request

from web.auth import accounts, security_log
from web.auth.accounts import LogIn
from web.auth.guard import Caller
from web.auth.tokens import Verified
from web.http.errors import TooManyRequests, Unauthenticated
from web.http.services import Services
from web.limits.addresses import networks_of


def log_in(parts: Services, *, email: str, password: str, device: str | None = None) -> LogIn:
    """Check credentials and begin a family of tokens; `device` is the browser's cookie, if there is one.

    Raises:
        Busy: too many log in at this moment.
        TooManyRequests: too many were wrong.
        BadCredentials: they do not belong together.
        Banned: they do, and the account is banned.
    """
    parts.passwords.require_room()
    address = request.remote_addr or ""
    caller = Caller(
        email=email,
        networks=networks_of(address),
        device=parts.devices.find(device, email),
        is_spared=parts.limits.spares(address),
    )
    try:
        return parts.guard.judge(caller, lambda: accounts.sign_in(parts, email=email, password=password))
    except TooManyRequests:
        security_log.log_in_failed(None, email, parts.settings.secret_key, "too_many_tries")
        raise


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
