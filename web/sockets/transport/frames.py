"""Parses a client's frames (RFC 6455, section 5) into whole messages.

wsproto's reader costs a socket some 2 KB for as long as it lives. A reader of ours lives only while a
message is arriving, and most messages come in one piece.
"""

from collections.abc import Iterator
from typing import Final

from web.sockets.transport.wire import INVALID_TEXT, PROTOCOL_ERROR, TOO_BIG, UNSUPPORTED

MAX_MESSAGE: Final = 4096  # bytes
MAX_PIECES: Final = 64  # frames and unfinished reads that one message may come in

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_KNOWN: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_SHORT: Final = 125
_DEFINED_CLOSES: Final = frozenset({*range(1000, 1004), *range(1007, 1014)})

Event = str | tuple[int, bytes]  # a text message, or a PING or a CLOSE with its payload
_Frame = tuple[int, bool, bytes, int]  # opcode, whether it is the message's last, payload, where it ends


class Broken(Exception):
    """The peer broke the rules; `code` is for our own `error` message, where there is to be one."""

    def __init__(self, close_code: int, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.close_code = close_code
        self.detail = detail
        self.code = code


class FrameReader:
    """What has come of a message that is not whole yet."""

    __slots__ = ("_fragments", "_pieces", "_rest", "_size")

    def __init__(self) -> None:
        self._rest = b""
        self._fragments: list[bytes] | None = None
        self._size = 0
        self._pieces = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way, so that the reader need not be kept."""
        return not self._rest and self._fragments is None

    def read(self, data: bytes) -> Iterator[Event]:
        """Take what the peer sent; pongs are dropped and fragments joined here.

        Raises:
            Broken: the rest cannot be read. What came before has been yielded.
        """
        data = self._rest + data if self._rest else data
        at = 0
        while (frame := _next_frame(data, at)) is not None:
            opcode, is_final, payload, at = frame
            if opcode >= CLOSE:
                if opcode != PONG:
                    yield opcode, payload
            elif (text := self._take(opcode, is_final, payload)) is not None:
                yield text
        self._rest = data[at:]
        if not self.is_idle:
            self._count_piece(0)

    def _take(self, opcode: int, is_final: bool, payload: bytes) -> str | None:
        """Add a frame of a message; the message where that was its last."""
        if (opcode == CONTINUATION) == (self._fragments is None):
            raise Broken(PROTOCOL_ERROR, "That is not WebSocket.")
        if opcode == BINARY:
            raise Broken(UNSUPPORTED, "Messages are text.", "not_text")
        self._count_piece(len(payload))
        if self._fragments is not None:
            self._fragments.append(payload)
        elif not is_final:
            self._fragments = [payload]
        if not is_final:
            return None
        whole = payload if self._fragments is None else b"".join(self._fragments)
        self._fragments, self._size, self._pieces = None, 0, 0
        try:
            return whole.decode()
        except UnicodeDecodeError as error:
            raise Broken(INVALID_TEXT, "That is not UTF-8.") from error

    def _count_piece(self, size: int) -> None:
        self._size += size
        self._pieces += 1
        if self._size > MAX_MESSAGE or self._pieces > MAX_PIECES:
            raise _too_large()


def read_close(payload: bytes) -> tuple[int | None, str]:
    """Read the code and the reason of a close frame; without one the code is None.

    Raises:
        Broken: the code is none that may be sent, or the reason is no text.
    """
    if not payload:
        return None, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (code in _DEFINED_CLOSES or 3000 <= code < 5000):
        raise Broken(PROTOCOL_ERROR, "That is not WebSocket.")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError as error:
        raise Broken(INVALID_TEXT, "That is not UTF-8.") from error


def _next_frame(data: bytes, at: int) -> _Frame | None:
    """Read the frame that begins there; nothing while it is not whole."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    opcode, size, start = first & 0x0F, second & 0x7F, at + 2
    is_unfit = first & _RESERVED or opcode not in _KNOWN or not second & _MASKED
    if is_unfit or (opcode >= CLOSE and (size > _SHORT or not first & _FINAL)):
        raise Broken(PROTOCOL_ERROR, "That is not WebSocket.")
    if size > _SHORT:
        start += 2 if size == 126 else 8
        if len(data) < start:
            return None
        size = _long_size(data[at + 2 : start])
    if size > MAX_MESSAGE:
        raise _too_large()
    end = start + 4 + size
    if len(data) < end:
        return None
    return opcode, bool(first & _FINAL), _unmasked(data[start + 4 : end], data[start : start + 4]), end


def _long_size(field: bytes) -> int:
    """Read a size of 2 or 8 bytes, which must not be written longer than it need be."""
    size = int.from_bytes(field, "big")
    if size <= (_SHORT if len(field) == 2 else 0xFFFF) or size >> 63:
        raise Broken(PROTOCOL_ERROR, "That is not WebSocket.")
    return size


def _unmasked(payload: bytes, key: bytes) -> bytes:
    """XOR with the key, repeated: as one big number, since Python is slow byte by byte."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")


def _too_large() -> Broken:
    return Broken(TOO_BIG, f"A message has at most {MAX_MESSAGE} bytes.", "too_large")
