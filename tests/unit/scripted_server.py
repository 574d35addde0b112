"""A WebSocket server that does what a test says: one function serves each connection, in a thread."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from benchmarks.client.frames import accept_of, mask
from benchmarks.client.http_wire import HEAD_END, Target, header_value

PATIENCE_S = 20.0


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number  # counted from 0, over all connections
        self.address: str = sock.getpeername()[0]
        self.head = b""
        self._rest = b""

    def upgrade(self) -> None:
        """Answer the handshake as it should be."""
        key = self.ask()
        self.sock.sendall(
            b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: " + accept_of(key).encode() + HEAD_END
        )

    def ask(self) -> bytes:
        """Read the handshake; returns its key."""
        while HEAD_END not in self._rest:
            self._rest += self._more()
        self.head, _, self._rest = self._rest.partition(HEAD_END)
        return (header_value(self.head, b"sec-websocket-key") or "").encode()

    def hear(self) -> tuple[int, bytes]:
        """The next frame of the client: its first byte, and the payload without its mask."""
        while True:
            data = self._rest
            size = data[1] & 0x7F if len(data) > 1 else 0
            start = 4 if size == 126 else 2
            if size == 126 and len(data) >= 4:
                size = int.from_bytes(data[2:4], "big")
            if len(data) > 1 and len(data) >= start + 4 + size:
                assert data[1] & 0x80, "a client masks"
                payload = mask(data[start + 4 : start + 4 + size], data[start : start + 4])
                self._rest = data[start + 4 + size :]
                return data[0], payload
            self._rest += self._more()

    def say(self, payload: bytes, first: int = 0x81) -> None:
        """Send one frame of the server's."""
        self.sock.sendall(frame(payload, first))

    def _more(self) -> bytes:
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionResetError
        return data


def frame(payload: bytes, first: int = 0x81) -> bytes:
    """One frame as a server sends it."""
    size = len(payload)
    head = bytes((first, size)) if size < 126 else bytes((first, 126)) + size.to_bytes(2, "big")
    return head + payload


@contextlib.contextmanager
def scripted_server(serve: Callable[[Peer], None]) -> Iterator[Target]:
    """Serve every connection by the function; one whose client goes away ends by that."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    peers: list[socket.socket] = []

    def run(peer: Peer) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, OSError):
            serve(peer)
        peer.sock.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.settimeout(PATIENCE_S)
                peers.append(sock)
                threading.Thread(target=run, args=(Peer(sock, len(peers) - 1),), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield Target("127.0.0.1", listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for sock in peers:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
