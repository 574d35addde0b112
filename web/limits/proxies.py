"""Says how much proxies' headers about a client are believed, and logs when that setting cannot be right."""

import ipaddress
from collections.abc import Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask

from web.limits.networks import behind_proxies, believing, read_address

log = structlog.get_logger(__name__)

_FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"
_SIGNS: Final = {_FORWARDED_FOR, "HTTP_FORWARDED", "HTTP_X_REAL_IP"}  # by which a proxy speaks of a client


class Proxies:
    """Believes as many proxies as are trusted, and logs it once when there are others."""

    def __init__(self, trusted: int) -> None:
        self._trusted = trusted
        self._is_told = False
        self._believe = believing(trusted)

    def register(self, app: Flask) -> None:
        """Let the app's requests be read so."""
        if self._trusted:
            app.wsgi_app = behind_proxies(app.wsgi_app, self._trusted)  # type: ignore[method-assign]
        app.wsgi_app = self._noticing(app.wsgi_app)  # type: ignore[method-assign,assignment]

    def read(self, environ: WSGIEnvironment) -> None:
        """Read a request so that does not come to the app: writes into it what is believed."""
        self._notice(environ)
        self._believe(environ)

    def _noticing(self, inner: WSGIApplication) -> WSGIApplication:
        def noticing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            self._notice(environ)
            return inner(environ, start_response)

        return noticing

    def _notice(self, environ: WSGIEnvironment) -> None:
        if not self._is_told and _is_not_believed(environ, self._trusted):
            self._is_told = True
            log.error("proxy_not_trusted", trusted=self._trusted, peer=environ.get("REMOTE_ADDR", ""))


def _is_not_believed(environ: WSGIEnvironment, trusted: int) -> bool:
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
