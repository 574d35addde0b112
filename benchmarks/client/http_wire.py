"""HTTP/1.1 on the wire, for clients that must be light: requests, answers, keep-alive connections.

One request is in flight a connection (no pipelining). It knows nothing of the shop, nor of retries.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

HEAD_END: Final = b"\r\n\r\n"


class HttpProtocolError(ConnectionError):
    """The server answered something that is not HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def of(cls, url: str) -> "Target":
        """Read a base URL such as `http://127.0.0.1:8000`.

        Raises:
            ValueError: the URL is not http or https, or names no host.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an http(s) URL")
        tls = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls)

    @property
    def is_here(self) -> bool:
        """Whether that is this machine, to which other loopback addresses lead as well."""
        return self.host in {"127.0.0.1", "localhost"}

    @property
    def authority(self) -> str:
        """What goes into the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """The context for `create_connection`, or nothing for plain HTTP."""
        return ssl.create_default_context() if self.tls else None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Times are `time.monotonic_ns`, which every process of a Linux machine shares."""

    status: int
    head: bytes
    body: bytes
    sent_ns: int
    received_ns: int

    def header(self, name: str) -> str | None:
        """The value of one header, or nothing."""
        return header_value(self.head, name.lower().encode())

    def json(self) -> Any:
        """The body read as JSON.

        Raises:
            HttpProtocolError: the body is not JSON.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise HttpProtocolError(
                f"{self.status} with a body that is not JSON: {self.body[:200]!r}"
            ) from error


def header_value(head: bytes, name: bytes) -> str | None:
    """Find a header (its name in lower case) in a response's head."""
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip().decode("latin-1")


def build_request(
    method: str, path: str, target: Target, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Lay out a request once, so that a load can send the same bytes many times."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class HttpConnection(asyncio.Protocol):
    """A keep-alive connection that carries one request at a time and calls back with its answer."""

    __slots__ = (
        "_buffer",
        "_failed",
        "_need",
        "_on_lost",
        "_on_response",
        "_transport",
        "busy",
        "reusable",
        "sent_ns",
    )

    def __init__(
        self,
        on_response: Callable[["HttpConnection", Response], None],
        on_lost: Callable[["HttpConnection", Exception], None],
    ) -> None:
        self._on_response = on_response
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._failed = False
        self._need = 0  # bytes that the answer takes at least, once its head is known
        self.busy = False
        self.reusable = True
        self.sent_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream protocol gets a stream
        self._transport = transport

    def send(self, request: bytes) -> None:
        """Write one whole request; its answer comes by callback."""
        assert self._transport is not None and not self.busy  # noqa: S101, PT018
        self.busy = True
        self.sent_ns = time.monotonic_ns()
        self._transport.write(request)

    def close(self) -> None:
        """Drop the connection at once."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Collect the answer; hand it on when it is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        if len(self._buffer) < self._need:
            return
        try:
            self._take_answer(at_end=False)
        except (HttpProtocolError, ValueError) as error:
            self._fail(HttpProtocolError(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on an answer that ends with the connection, or say that it broke."""
        self.reusable = False
        if self.busy and self._buffer and exc is None:
            try:
                self._take_answer(at_end=True)
            except (HttpProtocolError, ValueError) as error:
                self._fail(HttpProtocolError(str(error)))
                return
        self._fail(exc or ConnectionResetError("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if self._failed:
            return
        self._failed = True
        self.close()
        self._on_lost(self, error)
        self.busy = False

    def _take_answer(self, *, at_end: bool) -> None:
        buffer = self._buffer
        head_size = buffer.find(HEAD_END)
        if head_size < 0:
            return
        head = buffer[:head_size]
        body, self._need = read_body(head, buffer[head_size + 4 :], at_end=at_end)
        if body is None:
            self._need += head_size + 4
            return
        received_ns = time.monotonic_ns()
        self._buffer, self._need, self.busy = b"", 0, False
        if b"\r\nconnection: close" in head.lower():
            self.reusable = False
        self._on_response(self, Response(int(head[9:12]), head, body, self.sent_ns, received_ns))


def read_body(head: bytes, rest: bytes, *, at_end: bool) -> tuple[bytes | None, int]:
    """Take a body out of what followed its head: (body, 0), or (None, bytes known to be needed).

    Raises:
        HttpProtocolError: the status line is not HTTP/1, or more came than was announced.
    """
    if not head.startswith(b"HTTP/1."):
        raise HttpProtocolError(f"not an HTTP/1 answer: {head[:40]!r}")
    length = header_value(head, b"content-length")
    if length is not None:
        need = int(length)
        if len(rest) > need:
            raise HttpProtocolError(f"{len(rest) - need} bytes more than the announced {need}")
        return (rest, 0) if len(rest) == need else (None, need)
    if head[9:12] in {b"204", b"304"}:
        return b"", 0
    if header_value(head, b"transfer-encoding") is not None:
        return (join_chunks(rest), 0) if rest.endswith(b"0\r\n\r\n") else (None, 0)
    return (rest, 0) if at_end else (None, 0)


def join_chunks(data: bytes) -> bytes | None:
    """Decode a chunked body, or nothing while it is not whole."""
    parts: list[bytes] = []
    at = 0
    while (line_end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line_end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(data[line_end + 2 : line_end + 2 + size])
        at = line_end + 2 + size + 2
    return None
