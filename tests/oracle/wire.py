"""Bytes to a web server and what comes back, with no library between that would put anything right."""

import http.client
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

TIMEOUT_S: Final = 30.0
Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent. A header that is there twice is sent twice."""

    method: bytes = b"GET"
    target: bytes = b"/"
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    version: bytes = b"HTTP/1.1"

    @property
    def raw(self) -> bytes:
        """What goes over the wire."""
        lines = b"".join(b"%s: %s\r\n" % header for header in self.headers)
        return b"%s %s %s\r\n%s\r\n" % (self.method, self.target, self.version, lines) + self.body

    def with_headers(self, *headers: Header) -> "Request":
        """The same with more headers."""
        return Request(self.method, self.target, (*self.headers, *headers), self.body, self.version)

    def with_body(self, body: bytes) -> "Request":
        """The same with a body, which may be empty; JSON if it is not."""
        size = (b"Content-Length", b"%d" % len(body))
        kind = ((b"Content-Type", b"application/json"),) if body else ()
        return Request(self.method, self.target, (*self.headers, size, *kind), body, self.version)

    def is_asked_by(self, *names: bytes) -> bool:
        """Whether it has a header of one of these names, in whatever letters."""
        return any(name.strip().lower() in names for name, _ in self.headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]  # by lower-case names; what came twice is joined
    body: bytes


def ask(port: int, raw: bytes, *, is_head: bool = False) -> Answer | None:
    """Send bytes on a connection of their own and say that no more come; None where no answer comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as sock:
        with suppress(OSError):  # it has heard enough
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(sock, method="HEAD" if is_head else "GET")
        try:
            answer.begin()
            if answer.status == http.client.SWITCHING_PROTOCOLS:
                return Answer(answer.status, _headers(answer), b"")
            return Answer(answer.status, _headers(answer), answer.read())
        except (http.client.HTTPException, ConnectionResetError):
            return None
        finally:
            answer.close()


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in answer.getheaders():
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found
