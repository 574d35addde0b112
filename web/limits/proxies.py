"""Says how much proxies' headers about a client are believed, and logs when that setting cannot be right."""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import structlog
from flask import Flask

from web.limits.addresses import behind_proxies, read_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

_FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"
_SIGNS: Final = {_FORWARDED_FOR, "HTTP_FORWARDED", "HTTP_X_REAL_IP"}  # by which a proxy speaks of a client


def register(app: Flask, trusted: int) -> None:
    """Believe as many proxies as are trusted, and log it once when there are others."""
    if trusted:
        app.wsgi_app = behind_proxies(app.wsgi_app, trusted)  # type: ignore[method-assign]
    app.wsgi_app = _noticing(app.wsgi_app, trusted)  # type: ignore[method-assign,assignment]


def _noticing(inner: "WSGIApplication", trusted: int) -> "WSGIApplication":
    is_told = False

    def noticing(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        nonlocal is_told
        if not is_told and _is_not_believed(environ, trusted):
            is_told = True
            log.error("proxy_not_trusted", trusted=trusted, peer=environ.get("REMOTE_ADDR", ""))
        return inner(environ, start_response)

    return noticing


def _is_not_believed(environ: "WSGIEnvironment", trusted: int) -> bool:
    """Whether a proxy names a client and is not believed: all shoppers behind it are then one address.

    Only a peer nearby is taken for a proxy, since anybody far away may write such headers.
    """
    if environ.keys().isdisjoint(_SIGNS) or not _is_nearby(environ.get("REMOTE_ADDR", "")):
        return False
    told = len([one for one in environ.get(_FORWARDED_FOR, "").split(",") if one.strip()])
    return trusted == 0 or told < trusted


def _is_nearby(address: str) -> bool:
    known = read_address(address)
    return (
        known is None or not ipaddress.ip_address(known).is_global
    )  # a Unix socket has none; loopback is not
