"""Caches expensive results for a moment, so that many callers at once cost as much as one."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from tasks.runtime.single_flight import Flights

LEAST_S: Final = 1.5
SHARE: Final = 20  # a result that took a second is cached for twenty
MOST: Final = 200  # results; then the cache is emptied
SPARE_BACK_S: Final = 5.0  # after which one more spare result may be computed

Kept = TypeVar("Kept")


class TtlCache(Generic[Kept]):
    """Results by key, each cached for a moment, and longer the more expensive it was. Thread-safe.

    `spare` results are computed although one is cached: occasional callers always get a fresh one.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        least_s: float = LEAST_S,
        share: int = SHARE,
        spare: int = 0,
    ) -> None:
        self._clock = clock
        self._least_s = least_s
        self._share = share
        self._spare = spare
        self._spared, self._spared_at = 0.0, 0.0
        self._answers: dict[Hashable, tuple[float, Kept]] = {}
        self._lock = threading.Lock()
        self._flights: Flights[Kept] = Flights()

    def get(self, key: Hashable, ask: Callable[[], Kept]) -> Kept:
        """Return the cached result, else ask; one caller at a time for each key.

        What `ask` raises is not cached.
        """
        with self._lock:
            now = self._clock()
            until, answer = self._answers.get(key, (now, None))
            if now < until and answer is not None and not self._has_spare(now):
                return answer
        return self._flights.join(key, lambda: self._ask(key, ask))

    def _ask(self, key: Hashable, ask: Callable[[], Kept]) -> Kept:
        began = self._clock()
        fresh = ask()
        now = self._clock()
        with self._lock:
            if len(self._answers) >= MOST:
                self._answers.clear()
            self._answers[key] = (now + max(self._least_s, self._share * (now - began)), fresh)
        return fresh

    def _has_spare(self, now: float) -> bool:
        self._spared = max(0.0, self._spared - (now - self._spared_at) / SPARE_BACK_S)
        self._spared_at = now
        if self._spared + 1 > self._spare:
            return False
        self._spared += 1
        return True
