"""Decides who may upgrade to a WebSocket, by the request alone: its form, its origin, its cookie or token.

The request is a WSGI environment, whether gunicorn and Flask have read it or the plain handshake has.
"""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit
from wsgiref.types import WSGIEnvironment

from werkzeug.sansio.http import parse_cookie
from werkzeug.wsgi import get_host

from web.auth.identity import ACCESS_COOKIE, bearer_of
from web.auth.tokens import ACCESS, Tokens, Verified
from web.http.errors import Problem, Unauthenticated

_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==", re.ASCII).fullmatch
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII
).fullmatch
_JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII).search
_STANDING: Final = "standing=1"  # behind the sales: the client wants to be told what it has in them
_SALES_ONLY: Final = re.compile(
    r"(sale=[0-9a-f-]{36}(?:&sale=[0-9a-f-]{36})*)(?:&standing=1)?", re.ASCII
).fullmatch
MAX_SALES: Final = 16  # that an upgrade may name, which is as many messages as a socket may send ahead
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class UpgradePolicy:
    """Checks an upgrade request before the upgrade: afterwards no HTTP status can be sent any more."""

    def __init__(
        self, allowed_origins: tuple[str, ...], tokens: Tokens, *, access_cookie: str = ACCESS_COOKIE
    ) -> None:
        self._allowed_origins = allowed_origins
        self._access_cookie = access_cookie
        self._tokens = tokens

    def judge(self, environ: WSGIEnvironment) -> Verified | None:
        """Check the request; return whose socket it is by its cookie or its bearer token, if anybody's.

        Raises:
            Problem: with the reason why it may not be.
        """
        _refuse_token_in_url(environ)
        if len(sales_named(environ)) > MAX_SALES:
            raise Problem(400, "too_many_subscriptions", f"An upgrade names at most {MAX_SALES} sales.")
        verified = self._refuse_foreign_origin(environ)
        _refuse_other_protocols(environ)
        if "HTTP_AUTHORIZATION" in environ:
            verified = self._tokens.verify(bearer_of(environ["HTTP_AUTHORIZATION"]), ACCESS)
        return verified

    def _refuse_foreign_origin(self, environ: WSGIEnvironment) -> Verified | None:
        """Browsers say whose page asks; only ours may use the cookie, and others get nothing at all."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return None
        if origin.rstrip("/") not in self._allowed_origins and not _is_own(origin, environ):
            raise Problem(403, "bad_origin", "Pages of this origin may not connect.")
        return self._identity_by_cookie(environ)

    def _identity_by_cookie(self, environ: WSGIEnvironment) -> Verified | None:
        """The identity that a cookie proves; None for a stale one."""
        token = parse_cookie(environ.get("HTTP_COOKIE")).get(self._access_cookie)
        if not token:
            return None
        try:
            return self._tokens.verify(token, ACCESS)
        except Unauthenticated:
            return None


def sales_named(environ: WSGIEnvironment) -> list[str]:
    """The ids, if that is what they are, of the sales that the URL asks to watch: `/ws?sale=…&sale=…`."""
    query = environ.get("QUERY_STRING", "")
    if plain := _SALES_ONLY(query):
        return [pair[len("sale=") :] for pair in plain[1].split("&")]
    return [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "sale"]


def asks_standing(environ: WSGIEnvironment) -> bool:
    """Whether the URL asks to be told what the client has in these sales: `/ws?sale=…&standing=1`."""
    query: str = environ.get("QUERY_STRING", "")
    return query == _STANDING or query.endswith(f"&{_STANDING}")


def _refuse_token_in_url(environ: WSGIEnvironment) -> None:
    """URLs are written into logs and histories."""
    query = environ.get("QUERY_STRING", "")
    if not query or _SALES_ONLY(query):
        return
    names = [name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)]
    if any("token" in name or name in {"jwt", "auth"} for name in names) or _JWT(query):
        raise Problem(400, "token_in_url", "A token never travels in a URL; send it in an `auth` message.")


def _is_own(origin: str, environ: WSGIEnvironment) -> bool:
    try:
        theirs = urlsplit(origin)
        own = urlsplit(f"{environ['wsgi.url_scheme']}://{get_host(environ)}")
        return (
            theirs.scheme in {"http", "https"}
            and not theirs.path.strip("/")
            and theirs.hostname is not None
            and theirs.hostname == own.hostname
            and _port(theirs) == _port(own)
        )
    except ValueError:
        return False


def _port(address: SplitResult) -> int | None:
    return address.port or _DEFAULT_PORTS.get(address.scheme)


def _refuse_other_protocols(environ: WSGIEnvironment) -> None:
    """Accept what RFC 6455 (section 4.2.1) asks for."""
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
        raise Problem(
            426, "upgrade_required", "Speak WebSocket, version 13.", headers={"Sec-WebSocket-Version": "13"}
        )
    is_upgrade = "upgrade" in _words(environ, "HTTP_CONNECTION")
    is_websocket = "websocket" in _words(environ, "HTTP_UPGRADE")
    is_named = _HOST(environ.get("HTTP_HOST", "")) is not None
    is_proven = _KEY(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")) is not None
    if not (is_upgrade and is_websocket and is_named and is_proven):
        raise Problem(400, "bad_handshake", "That is no WebSocket handshake.")


def _words(environ: WSGIEnvironment, name: str) -> list[str]:
    """A header that is a list of words."""
    return [word.strip(" \t") for word in environ.get(name, "").lower().split(",")]
