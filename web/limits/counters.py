"""Counts within windows of time, which can be taken back: in Redis for all processes, else in memory.

A window is a part of the key, so that a key is never older than its window and nothing has to reset it.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError

from models.live.redis import Client, connect

STORE_TIMEOUT_S: Final = 0.5  # seconds
MOST_PAUSE_S: Final = 60.0  # of those that are begun here
STORE_PAUSE_S: Final = 5.0  # seconds without asking a Redis that did not answer
MOST_IN_MEMORY: Final = 50_000  # counts; then the oldest are forgotten
PREFIX: Final = "fs:log-ins:"
KEPT_PLACES: Final = 8  # networks remembered of one account

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Count:
    """Something that is counted, and how many there may be of it in its present window."""

    name: str
    most: int
    period_s: int

    @property
    def key(self) -> str:
        """The key of the present window."""
        return f"{self.name}:{int(time.time() // self.period_s)}"

    @property
    def left_s(self) -> float:
        """Seconds until the window ends."""
        return self.period_s - time.time() % self.period_s


class Counters:
    """Counts, pauses and places, each bounded in time or number."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Any = counting_client(redis_url) if redis_url else None
        self._memory = _Memory()
        self._ask_again_at = 0.0  # monotonic seconds

    def add(self, steps: Sequence[tuple[str, int, int]]) -> list[int]:
        """Add to counts in one round trip: (key, by how much, period); 0 only looks. Returns the counts."""
        if not steps:
            return []

        def shared(client: Any) -> list[int]:
            with client.pipeline(transaction=False) as pipe:
                for key, by, period_s in steps:
                    if by:
                        pipe.incrby(PREFIX + key, by)
                        pipe.expire(PREFIX + key, 2 * period_s)
                    else:
                        pipe.get(PREFIX + key)
                answers = iter(pipe.execute())
            counted = []
            for _, by, _ in steps:
                counted.append(int(next(answers) or 0))
                if by:
                    next(answers)
            return counted

        return self._ask(shared, lambda: [self._memory.add(key, by, period_s) for key, by, period_s in steps])

    def begin_pause(self, name: str, pause_s: float) -> float:
        """Begin a pause unless there is one already; how many seconds are left of that one, else 0."""
        key, pause_ms = f"{PREFIX}pause:{name}", max(1, int(pause_s * 1000))

        def shared(client: Any) -> float:
            if client.set(key, "1", px=pause_ms, nx=True):
                return 0.0
            left_s = float(max(client.pttl(key), 1)) / 1000
            if left_s <= MOST_PAUSE_S:
                return left_s
            client.set(key, "1", px=pause_ms)  # it was begun before Redis' clock was set back
            return 0.0

        return self._ask(shared, lambda: self._memory.begin_pause(name, pause_s))

    def end_pause(self, name: str) -> None:
        """Let there be no pause."""
        self._ask(lambda client: client.delete(f"{PREFIX}pause:{name}"), lambda: self._memory.end_pause(name))

    def remember_place(self, account: str, place: str, keep_s: int) -> None:
        """Remember where an account was used; the places used longest ago make room."""

        def shared(client: Any) -> None:
            key = f"{PREFIX}places:{account}"
            with client.pipeline(transaction=False) as pipe:
                pipe.zadd(key, {place: time.time()})
                pipe.zremrangebyrank(key, 0, -KEPT_PLACES - 1)
                pipe.expire(key, keep_s)
                pipe.execute()

        self._ask(shared, lambda: None)

    def knows_place(self, account: str, place: str, keep_s: int) -> bool:
        """Whether an account was used from there lately; False while Redis is away."""

        def shared(client: Any) -> bool:
            used_at = client.zscore(f"{PREFIX}places:{account}", place)
            return used_at is not None and float(used_at) > time.time() - keep_s

        return self._ask(shared, lambda: False)

    def _ask(self, shared: Callable[[Any], T], own: Callable[[], T]) -> T:
        if self._redis is not None and time.monotonic() >= self._ask_again_at:
            try:
                return shared(self._redis)
            except RedisError as error:
                self._ask_again_at = time.monotonic() + STORE_PAUSE_S
                log.warning("log-ins are counted in memory: %s", error)
        return own()


class _Memory:
    """The same in this process, for while Redis is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._pauses: OrderedDict[str, float] = OrderedDict()  # until when, in monotonic seconds

    def add(self, key: str, by: int, _period_s: int) -> int:
        with self._lock:
            count = self._counts.get(key, 0) + by
            if by:
                self._counts[key] = count
                self._counts.move_to_end(key)
                _bound(self._counts)
            return count

    def begin_pause(self, name: str, pause_s: float) -> float:
        with self._lock:
            now = time.monotonic()
            left_s = self._pauses.get(name, 0.0) - now
            if left_s > 0:
                return left_s
            self._pauses[name] = now + pause_s
            self._pauses.move_to_end(name)
            _bound(self._pauses)
            return 0.0

    def end_pause(self, name: str) -> None:
        with self._lock:
            self._pauses.pop(name, None)


def _bound(table: OrderedDict[str, Any]) -> None:
    while len(table) > MOST_IN_MEMORY:
        table.popitem(last=False)


def counting_client(url: str) -> Client:
    """Make a client for counting, which waits for nobody for long."""
    return connect(url, connect_timeout_s=STORE_TIMEOUT_S, answer_timeout_s=STORE_TIMEOUT_S)
