"""Owns what Celery's events tell of the workers: who is there, at which task, and how much was done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from celery.events.state import State
from celery.states import STARTED

from models.live.workers import Entry, Running

MOST_TASKS: Final = 1_000  # of which it is remembered how they stand
FORGET_S: Final = 600.0  # after so long without a word a worker is forgotten
FORGET_LEFT_S: Final = 60.0  # one that said goodbye, sooner


@dataclass(slots=True)
class _Known:
    """A worker. `heard` is on the listener's clock, `began` on the worker's own; both in seconds."""

    pid: int
    heard: float
    began: float = 0.0
    has_left: bool = False
    processed: int = 0
    failed: int = 0
    adopted: Sequence[Running] = ()


class Roster:
    """The workers as events make them known."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._state: Any = State(max_tasks_in_memory=MOST_TASKS)  # the stubs know nothing of its tasks

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take an event in, as `EventReceiver` hands it on."""
        name, kind, pid = event["hostname"], event["type"], event["pid"]
        known = self._known.get(name)
        if known is None or known.pid != pid:
            known = self._known[name] = _Known(pid, event["local_received"], began=event["timestamp"])
        if kind == "worker-online":
            known.began = event["timestamp"]
        known.began = min(known.began, event["timestamp"])  # its clock may have been set back since it began
        known.heard = event["local_received"]
        known.has_left = kind == "worker-offline"
        known.adopted = ()
        known.failed += kind == "task-failed"
        known.processed = event.get("processed", known.processed)
        self._state.event(dict(event))

    def adopt(self, entries: Sequence[Entry], now: float, now_ms: int) -> None:
        """Go on from what another listener wrote: who fell silent before, and failures that it counted."""
        for one in entries:
            known = self._known.get(one.name)
            if known is None:
                heard = now - (now_ms - one.heard_ms) / 1000
                self._known[one.name] = _Known(
                    one.pid, heard, 0.0, one.has_left, one.processed, one.failed, one.running
                )
            elif known.pid == one.pid:
                known.failed = max(known.failed, one.failed)

    def entries(self, now: float, now_ms: int) -> list[Entry]:
        """List the workers by name; `now` is the listener's clock, `now_ms` the one that is written by."""
        self._forget(now)
        return [
            Entry(
                name=name,
                pid=known.pid,
                heard_ms=now_ms - round((now - known.heard) * 1000),
                has_left=known.has_left,
                processed=known.processed,
                failed=known.failed,
                running=list(known.adopted or self._running(name, known, now, now_ms)),
            )
            for name, known in sorted(self._known.items())
        ]

    def _running(self, name: str, known: _Known, now: float, now_ms: int) -> Iterator[Running]:
        if known.has_left:
            return
        for task in list(self._state.tasks.values()):
            is_here = task.state == STARTED and task.worker is not None and task.worker.hostname == name
            if is_here and task.started >= known.began:
                since_ms = now_ms - round((now - task.started) * 1000)
                yield Running(task.uuid, task.name or "", min(since_ms, now_ms))

    def _forget(self, now: float) -> None:
        for name, known in list(self._known.items()):
            if now - known.heard > (FORGET_LEFT_S if known.has_left else FORGET_S):
                del self._known[name]
