"""Ends a worker whose consumer has ended, so that its supervisor starts it again.

A connection to the broker that is lost in a way that Celery does not foresee ends its consumer for good. The
process would live on without one as long as a thread of its pool is at work. Nothing is worth that wait:
work that was begun is picked up again.
"""

import os
from collections.abc import Callable
from typing import Final

import structlog

from tasks.runtime.periodic import Periodic

log: Final = structlog.get_logger()

PERIOD_S: Final = 1.0
GRACE_S: Final = 3.0  # for what ends by itself
EXIT_CODE: Final = 1


class ConsumerWatchdog(Periodic):
    """A thread that ends the process once its consumer has ended, unless it was told to stop."""

    def __init__(
        self,
        is_consuming: Callable[[], bool],
        *,
        period_s: float = PERIOD_S,
        grace_s: float = GRACE_S,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        super().__init__("consumer_watchdog", self._look, period_s, is_at_once=True)
        self._is_consuming = is_consuming
        self._grace_s = grace_s
        self._end = end

    def _look(self) -> None:
        if self._is_consuming() or self.rest(self._grace_s):
            return
        self.stop()
        log.error("consumer_ended", remedy="the process ends and is to be started again")
        self._end(EXIT_CODE)
