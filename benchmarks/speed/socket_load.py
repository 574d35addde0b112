"""A crowd of sockets that are open, and all say one thing at the same instant; no shop in it."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.client.crowd_socket import Socket
from benchmarks.client.frames import SocketRefused
from benchmarks.client.http_wire import Target
from benchmarks.client.sockets import Sockets, text_message

CONNECT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a crowd was told: its answers in the order of its sockets, and how long all of it took."""

    answers: list[bytes]
    seconds: float  # from the first write to the last answer

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds


class AskingCrowd:
    """A `Caller` whose sockets hear one answer to each message. `welcomes`: those to the first."""

    def __init__(self, target: Target, first: Sequence[bytes]) -> None:
        self._first = first
        self._answers: dict[int, bytes] = {}
        self._sockets = Sockets(target, self, gather_s=0.0)
        self._sockets.open(len(first))
        self.welcomes = self._hear(time.perf_counter() + CONNECT_S)

    def ask(self, messages: Sequence[bytes], *, seconds: float) -> Heard:
        """Have each socket say its message, all before any is heard, and wait for one answer each.

        Raises:
            OSError: a socket was lost, or heard twice, or some were not answered in time.
        """
        frames = [text_message(message) for message in messages]
        self._answers.clear()
        started = time.perf_counter()
        for socket, frame in zip(self._sockets.all, frames, strict=True):
            self._sockets.send(socket, frame)
        answers = self._hear(started + seconds)
        return Heard(answers, time.perf_counter() - started)

    def close(self) -> None:
        """Drop all."""
        self._sockets.close()

    def greet(self, socket: Socket) -> bytes:
        """Say its first message."""
        return text_message(self._first[socket.index])

    def on_message(self, socket: Socket, payload: bytes, _at_ns: int) -> None:
        """Keep the answer."""
        if socket.index in self._answers:
            raise SocketRefused(f"two answers: {self._answers[socket.index]!r} and {payload!r}")
        self._answers[socket.index] = payload

    def on_lost(self, _socket: Socket, reason: str) -> None:
        """Who is lost here does not come back."""
        raise SocketRefused(reason)

    def _hear(self, until: float) -> list[bytes]:
        sockets = len(self._first)
        while len(self._answers) < sockets:
            left = until - time.perf_counter()
            if left <= 0:
                failed = dict(self._sockets.failed)
                raise TimeoutError(f"{sockets - len(self._answers)} sockets were not answered {failed}")
            self._sockets.turn(left)
        return [self._answers[index] for index in range(sockets)]


@contextlib.contextmanager
def connected(target: Target, first: Sequence[bytes]) -> Iterator[AskingCrowd]:
    """Open a socket for each first message, say that, hear one answer, and drop all at the end.

    Raises:
        OSError: no connection, or the server refused an upgrade.
    """
    crowd = AskingCrowd(target, first)
    try:
        yield crowd
    finally:
        crowd.close()
