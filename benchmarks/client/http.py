"""The HTTP client of every load: kept connections, the same key, patience; and a plain load of many requests.

What a shopper retries is what a well-made client retries: no connection, no answer, 502, 503, 504, and 429
after its Retry-After. Everything else is an answer. A plain load retries nothing.
"""

import asyncio
import random
import time
from array import array
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from benchmarks.client.http_wire import HttpConnection, Response, Target, build_request

RETRIED: Final = frozenset({502, 503, 504})
FIRST_PAUSE_S: Final = 0.05  # seconds; doubled at each retry, with jitter
LONGEST_PAUSE_S: Final = 2.0  # seconds
ANSWER_TIMEOUT_S: Final = 15.0  # seconds that a client waits for one answer


@dataclass(slots=True)
class Tries:
    """What one exchange took. The first try's time counts as sent: the shop may have taken that one."""

    first_sent_ns: int | None = None
    resent: int = 0  # after a connection error, a timeout or a 502, 503, 504
    throttled: int = 0  # after a 429


class NoAnswer(ConnectionError):
    """The deadline came before any answer did."""


class HttpPool:
    """A bounded number of keep-alive connections, handed to the longest waiting."""

    def __init__(self, target: Target, size: int, *, source: str | None = None) -> None:
        self._target = target
        self._source = source
        self._size = size
        self._slots = asyncio.Semaphore(size)
        self._idle: deque[HttpConnection] = deque()
        self._waiting: dict[HttpConnection, asyncio.Future[Response]] = {}
        self.statuses: Counter[int] = Counter()  # of all answers, those that are asked again too

    async def warm(self) -> None:
        """Open every connection, as browsers that have just loaded the page have theirs open."""
        opened = await asyncio.gather(
            *(self._open() for _ in range(self._size - len(self._idle))), return_exceptions=True
        )
        self._idle.extend(connection for connection in opened if isinstance(connection, HttpConnection))

    def close(self) -> None:
        """Drop every idle connection."""
        while self._idle:
            self._idle.pop().close()

    async def exchange(
        self, method: str, path: str, tries: Tries, *, headers: dict[str, str], body: bytes = b""
    ) -> Response:
        """Send one request and wait for its answer, without retrying.

        Raises:
            OSError: no connection, or it broke before the answer.
            TimeoutError: no answer in time; the connection is dropped.
        """
        return await self.send(build_request(method, path, self._target, headers=headers, body=body), tries)

    async def send(self, request: bytes, tries: Tries) -> Response:
        """Send a request that was laid out before, as `exchange` does.

        Raises:
            OSError: no connection, or it broke before the answer.
            TimeoutError: no answer in time; the connection is dropped.
        """
        async with self._slots:
            connection = self._idle.pop() if self._idle else await self._open()
            answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
            self._waiting[connection] = answer
            try:
                connection.send(request)
                tries.first_sent_ns = tries.first_sent_ns or connection.sent_ns
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    response = await answer
            finally:
                self._waiting.pop(connection, None)
                self._put_back(connection)
        self.statuses[response.status] += 1
        return response

    async def _open(self) -> HttpConnection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            _, connection = await loop.create_connection(
                lambda: HttpConnection(self._take, self._lose),
                self._target.host,
                self._target.port,
                ssl=self._target.ssl_context(),
                local_addr=(self._source, 0) if self._source else None,
            )
        return connection

    def _put_back(self, connection: HttpConnection) -> None:
        if connection.reusable and not connection.busy:
            self._idle.append(connection)
        else:
            connection.close()

    def _take(self, connection: HttpConnection, response: Response) -> None:
        answer = self._waiting.get(connection)
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _lose(self, connection: HttpConnection, error: Exception) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        answer = self._waiting.get(connection)
        if answer is not None and not answer.done():
            answer.set_exception(error)


class ShopClient:
    """One shopper's HTTP: the pool of its process, and its own token."""

    def __init__(self, pool: HttpPool, token: str | None) -> None:
        self._pool = pool
        self._headers = {"Accept": "application/json"}
        if token is not None:
            self.use_token(token)

    def use_token(self, token: str) -> None:
        """Be known by this token from now on."""
        self._headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str, *, deadline: float) -> Response:
        """Read, with retries until `deadline` (of `time.monotonic`).

        Raises:
            NoAnswer: the deadline came first.
        """
        return await self._persist("GET", path, Tries(), headers=self._headers, body=b"", deadline=deadline)

    async def post(
        self, path: str, body: dict[str, Any], *, key: str | None, tries: Tries, deadline: float
    ) -> Response:
        """Write, with retries under the same Idempotency-Key until `deadline`.

        Raises:
            NoAnswer: the deadline came first.
        """
        headers = self._headers | {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self._persist(
            "POST", path, tries, headers=headers, body=orjson.dumps(body), deadline=deadline
        )

    async def _persist(
        self, method: str, path: str, tries: Tries, *, headers: dict[str, str], body: bytes, deadline: float
    ) -> Response:
        answer = await persist(
            lambda: self._pool.exchange(method, path, tries, headers=headers, body=body), tries, deadline
        )
        if answer is None:
            raise NoAnswer(f"{method} {path}: no answer before the deadline")
        return answer


async def persist(
    exchange: Callable[[], Awaitable[Response]], tries: Tries, deadline: float
) -> Response | None:
    """Try until somebody answers who is not too busy; at the deadline the last answer counts, if any."""
    pause = FIRST_PAUSE_S
    last: Response | None = None
    while time.monotonic() < deadline:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                last = await exchange()
        except (OSError, TimeoutError):
            last = None
        if last is not None and last.status != 429 and last.status not in RETRIED:
            return last
        if last is not None and last.status == 429:
            tries.throttled += 1
        else:
            tries.resent += 1
        wanted = retry_after_s(last)
        await asyncio.sleep((wanted if wanted is not None else pause) * random.uniform(1.0, 1.5))
        pause = min(pause * 2, LONGEST_PAUSE_S)
    return last


async def bounded(at_once: int, jobs: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Run many coroutines, so many at once."""
    slots = asyncio.Semaphore(at_once)

    async def run(job: Callable[[], Awaitable[None]]) -> None:
        async with slots:
            await job()

    await asyncio.gather(*(run(job) for job in jobs))


def retry_after_s(response: Response | None) -> float | None:
    """The seconds that the shop asks to wait; nothing when it does not say (a date is not honoured)."""
    value = response.header("retry-after") if response is not None else None
    return float(value) if value is not None and value.isdigit() else None


@dataclass(slots=True)
class LoadResult:
    """What a load saw. Latencies are nanoseconds from the write to the whole answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies_ns: "array[int]" = field(default_factory=lambda: array("q"))
    errors: int = 0
    started_ns: int = 0
    ended_ns: int = 0

    def take(self, response: Response) -> None:
        """Count an answer."""
        self.statuses[response.status] += 1
        self.latencies_ns.append(response.received_ns - response.sent_ns)
        self.ended_ns = response.received_ns

    @property
    def per_second(self) -> float:
        """Answers a second, from the first write to the last answer."""
        return len(self.latencies_ns) * 1e9 / max(self.ended_ns - self.started_ns, 1)


async def run_load(
    target: Target, requests: Iterator[bytes], *, connections: int = 64, seconds: float = 60.0
) -> LoadResult:
    """Send every request of an iterator once over keep-alive connections, for at most `seconds`."""
    pool, result = HttpPool(target, connections), LoadResult()
    await pool.warm()

    async def carry() -> None:
        for request in requests:
            try:
                result.take(await pool.send(request, Tries()))
            except (OSError, TimeoutError):
                result.errors += 1
                await asyncio.sleep(FIRST_PAUSE_S)

    result.started_ns = result.ended_ns = time.monotonic_ns()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(carry() for _ in range(connections)))
    pool.close()
    return result
