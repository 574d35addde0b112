"""Ends a worker whose consumer has ended, so that its supervisor starts it again.

A connection to the broker that is lost in a way that Celery does not foresee ends its consumer for good. The
process would live on without one, as long as a thread of its pool is at work. Nothing is worth that wait:
whatever was begun is driven again.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

import structlog

log: Final = structlog.get_logger()

PERIOD_S: Final = 0.5
GRACE_S: Final = 3.0  # for what ends by itself
EXIT_CODE: Final = 1


class ConsumerWatchdog:
    """A thread that ends the process once its consumer has ended, unless it was told to stop."""

    def __init__(
        self,
        *,
        period_s: float = PERIOD_S,
        grace_s: float = GRACE_S,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._period_s = period_s
        self._grace_s = grace_s
        self._end = end
        self._stopped = threading.Event()

    def watch(self, is_consuming: Callable[[], bool]) -> threading.Thread:
        """Begin to watch; returns the thread."""
        thread = threading.Thread(
            target=self._run, args=(is_consuming,), name="consumer-watchdog", daemon=True
        )
        thread.start()
        return thread

    def stop(self) -> None:
        """Watch no more: the process was told to end."""
        self._stopped.set()

    def _run(self, is_consuming: Callable[[], bool]) -> None:
        while is_consuming():
            if self._stopped.wait(self._period_s):
                return
        if not self._stopped.wait(self._grace_s):
            log.error("consumer_ended", remedy="the process ends and is to be started again")
            self._end(EXIT_CODE)
