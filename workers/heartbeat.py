"""A worker's heartbeat: each second it writes into Redis who it is, what it is at and how much it did.

With it goes what the process measured since the last one.

What it is at comes from Celery's signals, which the pools `solo` and `threads` send in this process. A thread
writes, since a solo worker's loop stands still during a task.
"""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from celery.signals import task_failure, task_postrun, task_prerun

from models.errors import Unavailable
from models.live.store import Live
from models.live.workers import Beat, Running
from tasks.runtime.measures import TASK, TASKS, Measures
from tasks.runtime.periodic import Periodic

log: Final = structlog.get_logger()

PERIOD_S: Final = 1.0
STOP_S: Final = 5.0  # for a heartbeat that is under way to come to its end


@dataclass(frozen=True, slots=True)
class _Begun:
    name: str
    at: float  # monotonic seconds


class Heartbeat(Periodic):
    """A thread that writes the heartbeats of this process."""

    def __init__(self, live: Live, measures: Measures, *, period_s: float = PERIOD_S) -> None:
        super().__init__(
            "heartbeat",
            self.beat,
            period_s,
            is_at_once=True,
            hindered="heartbeat_not_written",
            failed="heartbeat_failed",
        )
        self._live = live
        self._measures = measures
        self._name = ""
        self._queues: Sequence[str] = ()
        self._running: dict[str, _Begun] = {}
        self._processed = 0
        self._failures = 0
        self._lock = threading.Lock()  # tasks begin and end in threads of a pool

    def listen(self) -> None:
        """Follow this process' tasks from now on."""
        task_prerun.connect(self._begin)
        task_postrun.connect(self._end)
        task_failure.connect(self._fail)

    def introduce(self, name: str, queues: Sequence[str]) -> None:
        """Tell what the worker is called and which queues it serves, before the first beat."""
        self._name, self._queues = name, sorted(queues)

    def beat(self, *, has_left: bool = False) -> None:
        """Write how this worker is."""
        now_ms = self._live.now_ms()
        self._measures.heard(now_ms)
        self._live.workers.note(self._told(now_ms, has_left=has_left))
        self._tell_measures()

    def _tell_measures(self) -> None:
        if not (grown := self._measures.take()):
            return
        try:
            self._live.figures.add(grown)
        except Unavailable:
            self._measures.give_back(grown)
            raise

    def leave(self) -> None:
        """Say goodbye, as the last beat; where Redis is away, silence says it."""
        if not self._name:
            return
        self.stop()
        self.join(STOP_S)
        try:
            self.beat(has_left=True)
        except Unavailable as error:
            log.warning("heartbeat_not_written", error=str(error))

    def _told(self, now_ms: int, *, has_left: bool) -> Beat:
        with self._lock:
            now = time.monotonic()
            running = [
                Running(task_id, begun.name, now_ms - round((now - begun.at) * 1000))
                for task_id, begun in self._running.items()
            ]
            processed, failures = self._processed, self._failures
        return Beat(
            name=self._name,
            pid=os.getpid(),
            queues=self._queues,
            heard_ms=now_ms,
            has_left=has_left,
            processed=processed,
            failed=failures,
            running=[] if has_left else running,
        )

    def _begin(self, *, task_id: str, task: Any, **_: Any) -> None:
        with self._lock:
            self._running[task_id] = _Begun(task.name, time.monotonic())
            self._processed += 1

    def _end(self, *, task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
        with self._lock:
            begun = self._running.pop(task_id, None)
        queue = (task.request.delivery_info or {}).get("routing_key") or ""
        self._measures.count(TASKS, queue, task.name, (state or "unknown").lower())
        if begun is not None:
            self._measures.observe(TASK, begun.name, [time.monotonic() - begun.at])

    def _fail(self, **_: Any) -> None:
        with self._lock:
            self._failures += 1
