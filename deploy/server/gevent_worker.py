"""The gunicorn worker: how it accepts connections, and how it lets them go when it stops.

gunicorn's own gevent worker waits for every open connection until the graceful timeout, as it cannot tell a
browser that is merely connected from one that waits for an answer.
"""

import socket
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from types import FrameType
from typing import Any, Final

import gevent
from gevent.event import Event
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from deploy.server.accepting import FairServer
from deploy.server.idle import IdleTimeout
from deploy.server.patience import PatientSocket
from deploy.server.plain_requests import LOOK_BYTES, PlainConnections, has_read_ahead, is_possible
from deploy.server.sharing import SAY_EVERY_S, Board, Share
from deploy.server.silent_connections import Silence

GOODBYE_S: Final = 6.0  # for the hub to send its sockets away
POLL_S: Final = 0.1  # between two looks for connections that wait, while it stops
FIRST_S: Final = 15.0  # for a new connection to say something
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
        self._plain: PlainConnections | None = None
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
        if (taker := extensions.get("plain")) is not None and is_possible(self):
            self._plain = PlainConnections(taker, self, self.timeout_ctx)
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
        """Serve a connection: the hub takes those that plainly ask for a socket, gunicorn the others.

        What else is plain on these is answered past gunicorn, whenever it has read nothing of it.
        """
        if self.cfg.is_ssl:
            super().handle(listener, client, addr)
            return
        said = self._first_words(client, addr)
        if not said or self._becomes_a_socket(client, said, addr):
            return
        client = PatientSocket.of(client, self._tell_late)
        if self._has_some_for_gunicorn(client, addr, said):
            super().handle(listener, client, addr)
        else:
            client.close()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answer a request whose head has come."""
        if not isinstance(sock, PatientSocket):
            return super().handle_request(listener_name, req, sock, addr)
        sock.begin_request(req.unreader.take_buffered)
        try:
            answered = super().handle_request(listener_name, req, sock, addr)
        finally:
            sock.end_request()
        if not has_read_ahead(req) and not self._has_some_for_gunicorn(sock, addr):
            raise StopIteration  # gunicorn's own word for the end of a connection
        return answered

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never came to the app as the app would: with a problem, and with its safety headers."""
        if self._unread is None:
            super().handle_error(req, client, addr, exc)
            return
        status = next((status for kind, status in _STATUSES if isinstance(exc, kind)), 500)
        if status < 500:
            # By its kind alone: gunicorn's own words repeat what was sent, which may be a token.
            self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", type(exc).__name__)
        else:
            self.log.error("Error handling a request", exc_info=exc)
        try:
            client.sendall(self._unread(status))
        except OSError:
            self.log.debug("Failed to send error message.")
        util.close_graceful(client)  # closed at once with something unread, it would lose the answer

    def _first_words(self, client: Any, addr: Any) -> bytes:
        """Wait for what a new connection says, without reading it; nothing where it says nothing."""
        said = _said_so_far(client)
        if said is None:
            said = b""
            with (
                suppress(OSError),
                IdleTimeout(FIRST_S, self._idle) as wait,
                self._bound_silence(client, addr, wait),
            ):
                said = client.recv(LOOK_BYTES, socket.MSG_PEEK)
        return said

    def _becomes_a_socket(self, client: Any, said: bytes, addr: Any) -> bool:
        """Whether the hub has taken it, or refused it: then nothing is left to do."""
        if self._handshake is None or not said.startswith(UPGRADE):
            return False
        try:
            is_taken: bool = self._handshake.take(client, said, addr)
        except OSError:
            return True
        return is_taken

    def _has_some_for_gunicorn(self, client: PatientSocket, addr: Any, said: bytes = b"") -> bool:
        """Answer what is plain; then whether something else is there."""
        if self._plain is None:
            return True
        try:
            return self._plain.serve(client, addr, said)
        except (
            OSError,
            gevent.GreenletExit,
        ):  # the client is gone, or the process at the end of its patience
            return False

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
        said: bytes = client._sock.recv(LOOK_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # it is gone, as one that was closed
    return said
