"""`/session`: the same log-in kept in HttpOnly cookies, for our own pages. No answer holds a token."""

import time
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from web.api.schemas.accounts import LoginSchema, UserSchema
from web.auth import accounts
from web.auth.cookies import cookie_name
from web.auth.devices import DEVICE_COOKIE, set_device_cookie
from web.auth.identity import read_token
from web.auth.issue import SESSION_PATH, clear_session_cookies, set_role_cookie, set_session_cookies
from web.auth.logging_in import log_in, read_within_limits
from web.auth.tokens import ACCESS, REFRESH
from web.http.errors import Unauthenticated
from web.http.openapi import read_json
from web.http.services import services

blueprint = Blueprint("session", __name__, url_prefix=SESSION_PATH)

_LOGIN: Final = LoginSchema()
_USER: Final = UserSchema()


@blueprint.post("")
def begin() -> Response:
    """Sign in by e-mail and password."""
    asked: Any = _LOGIN.load(read_json())
    parts = services()
    device = request.cookies.get(cookie_name(DEVICE_COOKIE, parts.settings))
    response = _signed_in(log_in(parts, **asked, device=device))
    noted = parts.devices.note(device, asked["email"])
    set_device_cookie(response, noted, parts.settings, path=SESSION_PATH)
    return response


@blueprint.post("/refresh")
def renew() -> Response:
    """Renew both cookies by the refresh cookie and its CSRF token; give the word that prolongs sockets."""
    parts = services()
    shown = read_within_limits(parts, lambda: read_token(REFRESH))
    done = accounts.refresh(parts, shown)
    until = int(time.time()) + done.pair.expires_in
    return _signed_in(done, socket_renewal=parts.tokens.write_renewal(shown.identity.family, until))


@blueprint.delete("")
def end() -> Response:
    """Sign out. Someone who is not signed in any more only loses the cookies."""
    response = Response(status=204)
    try:
        accounts.sign_out(services(), read_token(ACCESS).identity.family)
    except Unauthenticated:
        _end_by_refresh_cookie()
    clear_session_cookies(response, services().settings)
    return response


@blueprint.delete("/everywhere")
def end_everywhere() -> Response:
    """Sign out on every device, this one too."""
    accounts.sign_out_everywhere(services(), read_token(ACCESS).identity.user_id)
    response = Response(status=204)
    clear_session_cookies(response, services().settings)
    return response


def _end_by_refresh_cookie() -> None:
    """The access cookie may be gone while the refresh cookie still lives: its family ends as well."""
    try:
        accounts.sign_out(services(), read_token(REFRESH).identity.family)
    except Unauthenticated:
        return


def _signed_in(done: accounts.LogIn, **more: str) -> Response:
    response = jsonify({"user": _USER.dump(done.user), **more})
    set_session_cookies(response, done.pair)
    set_role_cookie(response, done.user.role, services().settings, max_age_s=done.pair.refresh_expires_in)
    return response
