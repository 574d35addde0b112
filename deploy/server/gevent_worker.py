"""The gunicorn worker: how it accepts connections, and how it lets them go when it stops.

gunicorn's own gevent worker waits for every open connection until the graceful timeout, as it cannot tell a
browser that is merely connected from one that waits for an answer.
"""

import socket
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Final

import gevent
from gevent.event import Event
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from deploy.server.accepting import FairServer
from deploy.server.patience import PatientSocket
from deploy.server.sharing import SAY_EVERY_S, Board, Share
from deploy.server.silent_connections import Silence

GOODBYE_S: Final = 6.0  # for the hub to send its sockets away
POLL_S: Final = 0.1  # between two looks for connections that wait, while it stops
FIRST_S: Final = 15.0  # for a new connection to say something
HEAD_BYTES: Final = 8192  # of a request, that are looked at for an upgrade
UPGRADE: Final = (b"GET /ws ", b"GET /ws?")

# How a request that cannot be read is answered; the first that fits. A header of ours that cannot be sent
# is not the sender's fault, though gunicorn derives it from those that are.
_STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (errors.InvalidResponseHeader, 500),
    (errors.InvalidResponseHeaderName, 500),
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.ExpectationFailed, 417),
    (errors.ForbiddenProxyRequest, 403),
    (errors.ParseException, 400),
)

BOARD: Final = Board()  # made in the master, where this module is imported first


class IdleTimeout(gevent.Timeout):  # type: ignore[misc]  # gevent has no types
    """Bounds a connection's wait for its next request, and can be made to expire early."""

    def __init__(self, seconds: float, idle: "dict[Any, IdleTimeout]") -> None:
        super().__init__(seconds, False)
        self._idle = idle

    def __enter__(self) -> "IdleTimeout":
        self._idle[gevent.getcurrent()] = self
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._idle.pop(gevent.getcurrent(), None)
        is_suppressed: bool | None = super().__exit__(kind, value, trace)
        return is_suppressed


class DrainingWorker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """A gevent worker that stops within two seconds when nothing is in progress."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: dict[Any, IdleTimeout] = {}
        self._silence = Silence(self._let_go)
        self._goodbye: Any = None
        self._servers: list[FairServer] = []
        self._hub: Any = None
        self._handshake: Any = None
        self._unread: Any = None
        self._tell_late: Any = None
        self._spares: Any = lambda _peer: False
        self._share = Share(BOARD, self.age, self._connections, self._capacity)
        self._told = Event()
        self._ending: Any = None

    def timeout_ctx(self) -> IdleTimeout:
        """The context that gunicorn enters around each wait for a request, and only there."""
        return IdleTimeout(self.cfg.keepalive, self._idle)

    def run(self) -> None:
        """Serve until told to stop."""
        extensions = getattr(self.wsgi, "extensions", {})
        self._hub = extensions.get("hub")
        self._unread = extensions.get("unread")
        self._spares = extensions.get("spares_peer", self._spares)
        self._tell_late = partial(self._unread, 408) if self._unread is not None else None
        self._handshake = None if self.cfg.is_ssl else extensions.get("handshake")
        self._ending = gevent.get_hub().loop.async_()
        self._ending.start(self._told.set)
        gevent.spawn(self._drain_when_told)
        super().run()
        self._say_goodbye()
        self._goodbye.join(GOODBYE_S)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that it is to stop, and wake who sees to that: a handler itself must not switch greenlets."""
        super().handle_exit(sig, frame)
        if self._ending is not None:
            self._ending.send()

    def server_class(self, listener: Any, *, spawn: Any, **rest: Any) -> FairServer:
        """Make what gunicorn accepts connections by, in the place of its own choice."""
        secured = {name: rest[name] for name in ("ssl_context",) if name in rest}
        server = FairServer(self._share, listener, partial(self.handle, listener), spawn=spawn, **secured)
        self._servers.append(server)
        return server

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection: the hub takes those that plainly ask for a socket, gunicorn the others."""
        if self._is_taken(client, addr):
            return
        if not self.cfg.is_ssl:
            client = PatientSocket.of(client, self._tell_late)
        super().handle(listener, client, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answer a request whose head has come."""
        if not isinstance(sock, PatientSocket):
            return super().handle_request(listener_name, req, sock, addr)
        sock.begin_request(req.unreader.take_buffered)
        try:
            return super().handle_request(listener_name, req, sock, addr)
        finally:
            sock.end_request()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never came to the app as the app would: with a problem, and with its safety headers."""
        if self._unread is None:
            super().handle_error(req, client, addr, exc)
            return
        status = next((status for kind, status in _STATUSES if isinstance(exc, kind)), 500)
        if status < 500:
            self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", exc)
        else:
            self.log.error("Error handling a request", exc_info=exc)
        try:
            client.sendall(self._unread(status))
        except OSError:
            self.log.debug("Failed to send error message.")
        util.close_graceful(client)  # closed at once with something unread, it would lose the answer

    def _is_taken(self, client: Any, addr: Any) -> bool:
        """Whether nothing is left to do: it became a socket, was refused as one, or never asked anything."""
        if self.cfg.is_ssl:
            return False
        head = b""
        try:
            if (said := _said_so_far(client)) is not None:
                head = said
            else:
                with IdleTimeout(FIRST_S, self._idle) as wait, self._bound_silence(client, addr, wait):
                    head = client.recv(HEAD_BYTES, socket.MSG_PEEK)
            is_upgrade = self._handshake is not None and head.startswith(UPGRADE)
            return not head or (is_upgrade and self._handshake.take(client, head, addr))
        except OSError:
            return True

    def _bound_silence(self, client: Any, addr: Any, wait: IdleTimeout) -> AbstractContextManager[None]:
        if self._spares(addr[0] if isinstance(addr, tuple) else ""):
            return nullcontext()
        return self._silence.of(addr, wait, lambda: _said_so_far(client) is None)

    def _connections(self) -> int:
        requests: int = sum(server.pool.size - server.pool.free_count() for server in self._servers)
        return requests + (len(self._hub) if hasattr(self._hub, "__len__") else 0)

    def _capacity(self) -> int:
        most: int = self.worker_connections
        return getattr(self._hub, "capacity", most)

    def _drain_when_told(self) -> None:
        while self.alive:
            self._share.exchange()
            self._told.wait(SAY_EVERY_S)
        self._share.leave()
        self._say_goodbye()
        while True:
            gevent.get_hub().loop.run_callback(self._close_idle)
            gevent.sleep(POLL_S)

    def _say_goodbye(self) -> None:
        """Have the hub send its sockets away; gunicorn, which knows nothing of them, would exit meanwhile."""
        if self._goodbye is None:
            self._goodbye = gevent.spawn(self._hub.close if self._hub is not None else lambda: None)

    def _close_idle(self) -> None:
        """End the waits as if their time were over; in gevent's hub, where nothing comes between."""
        for greenlet, timeout in list(self._idle.items()):
            self._let_go(greenlet, timeout)

    def _let_go(self, greenlet: Any, timeout: IdleTimeout) -> None:
        """End a wait, if it is not over; in gevent's hub."""
        if self._idle.get(greenlet) is timeout:
            greenlet.throw(timeout)


def _said_so_far(client: Any) -> bytes | None:
    """What has come already, without waiting and without taking it; None where that is nothing yet."""
    try:
        said: bytes = client._sock.recv(HEAD_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # it is gone, as one that was closed
    return said
