"""Says odd things on sockets, each of which is read to its end, and judges what comes back."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from benchmarks.client.frames import CLOSE, PING, PONG, TEXT, client_frame, next_frame
from tests.oracle.frames import Frames
from tests.oracle.wire import TIMEOUT_S

A_SOCKET: Final = 20  # frames at most on one
_HEAD: Final = (
    b"GET /ws HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Talk:
    """One socket, from the handshake to its end."""

    def __init__(self, port: int, token: str | None) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._got = b""
        self._pings = 0
        self.faults: list[str] = []
        self._sock.sendall(_HEAD)
        while b"\r\n\r\n" not in self._got:
            self._got += self._sock.recv(4_096)
        head, _, self._got = self._got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            self.faults.append(f"no socket: {head[:60]!r}")
        if token is not None:
            self.say(client_frame(TEXT, json.dumps({"type": "auth", "token": token}).encode()))

    def say(self, frame: bytes) -> bool:
        """Send a whole frame, and wait until it was read; False where that ended the socket."""
        self._pings += 1
        mark = b"%d" % self._pings
        if not self._send(frame + client_frame(PING, mark)):
            return False
        return any(opcode == PONG and payload == mark for opcode, payload in self._hear())

    def end(self, last: bytes = b"") -> None:
        """Send something that may be no frame, and hear everything to the end."""
        if self._send(last):
            with suppress(OSError):  # it has ended already
                self._sock.shutdown(socket.SHUT_WR)
            for _ in self._hear():
                pass
        self._sock.close()

    def _send(self, data: bytes) -> bool:
        try:
            self._sock.sendall(data)
        except OSError:
            return False
        return True

    def _hear(self) -> Iterator[tuple[int, bytes]]:
        while True:
            while (frame := next_frame(self._got, 0)) is not None:
                opcode, _, payload, end = frame
                self._got = self._got[end:]
                self._judge(opcode, payload)
                yield opcode, payload
            try:
                came = self._sock.recv(65_536)
            except ConnectionResetError:
                return
            if not came:
                return
            self._got += came

    def _judge(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            said = json.loads(payload)
            if not isinstance(said.get("type"), str) or said.get("code") == "internal_error":
                self.faults.append(f"said {said}")
        elif opcode == CLOSE and payload[:2] == b"\x03\xf3":  # 1011, something broke
            self.faults.append("closed with 1011")


def talk(port: int, frames: Frames, count: int, token: str) -> Iterator[str]:
    """Send so many frames, on as many sockets as it takes, and yield what is wrong with the answers."""
    sent = sockets = 0
    while sent < count:
        sockets += 1
        conversation = Talk(port, token if sockets % 2 else None)
        for _ in range(A_SOCKET):
            frame, is_whole = frames.next()
            sent += 1
            if not is_whole:
                conversation.end(frame)
                break
            if not conversation.say(frame):
                break
        conversation.end()
        yield from conversation.faults
