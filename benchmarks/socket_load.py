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
    """Sockets that speak at once, and each hear one answer. `welcomes`: what they heard at first."""

    def __init__(self, sockets: Sequence[socket.socket], welcomes: Sequence[bytes]) -> None:
        self.welcomes = welcomes
        self._sockets = sockets
        self._at = {one.fileno(): at for at, one in enumerate(sockets)}

    def ask(self, messages: Sequence[bytes], *, seconds: float) -> Heard:
        """Have each socket say its message, all before any is heard, and wait for one answer each.

        Raises:
            OSError: a socket was lost or closed by the server, or some were not answered in time.
        """
        frames = [client_frame(TEXT, message) for message in messages]
        with select.epoll() as ready:
            for one in self._sockets:
                ready.register(one.fileno(), select.EPOLLIN)
            started = time.perf_counter()
            for one, frame in zip(self._sockets, frames, strict=True):
                one.send(frame)
            answers = self._hear(ready, started + seconds)
            return Heard(answers, time.perf_counter() - started)

    def _hear(self, ready: select.epoll, until: float) -> list[bytes]:
        answers: dict[int, bytes] = {}
        while len(answers) < len(self._sockets):
            left = until - time.perf_counter()
            if left <= 0:
                raise TimeoutError(f"{len(self._sockets) - len(answers)} sockets were not answered")
            for descriptor, _ in ready.poll(left, EVENTS):
                at = self._at[descriptor]
                for answer in read_texts(self._sockets[at]):
                    if at in answers:
                        raise SocketRefused(f"two answers: {answers[at]!r} and {answer!r}")
                    answers[at] = answer
        return [answers[at] for at in range(len(self._sockets))]


def read_texts(one: socket.socket) -> list[bytes]:
    """Read the text messages that a socket has at hand; the shop's frames are small and come whole.

    Raises:
        OSError: it is lost, closed by the server, or a frame came in pieces.
    """
    data = one.recv(ANSWER_BYTES)
    if not data:
        raise SocketRefused("closed without a word")
    texts, at = [], 0
    while at < len(data):
        frame = next_frame(data, at)
        if frame is None or frame[0] == CLOSE:
            raise SocketRefused(f"neither a whole frame nor an answer: {data[at:]!r}")
        opcode, _, payload, at = frame
        if opcode == TEXT:
            texts.append(payload)
    return texts


@contextlib.contextmanager
def connected(target: Target, first: Sequence[bytes]) -> Iterator[SocketCrowd]:
    """Open a socket for each first message, say that, hear one answer, and drop all at the end.

    Raises:
        OSError: no connection, or the server refused an upgrade.
    """
    sockets: list[socket.socket] = []
    welcomes: list[bytes] = []
    try:
        while len(sockets) < len(first):
            messages = first[len(sockets) : len(sockets) + AT_ONCE]
            some = [_upgrading(target) for _ in messages]
            sockets += some
            for one, message in zip(some, messages, strict=True):
                _finish_handshake(one)
                one.sendall(client_frame(TEXT, message))
            welcomes += [_one_text(one) for one in some]
        yield SocketCrowd(sockets, welcomes)
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


def _one_text(one: socket.socket) -> bytes:
    while True:
        for text in read_texts(one):
            return text
