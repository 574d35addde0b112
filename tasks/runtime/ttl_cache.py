"""Owns the remembering of dear answers for a moment, so that many who ask at once cost as much as one."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from tasks.runtime.single_flight import Flights

LEAST_S: Final = 1.5
SHARE: Final = 20  # an answer that took a second is good for twenty
MOST: Final = 200  # answers; then it starts afresh
SPARE_BACK_S: Final = 5.0  # after which one of the spare answers may be asked for again

Kept = TypeVar("Kept")


class TtlCache(Generic[Kept]):
    """Answers by key, each for a moment, and the longer the more it cost. Shared by threads.

    `spare` answers are asked for although one is remembered: who seldom asks is always told the newest.
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
        """Return what is remembered, else ask; one caller at a time for each key.

        What `ask` raises is not remembered.
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
