"""A proxy in front of a Unix socket that loses what a test tells it to lose."""

import contextlib
import socket
import threading
from enum import StrEnum
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 20
ANSWER_S: Final = 10.0


class Loss(StrEnum):
    """What happens to the next request that matches."""

    REPLY = "reply"  # it is carried out, and its reply is lost
    REQUEST = "request"  # it never arrives
    DELAY = "delay"  # it arrives when the test says so
    ORPHAN = "orphan"  # the sender is cut off at once, and it arrives when the test says so


class LossyProxy:
    """Forwards request by request; each connection has one at a time, as redis-py's do."""

    def __init__(self, target: Path, place: Path) -> None:
        self.path = place / "proxy.sock"
        self.url = f"unix://{self.path}?db=0"
        self.lost = threading.Event()
        self.go_on = threading.Event()
        self.arrived = threading.Event()
        self._target = str(target)
        self._armed: tuple[Loss, bytes] | None = None
        self._mute: socket.socket | None = None  # whose next reply gets lost
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self.path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, what: Loss, mark: str) -> None:
        """Arm it for the next request whose bytes contain `mark`."""
        self.lost.clear()
        with self._lock:
            self._armed = (what, mark.encode())

    def close(self) -> None:
        """Close everything."""
        self.go_on.set()
        for end in (self._server, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect(self._target)
            self._open |= {client, server}
            with contextlib.suppress(OSError):
                answers = threading.Thread(target=self._answer, args=(server, client), daemon=True)
                answers.start()
                while (request := client.recv(CHUNK)) and self._forward(request, client, server):
                    pass
                for end in (server, client):
                    end.shutdown(socket.SHUT_RDWR)
                answers.join(ANSWER_S)
            self._open -= {client, server}

    def _forward(self, request: bytes, client: socket.socket, server: socket.socket) -> bool:
        """Forward a request, or lose it; returns whether the connection lives on."""
        loss = self._loss_of(request, server)
        if loss == Loss.REQUEST:
            self.lost.set()
            return False
        if loss == Loss.ORPHAN:
            client.shutdown(socket.SHUT_RDWR)
        if loss in (Loss.DELAY, Loss.ORPHAN):
            self.lost.set()
            self.go_on.wait()
        server.sendall(request)
        if loss == Loss.ORPHAN:
            self.arrived.wait(ANSWER_S)
        return loss != Loss.ORPHAN

    def _loss_of(self, request: bytes, server: socket.socket) -> Loss | None:
        with self._lock:
            if self._armed is None or self._armed[1] not in request:
                return None
            loss = self._armed[0]
            self._armed = None
            self._mute = server if loss == Loss.REPLY else None
            return loss

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while reply := server.recv(CHUNK):
                if self.go_on.is_set():
                    self.arrived.set()
                if self._is_lost(server):
                    self.lost.set()
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(reply)

    def _is_lost(self, server: socket.socket) -> bool:
        """Whether this is the reply to the request that matched, and to no other's."""
        with self._lock:
            lost = self._mute is server
            if lost:
                self._mute = None
            return lost
