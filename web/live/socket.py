"""Owns `/ws`: who may upgrade, and the handing over of the upgraded connection to the hub.

flask-sock routes and simple-websocket answers the handshake. Then the descriptor is taken out of gunicorn's
hands and the request ends: a waiting socket has no greenlet, no request and no parser of HTTP.
"""

import re
import socket
from typing import Any, Final, cast
from urllib.parse import urlsplit

import gevent.monkey
from flask import Blueprint, current_app, request
from flask_sock import Sock

from web.auth.identity import ACCESS_COOKIE
from web.auth.tokens import ACCESS, Verified
from web.errors import Problem, Unauthenticated
from web.live.hub import Hub
from web.services import services

EXTENSION: Final = "hub"

_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==", re.ASCII).fullmatch
_JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII).search
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

blueprint = Blueprint("live", __name__)
_sock = Sock()


class _NoThread:
    """simple-websocket reads in a thread of its own; here the hub reads."""

    name = ""

    def __init__(self, target: Any) -> None:
        """There is nothing to run."""

    def start(self) -> None:
        """Nor to start."""


class _NoEvent:
    """Nobody waits for what such a thread would read."""

    def set(self) -> None:
        """Nobody is told."""


HANDSHAKE_ONLY: Final = {"thread_class": _NoThread, "event_class": _NoEvent}


@blueprint.before_request
def refuse_unfit() -> None:
    """Refuse before the upgrade: afterwards no status can be told any more.

    Raises:
        Problem: with the reason.
    """
    _refuse_token_in_url()
    _refuse_foreign_origin()
    _refuse_other_protocols()
    if not _hub().has_room:
        raise Problem(503, "no_room", "No more sockets here at the moment; try again.")


@_sock.route("/ws", bp=blueprint)  # type: ignore[untyped-decorator]  # flask-sock has no types
def ws(handshaken: Any) -> None:
    """Hand the connection over."""
    verified = getattr(request, "socket_identity", None)
    handshaken.connected = False  # for flask-sock it ends here: it neither reads nor closes it
    descriptor = handshaken.sock.detach()
    plain = gevent.monkey.get_original("socket", "socket")
    _hub().let_in(cast(socket.socket, plain(fileno=descriptor)), verified)


def _hub() -> Hub:
    return cast(Hub, current_app.extensions[EXTENSION])


def _refuse_token_in_url() -> None:
    """URLs are written into logs and histories."""
    named = any("token" in name.lower() or name.lower() in {"jwt", "auth"} for name in request.args)
    if named or _JWT(request.query_string.decode("latin-1")):
        raise Problem(400, "token_in_url", "A token never travels in a URL; send it in an `auth` message.")


def _refuse_foreign_origin() -> None:
    """Browsers say whose page asks; only ours may use the cookie, and others get nothing at all."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    allowed = services().settings.allowed_origins
    if origin.rstrip("/") not in allowed and not _is_own(origin):
        raise Problem(403, "bad_origin", "Pages of this origin may not connect.")
    request.socket_identity = _identity_by_cookie()  # type: ignore[attr-defined]  # for this request's view


def _is_own(origin: str) -> bool:
    try:
        theirs = urlsplit(origin)
        own = urlsplit(f"{request.scheme}://{request.host}")
        return (
            theirs.scheme in {"http", "https"}
            and not theirs.path.strip("/")
            and theirs.hostname == own.hostname
            and (theirs.port or _DEFAULT_PORTS[theirs.scheme]) == (own.port or _DEFAULT_PORTS[theirs.scheme])
        )
    except ValueError:
        return False


def _identity_by_cookie() -> Verified | None:
    """Who a cookie says it is; a stale one says nothing."""
    token = request.cookies.get(ACCESS_COOKIE)
    if not token:
        return None
    try:
        return services().tokens.verify(token, ACCESS)
    except Unauthenticated:
        return None


def _refuse_other_protocols() -> None:
    """Accept what RFC 6455 (section 4.2.1) asks for, and offer no extension: compression costs memory."""
    environ = request.environ
    is_upgrade = "upgrade" in request.headers.get("Connection", "").lower()
    if request.headers.get("Sec-WebSocket-Version") != "13":
        raise Problem(
            426, "upgrade_required", "Speak WebSocket, version 13.", headers={"Sec-WebSocket-Version": "13"}
        )
    if not is_upgrade or not _KEY(request.headers.get("Sec-WebSocket-Key", "")):
        raise Problem(400, "bad_handshake", "That is no WebSocket handshake.")
    if "gunicorn.socket" not in environ or not gevent.monkey.is_module_patched("socket"):
        raise Problem(503, "no_sockets", "This server does not serve sockets; run it as the Procfile does.")
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
