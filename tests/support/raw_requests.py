"""Makes requests as bytes, plain ones and such as are odd in all ways that HTTP knows, by a seed.

Words between `@` stand for tokens and ids, which differ between two servers.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

END: Final = b"GET /healthz HTTP/1.1\r\nHost: shop\r\nX-Request-ID: the-end\r\n\r\n"

TARGETS: Final[Sequence[bytes]] = (
    b"/api/v1/sales/@OPEN@/intents/",
    b"/api/v1/sales/@OPEN@/intents?a=b",
    b"/api/v1/sales/@OPEN@/intents#a",
    b"/api/v1/sales//@OPEN@/intents",
    b"/api/v1/sales/%40/intents",
    b"/api/v1/sales/@OPEN@%2Fintents",
    b"/api/v1/sales/@OPEN@/intent%73",
    b"/api/v1/sales/@OPEN@",
    b"/api/v1/sales/x/intents",
    b"/api/v1/sales/AAAAAAAA-bbbb-4ccc-8ddd-EEEEEEEEEEEE/intents",
    b"/api/v1/sales/../sales/@OPEN@/intents",
    b"http://shop/api/v1/sales/@OPEN@/intents",
    b"api/v1/sales/@OPEN@/intents",
    b"*",
    b"/api/v1/sales/@OPEN@/intents\x80",
    b"/api/v1/intents",
    b"/api/v1/intents/@QUEUED@?a=b",
    b"/api/v1/intents/@QUEUED@/",
)
METHODS: Final = (
    b"GET",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"PATCH",
    b"post",
    b"POSTS",
    b"BREW",
    b"CONNECT",
)
VERSIONS: Final = (b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.1 ", b"http/1.1", b"HTTP/01.1", b"")
HOSTS: Final = (
    b"shop.example:8000",
    b"[::1]:80",
    b"a..b",
    b"x" * 64 + b".example",
    b"sh op",
    b"shop\xe9",
    b"",
    b"shop:port",
    b"user@shop",
    b"shop, shop",
    b"shop.",
    b"127.0.0.1",
    b"xn--shop-7qa.example",
)
TYPES: Final = (
    b"application/json; charset=utf-8",
    b"Application/JSON",
    b"text/plain",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"",
    b"application/json,application/json",
)
LENGTHS: Final = (
    b"+14",
    b"014",
    b"14, 14",
    b"-1",
    b"1e1",
    b"",
    b"0",
    b"3",
    b"40",
    b"99999999999999999999",
    b"14 ",
    b"\xb2",
)
TOKENS: Final = (
    b"Bearer @EXPIRED@",
    b"Bearer @REVOKED@",
    b"Bearer @REFRESH@",
    b"Bearer @TOKEN@x",
    b"Bearer  @TOKEN@",
    b"bearer @TOKEN@",
    b"Bearer\t@TOKEN@",
    b"Bearer @TOKEN@ ",
    b"Basic c2hvcDpzaG9w",
    b"@TOKEN@",
    b"Bearer",
    b"Bearer " + b"x" * 5000,
    b"Bearer \xe9",
    b"Bearer a.b.c",
    b"",
)
COOKIES: Final = (
    (b"fs_access=@TOKEN@", b"@CSRF@"),
    (b"fs_language=de; fs_access=@TOKEN@; a=b", b"@CSRF@"),
    (b'fs_access="@TOKEN@"', b"@CSRF@"),
    (b"fs_access=@TOKEN@", b"wrong"),
    (b"fs_access=@TOKEN@", None),
    (b"fs_access=@EXPIRED@", b"@CSRF@"),
    (b"fs_access=@REFRESH@", b"@CSRF@"),
    (b"fs_access=", b"@CSRF@"),
    (b"fs_access=other; fs_access=@TOKEN@", b"@CSRF@"),
    (b"__Host-fs_access=@TOKEN@", b"@CSRF@"),
    (b"fs_access=@TOKEN@; odd=\xe9", b"@CSRF@"),
)
KEYS: Final = (b"one", b"two", b"two words", b"x" * 128, b"x" * 129, b"", b"k\xe9y", b"a,b")
MORE: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"X-Request-ID", b"seen-elsewhere.1"),
    (b"X-Request-ID", b"not sane"),
    (b"X-Forwarded-For", b"203.0.113.7"),
    (b"X-Forwarded-For", b"203.0.113.7, 198.51.100.2"),
    (b"X-Forwarded-For", b"nonsense"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Protocol", b"ssl"),
    (b"X-Forwarded-Ssl", b"on"),
    (b"X-Forwarded-Host", b"elsewhere.example"),
    (b"X-Forwarded-Host", b"a..b"),
    (b"X-Forwarded-Prefix", b"/shop"),
    (b"Forwarded", b"for=203.0.113.7"),
    (b"X-Real-IP", b"203.0.113.7"),
    (b"X_Request_ID", b"underscored"),
    (b"Script_Name", b"/api"),
    (b"Expect", b"100-continue"),
    (b"Expect", b"nothing"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Transfer-Encoding", b"gzip"),
    (b"Transfer-Encoding", b"identity"),
    (b"TE", b"trailers"),
    (b"Trailer", b"X-Last"),
    (b"Connection", b"close"),
    (b"Connection", b"Keep-Alive"),
    (b"Connection", b"keep-alive, x"),
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"h2c"),
    (b"Upgrade", b"websocket"),
    (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
    (b"Accept", b"text/html"),
    (b"Accept-Encoding", b"gzip"),
    (b"Accept-Language", b"de"),
    (b"Origin", b"https://elsewhere.example"),
    (b"If-Modified-Since", b"Mon, 99 Foo 99999 99:99:99 GMT"),
    (b"If-Match", b'"1"'),
    (b"Range", b"bytes=0-1"),
    (b"Content-Encoding", b"gzip"),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"X-Empty", b""),
    (b"X-High", b"\x80\xff"),
    (b"X-Tab", b"\ta\tb\t"),
    (b"X-Nul", b"a\x00b"),
    (b"X-Del", b"a\x7fb"),
    (b"X-Feed", b"a\nHost: other"),
    (b"X-Return", b"a\rb"),
    (b"X-Folded", b"a\r\n b"),
    (b"X-Long", b"x" * 8000),
    (b"X-Longer", b"x" * 9000),
    (b"Odd Name", b"a"),
    (b"Odd\x80Name", b"a"),
    (b"Name ", b"a"),
    (b"", b"nameless"),
    (b" Name", b"a"),
    (b"Na!#$%&'*+.^`|~me", b"a"),
    (b"User-Agent", b"Mozilla/5.0 (X11)"),
)
BODIES: Final = (
    b"{}",
    b'{"quantity":2}',
    b'{"quantity":3}',
    b'{"quantity":1,"accept_fewer":true}',
    b'{"quantity": 2, "accept_fewer": false}',
    b'{"quantity":0}',
    b'{"quantity":"1"}',
    b'{"quantity":1.0}',
    b'{"colour":"red"}',
    b'{"quantity":1,"quantity":2}',
    b"[]",
    b"null",
    b"{",
    b" ",
    b"\xff\xfe",
    b'{"quantity":1}' + b" " * 60,
    b"",
    b'{"quantity":99999999999999999999}',
)
PLAIN_BODY: Final = b'{"quantity":1}'
QUEUED: Final = b"@QUEUED@"  # an intent of the script's own shopper
DECIDED: Final = b"@DECIDED@"
POLLS: Final = 0.3  # of the requests read something
READ: Final[Sequence[bytes]] = (
    *(b"/api/v1/intents/" + asked for asked in (QUEUED, DECIDED, b"@NOBODYS@")),
    *(b"/api/v1/sales/" + sale for sale in (b"@QUIET@", b"@QUIET@", b"@NOWHERE@")),
    *(b"/static/@MARK@/js/" + file for file in (b"common/words.js", b"no.js")),
    b"/static/v-0/js/common/words.js",
)
MANY: Final = 110  # headers; gunicorn takes 100


@dataclass(slots=True)
class Request:
    """A request before it is written."""

    method: bytes = b"POST"
    target: bytes = b"/api/v1/sales/@OPEN@/intents"
    version: bytes = b"HTTP/1.1"
    headers: list[tuple[bytes, bytes]] = field(
        default_factory=lambda: [
            (b"Host", b"shop"),
            (b"Content-Type", b"application/json"),
            (b"Authorization", b"Bearer @TOKEN@"),
        ]
    )
    body: bytes = PLAIN_BODY
    length: bytes | None = None  # as it is said, where that is not the body's
    is_chunked: bool = False
    before: bytes = b""
    line_end: bytes = b"\r\n"

    def put(self, name: bytes, value: bytes | None) -> None:
        """Set a header; without a value leave it out."""
        self.headers = [(one, said) for one, said in self.headers if one.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def written_with(self, name: bytes, value: bytes) -> bytes:
        """Write it with one more header."""
        self.put(name, value)
        return self.write()

    def write(self) -> bytes:
        """Write it."""
        headers, body = list(self.headers), self.body
        if self.is_chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        elif self.length != b"none":
            headers.append((b"Content-Length", b"%d" % len(body) if self.length is None else self.length))
        lines = [b" ".join(filter(None, (self.method, self.target, self.version)))]
        lines += [b"%b: %b" % header for header in headers]
        return self.before + self.line_end.join([*lines, b"", b""]) + body


@dataclass(frozen=True, slots=True)
class Script:
    """What is said on one connection, and where it is cut into packets, as parts of its length."""

    text: bytes
    cuts: tuple[float, ...] = ()

    @property
    def polls(self) -> bool:
        """Whether it asks for intents that have to be there before."""
        return QUEUED in self.text or DECIDED in self.text


def make_script(chance: random.Random) -> Script:
    """Make a connection's requests: some plain, some odd in one way or two."""
    requests = [_make_request(chance) for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5)))]
    cuts = tuple(chance.random() for _ in range(chance.choice((0, 0, 0, 1, 1, 2))))
    return Script(b"".join(request.write() for request in requests), cuts)


def _make_request(chance: random.Random) -> Request:
    request = _poll(chance) if chance.random() < POLLS else Request()
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2))):
        chance.choice(_ODDITIES)(request, chance)
    return request


def _poll(chance: random.Random) -> Request:
    request = Request(b"GET", chance.choice(READ), body=b"", length=b"none")
    request.put(b"Content-Type", None)
    if chance.random() < 0.2:
        request.method = b"HEAD"
    if chance.random() < 0.2:
        request.put(b"If-None-Match", chance.choice((b"*", b'"other"', b"odd")))
    return request


def _sale(request: Request, chance: random.Random) -> None:
    which = chance.choice((b"@PAUSED@", b"@ENDED@", b"@NOWHERE@"))
    request.target = request.target.replace(b"@OPEN@", which)


def _target(request: Request, chance: random.Random) -> None:
    request.target = chance.choice(TARGETS)


def _method(request: Request, chance: random.Random) -> None:
    request.method = chance.choice(METHODS)


def _version(request: Request, chance: random.Random) -> None:
    request.version = chance.choice(VERSIONS)


def _host(request: Request, chance: random.Random) -> None:
    request.put(b"Host", chance.choice((*HOSTS, None)))


def _type(request: Request, chance: random.Random) -> None:
    request.put(b"Content-Type", chance.choice((*TYPES, None)))


def _token(request: Request, chance: random.Random) -> None:
    request.put(b"Authorization", chance.choice((*TOKENS, None)))


def _cookie(request: Request, chance: random.Random) -> None:
    cookie, csrf = chance.choice(COOKIES)
    request.put(b"Authorization", None)
    request.put(b"Cookie", cookie)
    request.put(b"X-CSRF-TOKEN", csrf)


def _key(request: Request, chance: random.Random) -> None:
    request.put(b"Idempotency-Key", chance.choice(KEYS))


def _more(request: Request, chance: random.Random) -> None:
    request.headers.insert(chance.randrange(len(request.headers) + 1), chance.choice(MORE))


def _twice(request: Request, chance: random.Random) -> None:
    if request.headers:
        name, value = chance.choice(request.headers)
        request.headers.append(
            (chance.choice((name, name.upper(), name.lower())), chance.choice((value, b"x")))
        )


def _many(request: Request, chance: random.Random) -> None:
    count = chance.choice((20, 70, MANY))
    request.headers += [(b"X-Number-%d" % number, b"%d" % number) for number in range(count)]


def _body(request: Request, chance: random.Random) -> None:
    request.body = chance.choice(BODIES)


def _length(request: Request, chance: random.Random) -> None:
    request.length = chance.choice((*LENGTHS, b"none"))


def _chunked(request: Request, chance: random.Random) -> None:
    request.is_chunked = True
    if chance.random() < 0.2:
        request.headers.append((b"Content-Length", b"14"))


def _before(request: Request, chance: random.Random) -> None:
    request.before = chance.choice((b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\x00", b"\r"))


def _ends(request: Request, chance: random.Random) -> None:
    request.line_end = chance.choice((b"\n", b"\r", b"\r\n "))


_ODDITIES: Final[Sequence[Callable[[Request, random.Random], None]]] = (
    *(_sale, _target, _method, _version, _host, _type, _token, _token, _cookie, _cookie, _key, _key, _key),
    *(_more, _more, _more, _more, _twice, _many, _body, _body, _body, _length, _chunked, _before, _ends),
)
