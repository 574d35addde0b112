"""The same bytes down both ways: to a web process that answers plain requests at the connection, and not."""

import asyncio
import contextlib
import itertools
import re
import socket
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import jwt

from models.enums import Role, SaleStatus
from models.tables.accounts import User
from tasks.intents.submit import submit_intent
from tasks.sales import lifecycle
from tests.integration.socket_shop import Shop
from tests.support.raw_requests import DECIDED, END, QUEUED, Script
from web.auth.issue import TokenPair, issue_access, issue_pair
from web.shop.assets import FOLDER, Assets

LANES: Final = 24  # connections at once
DEADLINE_S: Final = 30.0
INTENTS: Final = "4/day"  # an account, so that some are refused
PING: Final = (
    b"POST /api/v1/sales/00000000-0000-4000-8000-000000000000/intents HTTP/1.1\r\nHost: shop\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)

_COUNTS: Final = (b"http_requests_total{", b"http_request_seconds_count{")
_ID: Final = rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_OWN: Final[Sequence[tuple[re.Pattern[bytes], bytes]]] = [  # what differs though it is the same
    (re.compile(_ID), b"<id>"),
    (re.compile(rb"//127\.0\.0\.1:[0-9]+/"), b"//<own>/"),  # where who names no host is redirected to
    (re.compile(rb"Date: [^\r]+"), b"Date: <date>"),
    (re.compile(rb"Retry-After: [0-9]{2,}"), b"Retry-After: <long>"),
    (re.compile(rb"X-Request-ID: [0-9a-f]{24}\r"), b"X-Request-ID: <made>\r"),
    (re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"), b"<time>"),
    (re.compile(rb'"(ticket|position|waiting|last_ticket)":[0-9]+'), rb'"\1":<number>'),
    (re.compile(rb'ETag: "[^"]*"'), b"ETag: <tag>"),
    (re.compile(rb'"eta_seconds":(?:[0-9]+|null)'), b'"eta_seconds":<some>'),
    (re.compile(rb"Content-Length: [0-9]{3,}"), b"Content-Length: <some>"),  # of bodies with such numbers
]


@dataclass(frozen=True, slots=True)
class Way:
    """A shop whose process answers in one way, and what stands for a script's words there."""

    shop: Shop
    words: Mapping[bytes, bytes]
    polled: Mapping[bytes, uuid.UUID]  # sales: an intent in one waits for its verdict, in the other has it
    expired: bytes
    revoked: bytes

    @classmethod
    def opened(cls, place: Path, database_url: str, **environment: str) -> Self:
        """Start a shop with sales in every state."""
        same_order = {"PYTHONHASHSEED": "0"}  # of the methods that are told with a 405
        shop = Shop(
            place, database_url, RATE_LIMIT_INTENTS=INTENTS, ACCESS_LOG="1", **same_order, **environment
        )
        gone = shop.make_shopper()
        shop.revoke(gone)  # before the process reads for the first time who is
        shop.start()
        open_, paused, ended = (shop.open_sale(allocation=100_000, limit=2) for _ in range(3))
        lifecycle.move_sale(shop.context, paused, SaleStatus.PAUSED)
        lifecycle.move_sale(shop.context, ended, SaleStatus.ENDED)
        quiet = shop.open_sale()
        sales = {
            b"@QUIET@": quiet,
            b"@OPEN@": open_,
            b"@PAUSED@": paused,
            b"@ENDED@": ended,
            b"@NOWHERE@": uuid.uuid4(),
        }
        polled = {QUEUED: shop.open_sale(allocation=100_000), DECIDED: shop.open_sale(allocation=100_000)}
        words = {name: str(sale_id).encode() for name, sale_id in sales.items()}
        words[b"@MARK@"] = Assets(FOLDER, are_settled=True).root().rpartition("/")[2].encode()
        words[b"@NOBODYS@"] = shop.submit(gone, polled[QUEUED])["id"].encode()
        with shop._app.app_context():
            expired = issue_access(uuid.uuid4(), Role.SHOPPER, uuid.uuid4(), ttl_s=-60)
        return cls(
            shop,
            words,
            polled,
            expired.encode(),
            gone.token.encode(),
        )

    def texts(self, scripts: Sequence[Script]) -> list[bytes]:
        """Write scripts' bytes for this way, each with a shopper of its own."""
        shoppers = [uuid.uuid4() for _ in scripts]
        with self.shop.context.database.transaction() as session:  # who is decided upon has an account
            session.add_all(User(id=one, email=f"{one}@example.com", role=Role.SHOPPER) for one in shoppers)
        with self.shop._app.app_context():
            pairs = [issue_pair(one, Role.SHOPPER, uuid.uuid4(), uuid.uuid4()) for one in shoppers]
        texts = [self._fill(script, pair) for script, pair in zip(scripts, pairs, strict=True)]
        while any(script.polls for script in scripts) and self.shop.drain(self.polled[DECIDED]):
            pass
        return texts

    def _fill(self, script: Script, pair: TokenPair) -> bytes:
        claims = jwt.decode(pair.access_token, options={"verify_signature": False})
        words = {
            **self.words,
            b"@TOKEN@": pair.access_token.encode(),
            b"@REFRESH@": pair.refresh_token.encode(),
            b"@EXPIRED@": self.expired,
            b"@REVOKED@": self.revoked,
            b"@CSRF@": claims["csrf"].encode(),
        }
        if script.polls:
            asking = uuid.UUID(claims["sub"])
            for word, sale_id in self.polled.items():
                words[word] = submit_intent(self.shop.context, asking, sale_id)["id"].encode()
        text = script.text
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        return text


@contextlib.contextmanager
def both_ways(place: Path, database_url: str, **environment: str) -> Iterator[tuple[Way, Way]]:
    """The reference, which leaves everything to gunicorn and Flask, and the one that does not."""
    with contextlib.ExitStack() as stack:
        ways = []
        for name, is_on in (("reference", "0"), ("connection", "1")):
            (place / name).mkdir()
            way = Way.opened(place / name, database_url, PLAIN_REQUESTS=is_on, **environment)
            stack.callback(way.shop.close)
            ways.append(way)
        yield ways[0], ways[1]


def differences(ways: tuple[Way, Way], scripts: Sequence[Script]) -> list[str]:
    """Send each script both ways; describe every one that is answered differently."""
    cuts = [script.cuts for script in scripts]
    heard = [asyncio.run(_play_all(way, list(zip(way.texts(scripts), cuts, strict=True)))) for way in ways]
    return [
        f"{script}\n-- reference\n{one!r}\n-- connection\n{other!r}"
        for script, one, other in zip(scripts, *heard, strict=True)
        if one != other
    ]


def counted(way: Way) -> Counter[str]:
    """What the metrics counted, and the log of accesses without its times and bytes of bodies."""
    with urllib.request.urlopen(f"http://127.0.0.1:{way.shop.port}/metrics") as answer:
        metrics = [line.decode().strip() for line in answer if line.startswith(_COUNTS)]
    lines = [mask(line.encode()).decode() for line in way.shop.log.splitlines() if " - - [" in line]
    accesses = (re.sub(r"\[[^]]*\]|(?<=\" [0-9]{3}) [0-9]+", "", line) for line in lines)
    return Counter(line for line in (*accesses, *metrics) if "/metrics" not in line)


def mask(said: bytes) -> bytes:
    """What was said, without what differs though it is the same."""
    for pattern, word in _OWN:
        said = pattern.sub(word, said)
    return said


async def _play_all(way: Way, written: Sequence[tuple[bytes, Sequence[float]]]) -> list[bytes]:
    waiting = list(enumerate(written))[::-1]
    heard = [b""] * len(written)

    async def lane() -> None:
        with _connected(way.shop.port) as pinging:
            while waiting:
                number, (text, cuts) = waiting.pop()
                heard[number] = await asyncio.wait_for(_play(way, text + END, cuts, pinging), DEADLINE_S)

    await asyncio.gather(*(lane() for _ in range(LANES)))
    return heard


async def _play(way: Way, text: bytes, parts: Sequence[float], pinging: socket.socket) -> bytes:
    """Send a script and nothing more; what is answered until the other side ends it."""
    cuts = [0, *sorted({int(part * len(text)) for part in parts}), len(text)]
    loop = asyncio.get_running_loop()
    with _connected(way.shop.port) as client, contextlib.suppress(ConnectionError):
        hearing = asyncio.ensure_future(_hear(client))
        for begin, end in itertools.pairwise(cuts):
            if begin:
                await _ping(pinging)  # the server has looked at what came so far
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(client, text[begin:end])
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
        return mask(await hearing)
    raise AssertionError


async def _ping(pinging: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(pinging, PING)
    said = b""
    while not said.endswith(b"}"):
        said += await loop.sock_recv(pinging, 65536)


async def _hear(client: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := await asyncio.get_running_loop().sock_recv(client, 65536):
            said += part
    return said


@contextlib.contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        yield client
