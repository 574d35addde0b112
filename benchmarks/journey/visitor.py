"""One visitor's journey: page, files, log-in, socket, press, verdict, payment, receipt; how long each took.

It does what the shop's pages do: it presses by its socket, by POST with the same key where that is not up.
"""

import asyncio
import gzip
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from benchmarks.client.http import HttpPool, NoAnswer, Tries, persist
from benchmarks.client.http_wire import HttpProtocolError, Response
from benchmarks.client.sockets import Upgrade, text_message
from benchmarks.journey.settings import JourneySettings
from benchmarks.rush.shopper import Errand, Person, Shopper, Spawn
from benchmarks.verify.testimony import Told

LINKS: Final = ("page", "files", "log in", "socket", "intent", "verdict", "last word", "payment", "receipt")
CONNECTIONS: Final = 4  # of one browser to the shop
REQUEST: Final = "press"  # the id of the one intent by socket, which its answer bears
ANSWER_S: Final = 10.0  # for an answer by socket; then the page presses by POST
RETRY_S: Final = 0.5
RETRIED: Final = frozenset({"line_unavailable", "too_many_requests", "not_open"})
LATE: Final = 0.05  # of the visitors, who come within `LATE_S` after the opening
LATE_S: Final = 5.0
_NAMED: Final = re.compile(rb'(?:src|href)="(/static/[^"]+\.(?:js|css))"')


@dataclass(frozen=True, slots=True)
class Ways:
    """How one visitor comes: when, by which credentials, with how warm a cache."""

    comes_s: float  # before the opening; negative after it
    reacts_s: float
    thinks_s: float
    is_new: bool
    email: str | None = None  # who types it has no cookie
    password: str = ""


@dataclass(slots=True)
class Log:
    """What the visitors of one process measured: durations in ns by link, and the statuses of all answers."""

    took: dict[str, list[int]] = field(default_factory=lambda: {link: [] for link in LINKS})
    statuses: Counter[int] = field(default_factory=Counter)
    pressed_by: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


class Switchboard(Protocol):
    """The sockets of the visitors' process."""

    def open(self, visitor: "Visitor") -> None:
        """Have a socket opened for a visitor, and kept open."""

    def say(self, visitor: "Visitor", frames: bytes) -> None:
        """Send frames on a visitor's socket."""


class Visitor(Shopper):
    """A shopper who comes by the front door."""

    def __init__(self, errand: Errand, person: Person, ways: Ways, log: Log, spawn: Spawn) -> None:
        self._pool = HttpPool(errand.target, CONNECTIONS, source=errand.source)
        self._pool.statuses = log.statuses
        super().__init__(errand, self._pool, person, spawn)
        self._ways = ways
        self._log = log
        self._answered = asyncio.Event()
        self._may_retry = False
        self._is_known = ways.email is None  # by a cookie
        self._is_paid = False
        self._socket_ns = 0
        self.has_come = False  # the page and all that it names are there
        self.is_through = False  # the receipt was read, or reading it was given up
        self.purse.thinks_s = ways.thinks_s

    async def travel(self, opens_ns: int, deadline: float, sockets: Switchboard) -> None:
        """Come, and press once the sale is open; what follows is begun by what the socket tells."""
        self._spends_until = deadline
        await _until(opens_ns / 1e9 - self._ways.comes_s)
        try:
            await self._look(deadline)
            if self._ways.email is not None:
                await self._log_in(deadline)
        except (NoAnswer, HttpProtocolError) as error:
            self._log.errors[str(error)] += 1
        self._pool.close()
        self.has_come = True
        self._socket_ns = time.monotonic_ns()
        sockets.open(self)
        await _until(opens_ns / 1e9 + self._ways.reacts_s)
        await self._press(deadline, sockets)

    def come_with(self) -> Upgrade:
        """Say with the socket's handshake who it is and what it watches, as the pages do."""
        headers = {"Origin": f"http://{self._errand.target.authority}", **self._cookie()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"/ws?sale={self._errand.sale_id}&standing=1".encode(), lines.encode()

    def greet(self) -> bytes:
        """Everything was said with the handshake."""
        return b""

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"fs_access={self._token}"} if self._is_known else {}

    async def _look(self, deadline: float) -> None:
        """Read the sale's page, and what it names where that is not in the cache."""
        page = await self._read("page", f"/sales/{self._errand.sale_id}", "text/html", deadline)
        if not self._ways.is_new:
            return
        began = time.monotonic_ns()
        names = {name.decode() for name in _NAMED.findall(gzip.decompress(page.body))}
        await asyncio.gather(*(self._read("file", name, "*/*", deadline) for name in names))
        self._log.took["files"].append(time.monotonic_ns() - began)

    async def _log_in(self, deadline: float) -> None:
        """Type the password; the token that comes back is the session from here on."""
        began = time.monotonic_ns()
        said = {"email": self._ways.email, "password": self._ways.password}
        come = await self._http.post("/api/v1/auth/login", said, key=None, tries=Tries(), deadline=deadline)
        self._log.took["log in"].append(come.received_ns - began)
        self.use_token(str(come.json()["access_token"]))
        self._is_known = True

    async def _press(self, deadline: float, sockets: Switchboard) -> None:
        """Press by socket where it is up; by POST where it is not, or does not answer."""
        try:
            while self.is_connected and time.monotonic() < deadline:
                self._tries.first_sent_ns = self._tries.first_sent_ns or time.monotonic_ns()
                self._answered.clear()
                sockets.say(self, self._intent())
                async with asyncio.timeout(ANSWER_S):
                    await self._answered.wait()
                if not self._may_retry:
                    self._log.pressed_by["socket"] += 1
                    self.has_submitted = True
                    return
                self._tries.throttled += 1
                await asyncio.sleep(RETRY_S)
        except TimeoutError:
            self._tries.resent += 1
        self._log.pressed_by["POST"] += 1
        await self.submit(deadline)
        while self._refusal == "not_open" and time.monotonic() < deadline:
            await asyncio.sleep(RETRY_S)  # this clock is ahead of the shop's
            self._refusal = None
            await self.submit(deadline)
        self._note_answer()

    def _intent(self) -> bytes:
        sale_id, quantity = self._errand.sale_id, self._errand.quantity
        return text_message(
            orjson.dumps(
                {"type": "intent", "id": REQUEST, "key": self._key, "sale_id": sale_id, "quantity": quantity}
            )
        )

    def hear(self, message: bytes, at_ns: int) -> bool:
        """Take a message of the socket; False when it says that this connection is good for nothing."""
        was_connected = self.is_connected
        is_good = super().hear(message, at_ns)
        if self.is_connected and not was_connected and self._socket_ns:
            self._log.took["socket"].append(at_ns - self._socket_ns)
            self._socket_ns = 0
        if REQUEST.encode() in message:
            self._hear_answer(orjson.loads(message), at_ns)
        self._note_progress(at_ns)
        return is_good

    async def poll(self, deadline: float) -> None:
        """Ask for what the socket has not brought."""
        await super().poll(deadline)
        self._note_progress(time.monotonic_ns())

    def _note_progress(self, at_ns: int) -> None:
        if self.purse.order_status == "paid" and not self._is_paid:
            self._is_paid = True
            self._log.took["payment"].append(at_ns - self.purse.pressed_ns)
            self._spawn(self._fetch_receipt())

    def _hear_answer(self, said: dict[str, Any], at_ns: int) -> None:
        if said.get("reply_to") != REQUEST:
            return
        self._may_retry = said.get("code") in RETRIED
        if said["type"] == "intent":
            self.answer, self._answered_ns = 202, at_ns
            self._note_answer()
        elif not self._may_retry:
            self.answer, self._refusal = 409, str(said.get("code"))
        self._answered.set()

    def _note_answer(self) -> None:
        if self._answered_ns and self._tries.first_sent_ns:
            self._log.took["intent"].append(self._answered_ns - self._tries.first_sent_ns)

    def told(self) -> Told:
        """What this visitor can testify."""
        told = super().told()
        if told.sent_ns is not None and told.decided_ns is not None:
            self._log.took["verdict"].append(told.decided_ns - told.sent_ns)
        if told.sent_ns is not None and told.final_ns is not None:
            self._log.took["last word"].append(told.final_ns - told.sent_ns)
        return told

    async def _fetch_receipt(self) -> None:
        """Read the page of the receipt."""
        try:
            deadline = self._spends_until or time.monotonic()
            path = f"/orders/{next(iter(self.purse.orders))}/receipt"
            await self._read("receipt", path, "text/html", deadline)
        except (NoAnswer, HttpProtocolError) as error:
            self._log.errors[str(error)] += 1
        finally:
            self._pool.close()
            self.is_through = True

    async def _read(self, link: str, path: str, accept: str, deadline: float) -> Response:
        """Read something as a browser does; a busy shop is asked again, which counts into how long it took.

        Raises:
            NoAnswer: the deadline came first.
        """
        began, tries = time.monotonic_ns(), Tries()
        headers = {"Accept": accept, "Accept-Encoding": "gzip", **self._cookie()}

        def exchange() -> Awaitable[Response]:
            return self._pool.exchange("GET", path, tries, headers=headers)

        answer = await persist(exchange, tries, deadline)
        if answer is None or answer.status != 200:
            raise NoAnswer(f"{link}: {answer.status if answer else 'no answer'}")
        if link in LINKS:
            self._log.took[link].append(answer.received_ns - began)
        return answer


def draw_ways(settings: JourneySettings, at: int, email: str | None, password: str) -> Ways:
    """Say how the visitor with this number comes; `email`: of one who types it and the password."""
    chance = random.Random(at)  # the same crowd every time
    is_late = chance.random() < LATE
    comes_s = -chance.random() * LATE_S if is_late else settings.arriving_s * chance.random() ** 2
    return Ways(
        comes_s=comes_s,
        reacts_s=chance.expovariate(1 / settings.reaction_s) if settings.reaction_s else 0.0,
        thinks_s=chance.expovariate(1 / settings.think_s) if settings.think_s else 0.0,
        is_new=email is not None or chance.random() < settings.new,
        email=email,
        password=password,
    )


async def _until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - time.monotonic()))
