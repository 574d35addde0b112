"""Timeouts for slow clients: how long to wait for a request, and for an answer to be read.

Only the time that is spent waiting counts, so that no client pays for a process that is busy; and a client
that keeps to a small rate is waited for. Python and gevent only; it runs in gunicorn's worker.
"""

import contextlib
import errno
import math
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import gevent.socket

LATE: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_ABRUPT: Final = struct.pack("ii", 1, 0)  # what the reader did not take is dropped in the kernel too


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a client may be: `grace_s` for nothing, which bytes give back, and `most_s` in all."""

    grace_s: float
    bytes_per_s: int
    most_s: float = math.inf


HEAD: Final = Pace(10.0, 500, 20.0)
BODY: Final = Pace(10.0, 500, 60.0)
ANSWER: Final = Pace(20.0, 1000)


class Wait:
    """What is left of the patience for one thing."""

    __slots__ = ("_grace_s", "_most_s", "_pace")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._grace_s = pace.grace_s
        self._most_s = pace.most_s

    @property
    def left_s(self) -> float:
        """How much longer to wait; nothing or less when it is enough."""
        return min(self._grace_s, self._most_s)

    def has_moved(self, size: int) -> None:
        """So many bytes came or went. Nothing is saved up beyond the grace: buffers take much at once."""
        self._grace_s = min(self._grace_s + size / self._pace.bytes_per_s, self._pace.grace_s)

    def has_waited(self, seconds: float) -> None:
        """So much was waited."""
        self._grace_s -= seconds
        self._most_s -= seconds


class PatientSocket(gevent.socket.socket):  # type: ignore[misc]  # gevent has no types
    """A connection that is waited for by these rules. Between requests it may be silent: others end that."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request: Wait | None = None  # none while nothing of it has come
        self._answer = Wait(ANSWER)
        self._is_reading_body = False
        self._tell_late: Callable[[], bytes] = lambda: LATE
        self.take_read_ahead: Callable[[], bytes] = bytes  # what gunicorn read behind the request

    @classmethod
    def of(cls, client: Any, tell_late: Callable[[], bytes] | None = None) -> "PatientSocket":
        """Take over a connection; `tell_late` writes what is answered to a head that comes too slowly."""
        family, kind, proto = client.family, client.type, client.proto
        taken = cls(family, kind, proto, fileno=client.detach())
        if tell_late is not None:
            taken._tell_late = tell_late
        return taken

    def begin_request(self, take_read_ahead: Callable[[], bytes] = bytes) -> None:
        """The head has come: what follows is its body, and then our answer."""
        self.take_read_ahead = take_read_ahead
        self._request, self._answer = Wait(BODY), Wait(ANSWER)
        self._is_reading_body = True

    def end_request(self) -> None:
        """It was answered."""
        self._request = None
        self._is_reading_body = False

    def recv(self, *args: Any) -> bytes:
        """Read; the end of the connection where a head comes too slowly.

        Raises:
            RequestTimeout: a body does.
        """
        while True:
            try:
                data: bytes = self._sock.recv(*args)
            except BlockingIOError:
                if not self._await_request():
                    return b""
            else:
                if self._request is None:
                    self._request = Wait(HEAD)
                self._request.has_moved(len(data))
                return data

    def send(self, data: Any, flags: int = 0, timeout: Any = None) -> int:  # noqa: ARG002 - gevent's signature
        """Send what is taken, at least something.

        Raises:
            ConnectionResetError: the reader takes it too slowly; it is cut off.
        """
        while True:
            try:
                sent: int = self._sock.send(data, flags)
            except BlockingIOError:
                if not self._wait_for(self._write_event, self._answer):
                    self._cut_off()
                    raise ConnectionResetError(errno.ECONNRESET, "the reader is too slow") from None
            else:
                self._answer.has_moved(sent)
                return sent

    def send_answer(self, packed: bytes) -> None:
        """Send a whole answer to a request that was read past `recv`.

        Raises:
            OSError: the reader is gone, or takes it too slowly.
        """
        self._answer = Wait(ANSWER)
        self.sendall(packed)

    def _await_request(self) -> bool:
        if self._request is None:
            self._wait(self._read_event)
            return True
        if self._wait_for(self._read_event, self._request):
            return True
        if self._is_reading_body:
            raise _request_timeout()
        with contextlib.suppress(OSError):
            self._sock.send(self._tell_late())
        return False

    def _wait_for(self, event: Any, wait: Wait) -> bool:
        """Wait as long as the client has left; False where it has nothing left."""
        left_s = wait.left_s
        if left_s <= 0:
            return False
        began, asked_s = time.monotonic(), self.gettimeout()
        self.settimeout(left_s if asked_s is None else min(left_s, asked_s))
        try:
            self._wait(event)
        except TimeoutError:
            if asked_s is not None:
                raise
            # Looked at once more: it may have come just now.
        finally:
            self.settimeout(asked_s)
            wait.has_waited(time.monotonic() - began)
        return True

    def _cut_off(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)


def _request_timeout() -> Exception:
    """What the application tells as a problem; werkzeug must not be imported before the worker is patched."""
    from werkzeug.exceptions import RequestTimeout

    return RequestTimeout("The request's body came too slowly.")
