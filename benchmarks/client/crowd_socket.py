"""One socket of a crowd: its handshake, whole messages in, frames out. Waits for nothing, plans nothing.

The rules are RFC 6455's, by `benchmarks.client.frames`. An attribute is a word; who is idle keeps no buffer.
"""

import base64
import errno
import random
import socket as network
import ssl
from typing import Any, Final

from benchmarks.client.frames import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    SocketRefused,
    accept_of,
    client_frame,
    next_frame,
)
from benchmarks.client.http_wire import HEAD_END, header_value

READ_BYTES: Final = 4096
RECORD_BYTES: Final = 16_384  # of TLS at most; read whole, since what is left inside wakes nobody
LATER: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
IP_BIND_ADDRESS_NO_PORT: Final = 24  # Linux: the port is chosen at `connect`, so one serves many destinations
WHOLE_TEXT: Final = 0x80 | TEXT  # the first byte of a message in one frame
GONE: Final = "closed without a word"
RESET: Final = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 s

_UPGRADE: Final = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"


# What becomes of a socket, in this order, and AWAY again. Plain numbers: an enumeration costs a call a look.
AWAY: Final = 0
CONNECTING: Final = 1
SECURING: Final = 2  # the handshake of TLS, where there is one
UPGRADING: Final = 3
GREETED: Final = 4  # the handshake is done, nothing was heard yet
OPEN: Final = 5


class UpgradeRefused(SocketRefused):
    """The server answered the handshake, and wants the client to stay away so many seconds."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Socket:
    """One of the crowd: its number, and its connection while it has one."""

    __slots__ = (
        "_fragments",
        "_rest",
        "_sock",
        "attempt",
        "fd",
        "goodbye",
        "index",
        "key",
        "state",
        "tries",
        "unsent",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.fd = -1
        self.state = AWAY
        self.attempt = 0  # how often it has set out
        self.tries = 0  # without success, since it was open last
        self.unsent = b""
        self.key = b""
        self.goodbye = ""  # why nothing more will come, once that is so
        self._sock: network.socket | None = None
        self._rest = b""  # of a frame that came in pieces
        self._fragments: list[bytes] | None = None

    @property
    def is_open(self) -> bool:
        """Whether something was heard since the handshake."""
        return self.state == OPEN

    def connect(self, family: int, address: Any, source: str | None) -> None:
        """Set out, from an address of this machine's own if one is named.

        Raises:
            OSError: there is no way, no port or no descriptor.
        """
        self.attempt += 1
        sock = self._sock = network.socket(family, network.SOCK_STREAM)
        self.fd = sock.fileno()
        self.state = CONNECTING
        sock.setblocking(False)
        sock.setsockopt(network.IPPROTO_TCP, network.TCP_NODELAY, 1)
        if source is not None:
            sock.setsockopt(network.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        _raise(sock.connect_ex(address))

    def check_connected(self) -> None:
        """Look whether the connection came about.

        Raises:
            OSError: it did not.
        """
        _raise(self._there().getsockopt(network.SOL_SOCKET, network.SO_ERROR))

    def secure(self, context: ssl.SSLContext, host: str) -> bool:
        """Go on with the handshake of TLS; False while it waits for the server.

        Raises:
            OSError: the connection broke, or the server is not who it should be.
        """
        sock = self._there()
        if not isinstance(sock, ssl.SSLSocket):
            self.state = SECURING
            sock = self._sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        try:
            sock.do_handshake()
        except LATER:
            return False
        return True

    def ask_for_upgrade(self, head: bytes) -> None:
        """Send the handshake; `head` is its first lines.

        Raises:
            OSError: the connection broke.
        """
        self.key = base64.b64encode(random.randbytes(16))
        self.state = UPGRADING
        self.send(head + _UPGRADE + b"Sec-WebSocket-Key: " + self.key + HEAD_END)

    def finish_upgrade(self) -> bool:
        """Read the answer to the handshake; False while it is not whole.

        Raises:
            UpgradeRefused: the server does not switch.
            OSError: the connection broke.
        """
        data = self._rest + self._receive()
        size = data.find(HEAD_END)
        self._rest = data[size + 4 :] if size >= 0 else data
        if self.goodbye:
            raise SocketRefused(self.goodbye)
        if size < 0:
            return False
        head = data[:size]
        if head[9:12] != b"101" or header_value(head, b"sec-websocket-accept") != accept_of(self.key):
            wanted = header_value(head, b"retry-after") or ""
            first_line = head.split(b"\r\n", 1)[0].decode("latin-1")
            raise UpgradeRefused(first_line, float(wanted) if wanted.isdigit() else 0.0)
        self.key, self.state = b"", GREETED
        return True

    def receive(self) -> list[bytes]:
        """Read once: the whole text messages that came. Pings are answered; `goodbye` says if it was the end.

        Raises:
            OSError: the connection broke.
        """
        try:
            data = self._sock.recv(self._most)  # type: ignore[union-attr]  # only an open one is read
        except LATER:
            return []
        if len(data) > 4 and data[0] == WHOLE_TEXT and not self._rest:  # nearly always exactly one message
            size = data[1]
            if size + 2 == len(data):
                return [data[2:]]
            if size == 126 and int.from_bytes(data[2:4], "big") + 4 == len(data):
                return [data[4:]]
        if not data:
            self.goodbye = GONE
            return []
        return self.take(data)

    def take(self, data: bytes = b"") -> list[bytes]:
        """The whole messages of what came, also before now.

        Raises:
            OSError: the connection broke.
        """
        if self._rest:
            data, self._rest = self._rest + data, b""
        messages: list[bytes] = []
        at = 0
        try:
            while (frame := next_frame(data, at)) is not None:
                opcode, is_final, payload, at = frame
                if opcode == TEXT and is_final:
                    messages.append(payload)
                else:
                    self._take_rare(opcode, is_final, payload, messages)
        except SocketRefused as error:
            self.goodbye = str(error)
        else:
            self._rest = data[at:]
        return messages

    def send(self, frames: bytes) -> None:
        """Send, or keep in `unsent` what the kernel does not take yet.

        Raises:
            OSError: the connection broke.
        """
        if self.unsent:
            self.unsent += frames
            return
        try:
            sent = self._there().send(frames)
        except LATER:
            sent = 0
        self.unsent = frames[sent:]

    def flush(self) -> None:
        """Go on sending what was kept.

        Raises:
            OSError: the connection broke.
        """
        frames, self.unsent = self.unsent, b""
        if frames:
            self.send(frames)

    def forget(self, *, reset: bool = False) -> None:
        """Close; `reset` leaves no trace, so that the port is free at once."""
        sock, self._sock = self._sock, None
        if sock is not None:
            if reset:
                sock.setsockopt(network.SOL_SOCKET, network.SO_LINGER, RESET)
            sock.close()
        self.fd, self.state = -1, AWAY
        self.key = self.unsent = self._rest = b""
        self.goodbye, self._fragments = "", None

    def _receive(self) -> bytes:
        try:
            data = self._there().recv(self._most)
        except LATER:
            return b""
        if not data:
            self.goodbye = GONE
        return data

    @property
    def _most(self) -> int:
        return RECORD_BYTES if isinstance(self._sock, ssl.SSLSocket) else READ_BYTES

    def _there(self) -> network.socket:
        if self._sock is None:
            raise OSError(errno.ENOTCONN, "not connected")
        return self._sock

    def _take_rare(self, opcode: int, is_final: bool, payload: bytes, messages: list[bytes]) -> None:
        """Everything that is not a message in one frame."""
        if opcode == PING:
            self.send(client_frame(PONG, payload))
        elif opcode == CLOSE:
            self.send(client_frame(CLOSE, payload[:2]))
            code = int.from_bytes(payload[:2], "big")
            raise SocketRefused(f"closed by the server: {code} {payload[2:].decode(errors='replace')}")
        elif opcode in {TEXT, CONTINUATION}:
            fragments = self._fragments = self._fragments or []
            fragments.append(payload)
            if is_final:
                self._fragments = None
                messages.append(b"".join(fragments))


def _raise(code: int) -> None:
    if code not in {0, errno.EINPROGRESS}:
        raise OSError(code, errno.errorcode.get(code, str(code)))
