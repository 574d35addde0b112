"""Decides how soon a process that died is started again."""

import time
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.2
LONGEST_S: Final = 5.0
STEADY_S: Final = 10.0  # what lived this long starts again at the shortest delay


class Backoff:
    """Delays that double from 0.2 s to 5 s while what is started keeps dying soon."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_at = clock()
        self._delay_s = 0.0
        self._due_at: float | None = None

    def started(self) -> None:
        """Note that it was started now."""
        self._started_at = self._clock()
        self._due_at = None

    def died(self) -> float:
        """Note that it is gone; return in how many seconds it is due again."""
        lived_s = self._clock() - self._started_at
        is_fresh = self._delay_s == 0.0 or lived_s >= STEADY_S
        self._delay_s = FIRST_S if is_fresh else min(LONGEST_S, self._delay_s * 2)
        self._due_at = self._clock() + self._delay_s
        return self._delay_s

    @property
    def is_waiting(self) -> bool:
        """Whether it is gone and was not started since."""
        return self._due_at is not None

    @property
    def is_due(self) -> bool:
        """Whether it is gone and its delay is over."""
        return self._due_at is not None and self._clock() >= self._due_at
