"""A thread that repeats a piece of work until it is stopped.

Every process has some: sweeps, pulses, heartbeats, polling for changes. A failure is logged and the work is
done again after the same rest: nobody would restart a thread that a failure ended.
"""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from models.errors import Unavailable

log: Final = structlog.get_logger()


class Periodic:
    """Rests `period_s` seconds and does the work, in a daemon thread, until it is stopped."""

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        period_s: float,
        *,
        is_at_once: bool = False,
        hindered: str = "periodic_hindered",
        failed: str = "periodic_failed",
    ) -> None:
        """`is_at_once`: work before the first rest too.

        `hindered` and `failed` are the events that are logged: a store was away, or the work broke.
        """
        self._name = name
        self._hindered = hindered
        self._failed = failed
        self._work = work
        self._period_s = period_s
        self._is_at_once = is_at_once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    def stop(self) -> None:
        """Do it no more; what is under way comes to its end. The work itself may ask for that."""
        self._stopped.set()

    def join(self, timeout_s: float) -> bool:
        """Wait until the thread has ended, if it was started; returns whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def rest(self, seconds: float) -> bool:
        """Wait, less long where it is stopped meanwhile; returns whether it was."""
        return self._stopped.wait(seconds)

    def _run(self) -> None:
        if self._is_at_once:
            self._try()
        while not self.rest(self._period_s):
            self._try()

    def _try(self) -> None:
        try:
            self._work()
        except Unavailable as error:
            log.warning(self._hindered, thread=self._name, error=str(error))
        except Exception:
            log.exception(self._failed, thread=self._name)
