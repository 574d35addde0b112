"""Builds a server's frames (RFC 6455, section 5), and sends each whole or not at all.

simple-websocket's own `send` ignores that a socket may take only a part of what it is given, and then goes
on with the next frame. Here what was not taken is kept and goes first; nothing ever waits for a reader.
"""

import contextlib
import socket
import struct
from typing import Final

MAX_PENDING: Final = 64 * 1024  # bytes kept for a reader who is behind, before it is cut off
SEND_BUFFER: Final = 16 * 1024  # bytes in the kernel for one socket (which doubles it), else megabytes
RECEIVE_BUFFER: Final = 8 * 1024  # the same for what is not read yet: two messages, and no flood
READ_BYTES: Final = 4096
PING: Final = b"\x89\x00"

GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
UNSUPPORTED: Final = 1003
INVALID_TEXT: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
UNAUTHENTICATED: Final = 4401
TOO_SLOW: Final = 4408

_UNSENDABLE: Final = frozenset({1004, 1005, 1006, 1015})
_ABRUPT: Final = struct.pack("ii", 1, 0)


def text_frame(payload: bytes) -> bytes:
    """One final, unmasked text frame: the same bytes for every socket that is to have it."""
    return _head(0x81, len(payload)) + payload


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping, with its payload of at most 125 bytes."""
    return _head(0x8A, len(payload)) + payload


def close_frame(code: int | None = None, reason: str = "") -> bytes:
    """A close frame; a code that must not be sent becomes none."""
    if code is None or code in _UNSENDABLE or not 1000 <= code < 5000:
        return _head(0x88, 0)
    cut = reason.encode()[:123].decode(errors="ignore")  # never within a character
    payload = code.to_bytes(2, "big") + cut.encode()
    return _head(0x88, len(payload)) + payload


def _head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


class Wire:
    """A non-blocking socket that remembers what it could not send yet. No call of it waits.

    Each raises OSError where the connection is gone.
    """

    __slots__ = ("_sent", "_sock", "_waiting", "is_gathering", "pending", "stuck_since")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._waiting: list[bytes] | None = None  # frames, the first of which may have begun to leave
        self._sent = 0  # bytes of the first that have left
        self.is_gathering = False
        self.pending = 0  # bytes that wait for the reader
        self.stuck_since = 0.0  # since when the reader has not taken everything; 0: it has

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return self._sock.fileno()

    def write(self, frame: bytes, now: float) -> None:
        """Send a frame, or keep it or the rest of it. The caller bounds what is kept."""
        if self._waiting is not None:
            self._waiting.append(frame)
            self.pending += len(frame)
            return
        sent = self._send(frame)
        if sent < len(frame):
            self._waiting, self._sent = [frame], sent
            self.pending = len(frame) - sent
            self.stuck_since = now

    def gather(self) -> None:
        """Keep what is written from now on, to send it in one piece. Not while the reader is behind."""
        if self._waiting is None:
            self._waiting, self.is_gathering = [], True

    def send_gathered(self, now: float) -> None:
        """Send what was gathered, and go on sending at once."""
        if not self.is_gathering:
            return
        frames, self._waiting, self.is_gathering = self._waiting or [], None, False
        self.pending = 0
        if frames:
            self.write(frames[0] if len(frames) == 1 else b"".join(frames), now)

    def flush(self) -> None:
        """Send what was kept, as far as the reader takes it."""
        while self._waiting:
            frame = self._waiting[0]
            sent = self._send(memoryview(frame)[self._sent :])
            self._sent += sent
            self.pending -= sent
            if self._sent < len(frame):
                return
            self._sent = 0
            del self._waiting[0]
        self._waiting = None
        self.stuck_since = 0.0

    def drop_waiting(self) -> None:
        """Give up the frames that have not begun to leave; the one that has must still leave whole."""
        if self._waiting is not None:
            del self._waiting[1 if self._sent else 0 :]
            self.pending = sum(map(len, self._waiting)) - self._sent
            if not self._waiting:
                self._waiting, self.is_gathering = None, False

    def read(self) -> bytes | None:
        """Read what is there: nothing (yet) is None, the end is empty."""
        try:
            return self._sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None

    def finish(self) -> None:
        """Say that no more will come, so that the peer reads everything before the end."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close at once; what is still unsent is dropped in the kernel too."""
        with contextlib.suppress(OSError):
            if self.pending:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
        self._sock.close()

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
