"""What a process measures of its own work: counts and times, held in memory until somebody takes them.

Workers have no port that Prometheus could ask: each adds what has grown to one hash in Redis, with its
heartbeat (`models/live/figures.py`), so that the sums outlive it. Independent of Prometheus.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)  # s
NAMES: Final = (*(str(bound) for bound in BOUNDS), "+Inf")
SUM: Final = "us"  # in the place of a bound: the sum of all times, in microseconds

SUBMITTED: Final = "intents_submitted_total"  # the line's answer
VERDICT: Final = "verdict_seconds"  # outcome
STEP: Final = "claim_step_seconds"  # claim, persist or settle
CLAIMS: Final = "claims_total"  # what became of it
TASKS: Final = "celery_tasks_total"  # queue, task, state
TASK: Final = "celery_task_seconds"  # task
TRIPS: Final = "ledger_breaker_trips_total"
AUDITS: Final = "audits_total"  # ok or violated


class Measures:
    """Counts by `name|labels`, and times by `name|label|upper bound`. Thread-safe."""

    def __init__(self) -> None:
        self._grown: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ahead_ms: int | None = None  # Redis' clock less our monotonic one

    def heard(self, redis_ms: int) -> None:
        """Note what Redis' clock shows now, so that nobody has to ask for it where time is short."""
        self._ahead_ms = redis_ms - _own_ms()

    def redis_ms(self) -> int | None:
        """Return what Redis' clock shows now; None where nobody heard it yet."""
        return None if self._ahead_ms is None else _own_ms() + self._ahead_ms

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Count something that happened."""
        with self._lock:
            self._grown[f"{name}|{','.join(labels)}"] += by

    def observe(self, name: str, label: str, seconds: Iterable[float]) -> None:
        """Note how long each of some pieces of work took."""
        times = list(seconds)
        begin = f"{name}|{label}|"
        with self._lock:
            self._grown.update([begin + NAMES[bisect_left(BOUNDS, one)] for one in times])
            self._grown[begin + SUM] += round(sum(times) * 1_000_000)

    def take(self) -> Mapping[str, int]:
        """Take what has grown since the last time."""
        with self._lock:
            grown, self._grown = self._grown, Counter()
        return grown

    def give_back(self, grown: Mapping[str, int]) -> None:
        """Keep what could not be told, for the next time."""
        with self._lock:
            self._grown.update(grown)


@contextmanager
def measured(measures: Measures, step: str) -> Iterator[None]:
    """Note how long a step of a claim takes, also where it fails."""
    began = time.monotonic()
    try:
        yield
    finally:
        measures.observe(STEP, step, [time.monotonic() - began])


def _own_ms() -> int:
    return time.monotonic_ns() // 1_000_000
