"""Serves a connection's plain requests past gunicorn, which reads whatever is anything else.

What has come is looked at with `MSG_PEEK`. The application takes it if it is a whole request that is plain in
every respect; only then is it read, exactly so many bytes. Else nothing of it has been read.
"""

import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

from gunicorn.http.body import LengthReader  # type: ignore[import-untyped]

from deploy.server.patience import PatientSocket

LOOK_BYTES: Final = 8192  # of what has come, that are looked at


def is_possible(worker: Any) -> bool:
    """Whether a connection's bytes are requests and nothing else, and nobody counts them who is passed by."""
    cfg = worker.cfg
    return not cfg.is_ssl and cfg.proxy_protocol == "off" and worker.max_requests == sys.maxsize


def has_read_ahead(req: Any) -> bool:
    """Whether gunicorn has, or will read, bytes that come after a request which it has answered."""
    body = req.body.reader
    return not (isinstance(body, LengthReader) and body.length == 0) or req.unreader.buf.tell() > 0


class PlainConnections:
    """Serves connections as long as what comes is plain.

    `taker` looks at what has come: the application's. `waiting` is entered around each wait for a request.
    """

    def __init__(
        self, taker: Any, worker: Any, waiting: Callable[[], AbstractContextManager[Any, bool]]
    ) -> None:
        self._taker = taker
        self._worker = worker
        self._waiting = waiting

    def serve(self, client: PatientSocket, address: Any, said: bytes = b"") -> bool:
        """Answer what is plain, what has been `said` first; True where something is there for gunicorn.

        Every request but the first waits until the kernel says that it is there, also if it was there long
        ago: so connections that ask without a pause take turns with all others.

        Raises:
            OSError: the client is gone, or reads too slowly.
        """
        while said or (said := self._next(client)):
            taken = self._taker.take(said, address) if self._worker.alive else None
            if taken is None:
                return True
            self._answer(client, taken, said)
            said = b""
        return False

    def _next(self, client: PatientSocket) -> bytes:
        """Wait for a request; nothing where the client ended the connection, or waited too long."""
        with self._waiting():
            while True:
                client._wait(client._read_event)
                try:
                    said: bytes = client._sock.recv(LOOK_BYTES, socket.MSG_PEEK)
                except BlockingIOError:
                    continue
                return said
        return b""

    def _answer(self, client: PatientSocket, taken: Any, said: bytes) -> None:
        began = perf_counter()
        if client._sock.recv(taken.size) != said[: taken.size]:
            raise ConnectionResetError("what was looked at is not what was read")
        self._worker.nr += 1
        written = taken.answer()
        client.send_answer(written.packed)
        if self._worker.log.access_log_enabled:
            took = timedelta(seconds=perf_counter() - began)
            self._worker.log.access(written, taken.headers, taken.environ, took)
