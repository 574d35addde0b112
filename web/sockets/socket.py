"""The route `/ws`: lets flask-sock do the handshake, then hands the connection over to the hub.

flask-sock routes and simple-websocket answers the handshake. Then the descriptor is taken from gunicorn and
the request ends: a waiting socket has no greenlet, no request and no HTTP parser. Most sockets never come
here: their handshake is plain, and `web.sockets.transport.handshake` has answered it.
"""

from typing import Any, Final, cast
from wsgiref.types import WSGIEnvironment

import gevent.monkey
from flask import Blueprint, Flask, current_app, request
from flask_sock import Sock

from config import Settings
from web.auth.cookies import cookie_name
from web.auth.identity import ACCESS_COOKIE
from web.http.errors import Problem
from web.http.services import Services, services
from web.sockets.transport.arrival import Arrival
from web.sockets.transport.handshake import Handshake, address_of, taken_from
from web.sockets.transport.upgrade_policy import UpgradePolicy, asks_standing, sales_named

HUB: Final = "hub"  # its names among the app's extensions, by which the worker finds them
HANDSHAKE: Final = "handshake"
UPGRADE_POLICY: Final = "upgrade_policy"

blueprint = Blueprint("live", __name__)
_sock = Sock()


class _NoThread:
    """simple-websocket reads in a thread of its own; here the hub reads."""

    name = ""

    def __init__(self, target: Any) -> None:
        """Start nothing."""

    def start(self) -> None:
        """Do nothing."""


class _NoEvent:
    """simple-websocket's event of received data; nothing waits for it here."""

    def set(self) -> None:
        """Do nothing."""


_KEPT: Final = frozenset({"HTTP_SEC_WEBSOCKET_KEY", "HTTP_SEC_WEBSOCKET_VERSION"})  # in every letter
_AS_WRITTEN: Final = {"HTTP_HOST": "shop", "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"}
HANDSHAKE_ONLY: Final = {"thread_class": _NoThread, "event_class": _NoEvent}


def register(app: Flask, settings: Settings, parts: Services) -> None:
    """Put the hub, the upgrade policy and the handshake where the app and its gunicorn worker find them."""
    access_cookie = cookie_name(ACCESS_COOKIE, settings)
    policy = UpgradePolicy(settings.allowed_origins, parts.tokens, access_cookie=access_cookie)
    app.extensions[HUB] = parts.hub
    app.extensions[UPGRADE_POLICY] = policy
    app.extensions[HANDSHAKE] = Handshake(policy, parts.hub, settings)


@blueprint.before_request
def refuse_unfit() -> None:
    """Refuse before the upgrade: afterwards no status can be told any more.

    Raises:
        Problem: with the reason.
    """
    policy = cast(UpgradePolicy, current_app.extensions[UPGRADE_POLICY])
    request.socket_identity = policy.judge(request.environ)  # type: ignore[attr-defined]  # for this request's view
    if "gunicorn.socket" not in request.environ or not gevent.monkey.is_module_patched("socket"):
        raise Problem(503, "no_sockets", "This server does not serve sockets; run it as the Procfile does.")
    services().hub.admit(address_of(request.environ), request.socket_identity)  # type: ignore[attr-defined]
    _reduce_to_the_handshake(request.environ)


def _reduce_to_the_handshake(environ: WSGIEnvironment) -> None:
    """Leave flask-sock the handshake alone: its parser of headers is another, and fails at what it dislikes.

    So it is offered no extension either, for compression costs memory.
    """
    for name in [name for name in environ if name.startswith("HTTP_") and name not in _KEPT]:
        del environ[name]
    environ |= _AS_WRITTEN


@_sock.route("/ws", bp=blueprint)  # type: ignore[untyped-decorator]  # flask-sock has no types
def ws(handshaken: Any) -> None:
    """Hand the connection over."""
    arrival = Arrival(
        address_of(request.environ),
        getattr(request, "socket_identity", None),
        sales_named(request.environ),
        asks_standing(request.environ),
        said=getattr(handshaken.sock, "take_read_ahead", bytes)(),
    )
    handshaken.connected = False  # for flask-sock it ends here: it neither reads nor closes it
    services().hub.let_in(taken_from(handshaken.sock), arrival)
