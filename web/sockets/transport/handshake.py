"""Answers a plain WebSocket handshake at the connection itself, past gunicorn's parser and Flask.

That costs a process a tenth of the ordinary way. A request that is not exactly as a well-behaved client
sends it, or would be refused for its content, is left unread and goes the ordinary way, so that every
refusal is worded in one place. Only a refusal for want of room, which must be cheap, is written here.
"""

import base64
import hashlib
import re
import socket
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from wsgiref.types import WSGIEnvironment

import gevent.monkey

from config import Settings
from web.http.errors import Problem
from web.http.middleware import headers_of_all, whole_answer
from web.limits.networks import believing, read_address
from web.sockets.transport.arrival import Arrival
from web.sockets.transport.upgrade_policy import UpgradePolicy, asks_standing, sales_named

if TYPE_CHECKING:
    from web.sockets.hub import Hub

# One line a header, names without `_`, which gunicorn drops since it would become `-` in the environment.
_HEAD: Final = re.compile(
    rb"GET /ws(?:\?([A-Za-z0-9=&%+._~-]*))? HTTP/1\.1\r\n((?:[A-Za-z0-9-]+:[\t -~\x80-\xff]*\r\n)+)\r\n"
).match
_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_BODIES: Final = ("HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT")


class Handshake:
    """Lets plain upgrades in."""

    def __init__(self, policy: UpgradePolicy, hub: "Hub", settings: Settings) -> None:
        self._policy = policy
        self._hub = hub
        self._on_all = headers_of_all(settings)
        self._believe = believing(settings.trusted_proxies)

    def take(self, client: socket.socket, head: bytes, peer: Any) -> bool:
        """Answer an upgrade whose head has come and is not read yet; False leaves it to others.

        What came behind the head stays unread, for the hub.

        Raises:
            OSError: the client is gone.
        """
        read = read_head(head, peer)
        if read is None:
            return False
        environ, size = read
        self._believe(environ)
        try:
            verified = self._policy.judge(environ)
        except Problem:
            return False
        address = address_of(environ)
        try:
            self._hub.admit(address, verified)
        except Problem as refusal:
            client.recv(len(head))  # all of it: closed with something unread, it would lose the answer
            client.sendall(whole_answer(refusal, environ, self._on_all))
            return True
        client.recv(size)
        arrival = Arrival(
            address,
            verified,
            sales_named(environ),
            asks_standing(environ),
            acceptance_of(environ),
            has_spoken=len(head) > size,
        )
        self._hub.let_in(taken_from(client), arrival)
        return True


def address_of(environ: WSGIEnvironment) -> str:
    """The client's address in its normalized form."""
    told: str = environ.get("REMOTE_ADDR") or ""
    return read_address(told) or told


def read_head(head: bytes, address: Any) -> "tuple[WSGIEnvironment, int] | None":
    """Read a plain request as a WSGI environment, as far as it is looked at, and how many bytes it has.

    None where it is not plain. What follows it is not looked at: a client may speak before it is answered.
    """
    found = _HEAD(head)
    if found is None:
        return None
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/ws",
        "QUERY_STRING": (found[1] or b"").decode("ascii"),
        "wsgi.url_scheme": "http",
        "REMOTE_ADDR": address[0] if isinstance(address, tuple) else "",
    }
    for line in found[2].decode("latin-1").removesuffix("\r\n").split("\r\n"):
        name, _, value = line.partition(":")
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if key in environ:
            return None
        environ[key] = value.strip(" \t")
    if "HTTP_HOST" not in environ or any(name in environ for name in _BODIES):
        return None
    return environ, found.end()


def acceptance_of(environ: WSGIEnvironment) -> bytes:
    """The answer that lets in (RFC 6455, section 4.2.2); no extension, for compression costs memory."""
    key = environ["HTTP_SEC_WEBSOCKET_KEY"]
    proof = base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {proof}\r\n\r\n"
    ).encode()


def taken_from(client: socket.socket) -> socket.socket:
    """Detach a connection from gevent: its descriptor, as a plain socket."""
    return _plain_socket()(fileno=client.detach())


@cache
def _plain_socket() -> type[socket.socket]:
    """Looked up late, when gevent has patched everything that it will."""
    plain: type[socket.socket] = gevent.monkey.get_original("socket", "socket")
    return plain
