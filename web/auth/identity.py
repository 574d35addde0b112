"""Identifies who sent a request, by bearer token or session cookie. What staff may do, `web/staff` knows."""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar, cast
from wsgiref.types import WSGIEnvironment

from flask import request
from werkzeug.sansio.http import parse_cookie

from config import Settings
from tasks.staff.api_keys import BEGINNING
from web.auth import security_log
from web.auth.cookies import cookie_name
from web.auth.tokens import ACCESS, Identity, Tokens, Verified
from web.http.errors import Forbidden, Unauthenticated
from web.http.request_id import ShopRequest
from web.http.services import services

ACCESS_COOKIE: Final = "fs_access"
REFRESH_COOKIE: Final = "fs_refresh"
ACCESS_CSRF_COOKIE: Final = "fs_csrf"
REFRESH_CSRF_COOKIE: Final = "fs_refresh_csrf"
ROLE_COOKIE: Final = "fs_role"  # of admins alone, and for their pages' scripts
CSRF_HEADER: Final = "X-CSRF-TOKEN"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CSRF_SHOWN: Final = "HTTP_X_CSRF_TOKEN"
_MAX_AUTHORIZATION: Final = 4200  # characters
_KEY_SHOWN: Final = f"bearer {BEGINNING}"

P = ParamSpec("P")
R = TypeVar("R")


class CsrfFailed(Forbidden):
    """A cookie came without its CSRF token where something would change."""

    def __init__(self, verified: Verified) -> None:
        super().__init__(f"A request by cookie needs its CSRF token in {CSRF_HEADER}.", code="csrf_failed")
        self.account = verified.identity.user_id


def current_identity() -> Identity:
    """The user who sent the request. Reads and verifies the token once a request.

    Raises:
        Unauthenticated: nobody, or somebody with a bad token.
        Forbidden: a cookie without its CSRF token where something would change.
    """
    asked = cast(ShopRequest, request._get_current_object())  # type: ignore[attr-defined]
    if asked.identity is None:
        asked.identity = _read_key(asked) if shows_key(asked.environ) else read_token(ACCESS).identity
    return asked.identity


def _read_key(asked: ShopRequest) -> Identity:
    """Tell whose key it is; a bad one counts against its network, as a bad refresh token does."""
    try:
        return services().keys.identify(bearer_of(asked.environ["HTTP_AUTHORIZATION"]))
    except Unauthenticated:
        services().limits.hit_address("refresh")
        raise


def shows_key(environ: WSGIEnvironment) -> bool:
    """Whether a request comes with a program's key, good or not."""
    shown: str = environ.get("HTTP_AUTHORIZATION", "")
    return shown[: len(_KEY_SHOWN)].lower() == _KEY_SHOWN


def current_person() -> Identity:
    """The person who sent the request; a program's key is none.

    Raises:
        Unauthenticated, Forbidden: as `current_identity`; or it is a key.
    """
    identity = current_identity()
    refuse_key(identity)
    return identity


def refuse_key(identity: Identity) -> None:
    """Keep programs' keys out of what only people do: buying, and their own accounts.

    Raises:
        Forbidden: `not_for_keys`.
    """
    if identity.is_key:
        raise Forbidden("This is for people who log in, and not for a program's key.", code="not_for_keys")


def identity_if_any() -> Identity | None:
    """The user who sent the request, or None. A bad token is still an error, except a stale cookie's."""
    if "HTTP_AUTHORIZATION" in request.environ:
        return current_person()
    if cookie_name(ACCESS_COOKIE, services().settings) not in request.cookies:
        return None
    try:
        return current_identity()
    except Unauthenticated:
        return None


def read_token(kind: str) -> Verified:
    """Find and verify the request's token of a kind; the bearer header goes before the cookie.

    Raises:
        Unauthenticated: there is none, or it is no good.
        Forbidden: a cookie without its CSRF token where something would change.
    """
    try:
        return find_token(request.environ, kind, services().tokens, services().settings)
    except CsrfFailed as failed:
        security_log.csrf_refused(failed.account)
        raise


def find_token(environ: WSGIEnvironment, kind: str, tokens: Tokens, settings: Settings) -> Verified:
    """Do what `read_token` does, outside of Flask too; logs nothing.

    Raises:
        Unauthenticated: there is none, or it is no good.
        CsrfFailed: a cookie without its CSRF token where something would change.
    """
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is not None:
        return tokens.verify(bearer_of(authorization), kind)
    plain = ACCESS_COOKIE if kind == ACCESS else REFRESH_COOKIE
    token = parse_cookie(environ.get("HTTP_COOKIE")).get(cookie_name(plain, settings))
    if not token:
        raise Unauthenticated
    verified = tokens.verify(token, kind)
    if environ["REQUEST_METHOD"] not in _SAFE_METHODS:
        _check_csrf(verified, environ.get(_CSRF_SHOWN, ""))
    return verified


def read_bearer(kind: str) -> Verified:
    """Find and verify a bearer token, and look at no cookie.

    Raises:
        Unauthenticated: there is none, or it is no good.
    """
    authorization = request.environ.get("HTTP_AUTHORIZATION")
    if authorization is None:
        raise Unauthenticated
    return services().tokens.verify(bearer_of(authorization), kind)


def bearer_of(authorization: str) -> str:
    """Read the token of an `Authorization` header.

    Raises:
        Unauthenticated: it is of another scheme, or too long.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(authorization) > _MAX_AUTHORIZATION:
        raise Unauthenticated("Send the token as «Authorization: Bearer …».")
    return token.strip()


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Let only people in who are signed in, within the API's limit for an account."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        services().limits.api.hit(current_person().user_id)
        return view(*args, **kwargs)

    return document(guarded)


def document(view: Callable[P, R], **extensions: str) -> Callable[P, R]:
    """Have the OpenAPI document say how a view knows who asks."""
    documentation = view.__dict__.setdefault("_apidoc", {})
    manual = documentation.setdefault("manual_doc", {})
    manual.update(security=[{"bearer": []}, {"session": [], "csrf": []}], **extensions)
    return view


def _check_csrf(verified: Verified, shown: str) -> None:
    """Double submit: only a script of our own origin can copy the cookie into the header."""
    if verified.csrf is None or not hmac.compare_digest(verified.csrf.encode(), shown.encode()):
        raise CsrfFailed(verified)
