"""Owns the breaker between the workers and PostgreSQL: while the ledger is away, nobody claims."""

import threading
import time
from collections.abc import Callable
from typing import Final

COOL_OFF_S: Final = 0.5


class Breaker:
    """Open after a failure; lets one probe through per cool-off, and closes when it succeeds.

    Safe to share between a worker's task loop and its timer.
    """

    def __init__(
        self,
        probe: Callable[[], bool],
        *,
        cool_off_s: float = COOL_OFF_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = probe
        self._cool_off_s = cool_off_s
        self._clock = clock
        self._retry_at: float | None = None
        self._lock = threading.Lock()

    def trip(self) -> None:
        """The ledger failed: stop for a while."""
        with self._lock:
            self._retry_at = self._clock() + self._cool_off_s

    def is_closed(self) -> bool:
        """Say whether work may go on; probes the ledger when it is time to try again."""
        with self._lock:
            if self._retry_at is None:
                return True
            if self._clock() < self._retry_at:
                return False
            if self._probe():
                self._retry_at = None
                return True
            self._retry_at = self._clock() + self._cool_off_s
            return False
