"""Owns a load of sockets: many that are open, and all say one thing at the same instant; no shop in it.

Plain sockets under one epoll: what is measured here costs the server less than an event loop's protocols
would cost the client.
"""

import base64
import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.http_wire import HEAD_END, Target
from benchmarks.ws_wire import CLOSE, TEXT, SocketRefused, client_frame, next_frame

AT_ONCE: Final = 128  # handshakes under way
ANSWER_BYTES: Final = 4096
CONNECT_S: Final = 20.0
EVENTS: Final = 512  # sockets a look


@dataclass(slots=True)
class Heard:
    """What a crowd was told: its answers in the order of its sockets, and how long all of it took."""

    answers: list[bytes]
    seconds: float  # from the first write to the last answer

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds


class SocketCrowd:
    """Sockets that speak at once, and each hear one answer."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = sockets
        self._epoll = select.epoll()
        self._at = {one.fileno(): at for at, one in enumerate(sockets)}
        for one in sockets:
            one.setblocking(False)
            self._epoll.register(one.fileno(), select.EPOLLIN)

    def ask(self, messages: Sequence[bytes], *, seconds: float) -> Heard:
        """Have each socket say its message, all before any is heard, and wait for one answer each.

        Raises:
            OSError: a socket was lost or closed by the server.
            TimeoutError: some were not answered in time.
        """
        frames = [client_frame(TEXT, message) for message in messages]
        started = time.perf_counter()
        for one, frame in zip(self._sockets, frames, strict=True):
            one.send(frame)
        answers = self._hear(started + seconds)
        return Heard(answers, time.perf_counter() - started)

    def _hear(self, until: float) -> list[bytes]:
        answers: dict[int, bytes] = {}
        while len(answers) < len(self._sockets):
            left = until - time.perf_counter()
            if left <= 0:
                raise TimeoutError(f"{len(self._sockets) - len(answers)} sockets were not answered")
            for descriptor, _ in self._epoll.poll(left, EVENTS):
                at = self._at[descriptor]
                for answer in read_texts(self._sockets[at]):
                    if at in answers:
                        raise SocketRefused(f"two answers: {answers[at]!r} and {answer!r}")
                    answers[at] = answer
        return [answers[at] for at in range(len(self._sockets))]

    def close(self) -> None:
        """Drop all of them."""
        self._epoll.close()
        for one in self._sockets:
            one.close()


def read_texts(one: socket.socket) -> Iterator[bytes]:
    """The text messages that a socket has at hand; the shop's frames are small and come whole.

    Raises:
        OSError: it is lost, closed by the server, or a frame came in pieces.
    """
    data = one.recv(ANSWER_BYTES)
    if not data:
        raise SocketRefused("closed without a word")
    at = 0
    while at < len(data):
        frame = next_frame(data, at)
        if frame is None or frame[0] == CLOSE:
            raise SocketRefused(f"neither a whole frame nor an answer: {data[at:]!r}")
        opcode, _, payload, at = frame
        if opcode == TEXT:
            yield payload


@contextlib.contextmanager
def connected(target: Target, count: int) -> Iterator[SocketCrowd]:
    """Open sockets, and drop them at the end.

    Raises:
        OSError: no connection, or the server refused an upgrade.
    """
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < count:
            some = [_upgrading(target) for _ in range(min(AT_ONCE, count - len(sockets)))]
            sockets += some
            for one in some:
                _finish_handshake(one)
        yield (crowd := SocketCrowd(sockets))
        crowd.close()
    finally:
        for one in sockets:
            one.close()


def _upgrading(target: Target) -> socket.socket:
    one = socket.create_connection((target.host, target.port), CONNECT_S)
    key = base64.b64encode(os.urandom(16))
    one.sendall(
        b"GET /ws HTTP/1.1\r\nHost: " + target.authority.encode() + b"\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + HEAD_END
    )
    return one


def _finish_handshake(one: socket.socket) -> None:
    head = b""
    while HEAD_END not in head:
        data = one.recv(ANSWER_BYTES)
        if not data:
            raise SocketRefused("closed in the handshake")
        head += data
    if head[9:12] != b"101":
        raise SocketRefused(head.split(b"\r\n", 1)[0].decode("latin-1"))
