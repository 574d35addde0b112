"""Owns the remembering of dear answers for a moment, so that many who ask at once cost as much as one."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

LEAST_S: Final = 1.5
SHARE: Final = 20  # an answer that took a second is good for twenty
MOST: Final = 200  # answers; then it starts afresh

Kept = TypeVar("Kept")


class Remembered(Generic[Kept]):
    """Answers by key, each for a moment, and the longer the more it cost. Shared by threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, Kept]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, ask: Callable[[], Kept]) -> Kept:
        """Return what is remembered, else ask; one caller at a time. What `ask` raises is not remembered."""
        with self._lock:
            began = self._clock()
            until, answer = self._answers.get(key, (began, None))
            if began < until and answer is not None:
                return answer
            fresh = ask()
            now = self._clock()
            if len(self._answers) >= MOST:
                self._answers.clear()
            self._answers[key] = (now + max(LEAST_S, SHARE * (now - began)), fresh)
            return fresh
