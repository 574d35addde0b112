"""Makes requests that no client would send, always the same ones for a seed."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from tests.oracle.odd_values import (
    BODIES,
    BROKEN_LINES,
    CHUNKS,
    CODINGS,
    COOKIES,
    CREDENTIALS,
    DATES,
    HOSTS,
    KINDS,
    LANGUAGES,
    LENGTHS,
    METHODS,
    PARAMETERS,
    RANGES,
    SENSIBLE,
    TAGS,
    VALUES,
    WORDS,
)
from tests.oracle.routes import Route
from tests.oracle.wire import Header, Request

_ODD_NAMES: Final = (b"SCRIPT_NAME", b"PATH_INFO", b"REMOTE_USER", b"X_Forwarded_For", b"wsgi.input")
_FORWARDED: Final = (
    b"X-Forwarded-For",
    b"X-Forwarded-Host",
    b"X-Forwarded-Proto",
    b"X-Forwarded-Prefix",
    b"Forwarded",
)
_TOKENS: Final = (
    b"Idempotency-Key",
    b"X-Request-ID",
    b"X-CSRF-TOKEN",
    b"Sandbox-Signature",
    b"Stripe-Signature",
    b"Origin",
)
_LISTS: Final = (
    b"Accept",
    b"Accept-Encoding",
    b"Accept-Charset",
    b"Connection",
    b"Expect",
    b"Upgrade",
    b"Via",
)
_SOCKETS: Final = (
    b"Sec-WebSocket-Key",
    b"Sec-WebSocket-Version",
    b"Sec-WebSocket-Protocol",
    b"Sec-WebSocket-Extensions",
)
_DATED: Final = (b"If-Modified-Since", b"If-Unmodified-Since", b"If-Range", b"Date")
_HANDSHAKE: Final = (
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)


T = TypeVar("T")


class Oddities:
    """Requests made of what is odd, on the routes that there are."""

    def __init__(self, routes: Sequence[Route], tokens: Sequence[str], ids: Sequence[str], seed: int) -> None:
        self._routes = routes
        self._parameters = (*PARAMETERS, *{one.encode() for route in routes for one in route.parameters})
        self._words = (*WORDS, *(one.encode() for one in ids))
        self._values = (*VALUES, *ids)
        self._tokens = [b"Bearer " + token.encode() for token in tokens]
        self._chance = random.Random(seed)
        self._kinds: tuple[Callable[[], Iterator[Header]], ...] = (
            lambda: self._one(b"Accept-Language", LANGUAGES),
            lambda: self._one(b"Accept-Language", (self._tag(),)),
            lambda: self._one(b"Host", HOSTS),
            lambda: self._one(b"Authorization", CREDENTIALS),
            lambda: self._one(b"Cookie", COOKIES),
            lambda: self._one(b"Content-Length", LENGTHS),
            lambda: self._one(b"Transfer-Encoding", CODINGS),
            lambda: self._one(b"Content-Type", KINDS),
            lambda: self._one(self._any(*_DATED), DATES),
            lambda: self._one(self._any(b"If-None-Match", b"If-Match"), TAGS),
            lambda: self._one(b"Range", RANGES),
            lambda: self._one(self._any(*_ODD_NAMES), (b"/admin", b"/static", b"x", b"\xff")),
            lambda: self._one(self._any(*_FORWARDED, *_TOKENS), (*HOSTS, *WORDS, self._bytes())),
            lambda: self._one(self._any(*_LISTS, *_SOCKETS), (*WORDS, self._bytes(), b"gzip;q=x")),
            lambda: iter(_HANDSHAKE),
        )  # fmt: skip

    def raw(self) -> tuple[Request, bytes]:
        """The next request, and the bytes of it; some are none at all."""
        if self._chance.random() < 0.08:
            broken = self._any(*BROKEN_LINES)
            return Request(headers=((b"Accept", b"*/*"),)), broken
        request = self.request()
        return request, request.raw

    def request(self) -> Request:
        """The next request that has at least a method, a target and headers."""
        headers = [
            header for _ in range(self._chance.randint(1, 3)) for header in self._chance.choice(self._kinds)()
        ]
        is_named = any(name == b"Host" for name, _ in headers) or self._chance.random() < 0.1
        first = () if is_named else ((b"Host", b"shop.example"),)
        is_chunked = any(name == b"Transfer-Encoding" for name, _ in headers)
        route = self._any(*self._routes)
        body = self._any(*CHUNKS) if is_chunked else self._body(route)
        if not any(name in {b"Content-Length", b"Transfer-Encoding"} for name, _ in headers):
            headers.append((b"Content-Length", b"%d" % len(body)))
        if self._chance.random() < 0.6 and not any(name == b"Authorization" for name, _ in headers):
            headers.append((b"Authorization", self._any(*self._tokens)))
        if body.startswith(b"{") and not any(name == b"Content-Type" for name, _ in headers):
            headers.append((b"Content-Type", b"application/json"))
        method = route.method if self._chance.random() < 0.8 else self._any(*METHODS)
        return Request(method, self._oddly(route), (*first, *headers), body)

    def _body(self, route: Route) -> bytes:
        """Mostly an object as the route takes it, with something odd in it."""
        if not route.fields or self._chance.random() < 0.2:
            return self._any(*BODIES)
        said = {name: SENSIBLE[name] for name in route.fields if name in SENSIBLE}
        said[self._any(*route.fields)] = self._any(*self._values)
        return json.dumps(said).encode()

    def _oddly(self, route: Route) -> bytes:
        chance, target = self._chance.random(), route.target
        if chance < 0.1:
            return target + b"/" + self._any(*WORDS)
        if chance < 0.2:
            return target.rpartition(b"/")[0] + b"/" + self._any(*WORDS)
        if chance < 0.7:
            return target + b"?" + b"&".join(self._said(route) for _ in range(self._chance.randint(1, 2)))
        return target

    def _said(self, route: Route) -> bytes:
        name = self._any(*(one.encode() for one in route.parameters)) if route.parameters else b""
        if not name or self._chance.random() < 0.2:
            name = self._any(*self._parameters)
        return name + b"=" + self._any(*self._words)

    def _one(self, name: bytes, values: Sequence[bytes]) -> Iterator[Header]:
        value = self._any(*values)
        return iter([(name, value)] * (2 if self._chance.random() < 0.05 else 1))

    def _tag(self) -> bytes:
        """A language that nobody named before."""
        letters = b"abcdefghijklmnopqrstuvwxyz"
        language = self._any(
            b"en", b"de", bytes(self._chance.choices(letters, k=2)), bytes(self._chance.choices(letters, k=3))
        )
        return language + b"-" + bytes(self._chance.choices(letters, k=self._any(2, 3, 4, 8)))

    def _bytes(self) -> bytes:
        return bytes(self._chance.choices([byte for byte in range(1, 256) if byte not in b"\r\n"], k=20))

    def _any(self, *choices: T) -> T:
        return self._chance.choice(choices)
