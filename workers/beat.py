"""Celery beat's scheduler: sends each task once a period by a monotonic clock, unless nobody answers.

Celery's own scheduler goes by the system clock: set back by an hour, it is silent for an hour. Nothing is
kept on disk, since every task here may be sent once more after a restart.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from celery.beat import Scheduler

from tasks.runtime.bell import Bell, CeleryBell
from tasks.runtime.celery_app import BACKGROUND

MOST_WAITING: Final = 10  # messages; with so many the workers are behind, and more would keep them so


class SteadyScheduler(Scheduler):
    """Sends each entry once a period, by monotonic time; at once after a start."""

    def __init__(
        self,
        app: Any,
        *args: Any,
        bell: Bell | None = None,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        self._bell = bell or CeleryBell(app)  # finds the broker again, as Celery's producer does not
        self._clock = clock
        self._due_at: dict[str, float] = {}  # monotonic seconds
        super().__init__(app, *args, **kwargs)

    def setup_schedule(self) -> None:
        """Know our own entries and none of Celery's: there are no results to clean up."""
        self.merge_inplace(self.app.conf.beat_schedule)

    def tick(self, *_: Any, **__: Any) -> float:
        """Send what is due; returns the seconds until the next is."""
        now = self._clock()
        due = [name for name in self.schedule if self._due_at.get(name, now) <= now]
        for name in due:
            entry = self.schedule[name]
            self._due_at[name] = now + _period_s(entry)
            if self._is_heard():
                self._bell.send(str(entry.task), None, BACKGROUND)
        return max(0.0, min(self._due_at.values()) - self._clock())

    def _is_heard(self) -> bool:
        """Whether workers answer, as far as the broker tells; otherwise messages would pile up."""
        waiting = self._bell.unheard(BACKGROUND)
        return waiting is not None and waiting < MOST_WAITING


def _period_s(entry: Any) -> float:
    return float(entry.schedule.run_every.total_seconds())
