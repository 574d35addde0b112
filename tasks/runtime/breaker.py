"""A circuit breaker between the workers and PostgreSQL: while the ledger is unavailable, nobody claims."""

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
        self._trips = 0
        self._is_probing = False
        self._lock = threading.Lock()  # never held during a probe

    @property
    def is_open(self) -> bool:
        """Whether the last known result is a failure; makes no probe."""
        return self._retry_at is not None

    def trip(self) -> None:
        """Note a failure of the ledger: stop for a while."""
        with self._lock:
            self._trips += 1
            self._retry_at = self._clock() + self._cool_off_s

    def is_closed(self) -> bool:
        """Return whether work may go on; probes the ledger when it is time to try again.

        One caller probes, and the others are told meanwhile that work may not go on.
        """
        with self._lock:
            if self._retry_at is None:
                return True
            if self._is_probing or self._clock() < self._retry_at:
                return False
            self._is_probing = True
            trips = self._trips
        is_well = False
        try:
            is_well = self._probe()
        finally:
            self._conclude(is_well, trips)
        return not self.is_open

    def _conclude(self, is_well: bool, trips: int) -> None:
        """Close after a probe that succeeded, unless something newer is known."""
        with self._lock:
            self._is_probing = False
            if is_well and self._trips == trips:
                self._retry_at = None
            else:
                self._retry_at = self._clock() + self._cool_off_s
