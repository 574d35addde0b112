"""Tells operators from others: by their token, or by the port they ask at.

Where neither is set, development answers everybody; production answers only requests from the machine
itself, and none through a proxy, since what a proxy passes on is from anywhere.
"""

import hmac
from typing import Final
from wsgiref.types import WSGIEnvironment

from flask import request

from config import OpsSettings
from web.http.errors import Unauthenticated
from web.limits.networks import is_loopback

_PASSED_ON: Final = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


class Operators:
    """Tells operators from others."""

    def __init__(self, settings: OpsSettings, *, is_production: bool) -> None:
        self._token = settings.token
        self._port = settings.port
        self._is_open = not (settings.is_set or is_production)
        self._is_local = not settings.is_set

    def ask_now(self) -> bool:
        """Whether an operator sent the present request."""
        environ = request.environ
        return (
            self._is_open
            or (bool(self._token) and self._shows_token(environ))
            or (self._port > 0 and _port_of(environ) == self._port)
            or (self._is_local and _is_from_here(environ))
        )

    def require(self) -> None:
        """Let only operators go on.

        Raises:
            Unauthenticated: the present request is somebody else's.
        """
        if not self.ask_now():
            raise Unauthenticated("This is for operators: show OPS_TOKEN as bearer, or ask at OPS_PORT.")

    def _shows_token(self, environ: WSGIEnvironment) -> bool:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        shown = token.strip().encode("latin-1", errors="replace")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown, self._token.encode())


def _port_of(environ: WSGIEnvironment) -> int:
    """The port of the connection itself: a header may say anything."""
    connection = environ.get("gunicorn.socket")
    name = connection.getsockname() if connection is not None else ""
    return int(name[1]) if isinstance(name, tuple) else 0


def _is_from_here(environ: WSGIEnvironment) -> bool:
    return is_loopback(environ.get("REMOTE_ADDR", "")) and not any(name in environ for name in _PASSED_ON)
