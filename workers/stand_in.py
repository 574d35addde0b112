"""Does what is due of a worker's own queues while its broker is away; lines are left to the sweep.

Each kind of work has a thread of its own: an SMTP server that hangs keeps no payment waiting, and a long
report no audit. None of it is done by a worker that drains lines, unless it serves these queues too.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from models.errors import LineUnavailable, Unavailable
from tasks.context import Context
from tasks.due_work import DUE, Work
from tasks.runtime.isolation import apart
from tasks.runtime.periodic import Periodic

log: Final = structlog.get_logger()

PERIOD_S: Final = 1.0
STOP_S: Final = 5.0  # for what is under way to come to its end


class StandIn(Periodic):
    """A thread that asks whether the broker is there, and has the work begun where it is not."""

    def __init__(self, context: Context, *, period_s: float = PERIOD_S) -> None:
        super().__init__("stand_in", self._look, period_s, hindered="stand_in_hindered")
        self._context = context
        self._queues: Sequence[str] = ()
        self._threads: dict[str, threading.Thread] = {}
        self._due_at: dict[str, float] = {}  # monotonic seconds

    def serve(self, queues: Sequence[str]) -> None:
        """Tell which queues the worker serves, before the start."""
        self._queues = [queue for queue in queues if queue in DUE]

    def stop(self) -> None:
        """Begin nothing more, and wait a while for what is under way."""
        super().stop()
        until = time.monotonic() + STOP_S
        for thread in list(self._threads.values()):
            thread.join(max(until - time.monotonic(), 0))

    def _look(self) -> None:
        if not self._queues or self._context.bell.unheard(self._queues[0]) is not None:
            return
        if not self._context.breaker.is_closed():
            return
        with suppress(LineUnavailable):  # by default the broker is the live Redis, which not all work needs
            self._context.ownership.require()
        for queue in self._queues:
            for name, work in DUE[queue].items():
                self._begin(name, work)

    def _begin(self, name: str, work: Work) -> None:
        thread, now = self._threads.get(name), time.monotonic()
        if now < self._due_at.get(name, now) or (thread is not None and thread.is_alive()):
            return
        self._due_at[name] = now + work.rest_s
        self._threads[name] = threading.Thread(target=self._do, args=(name, work), name=name, daemon=True)
        self._threads[name].start()

    def _do(self, name: str, work: Work) -> None:
        try:
            with apart("stand_in_hindered", of=name):
                work.do(self._context)
        except Unavailable as error:
            log.warning("stand_in_hindered", of=name, error=str(error))
