"""Gathers what is asked while an answer is under way, so that those who come together make one round trip.

No wait is added when it is quiet, and few round trips are made when it is busy. Submissions go to the line in
this way, and polls to the stores.
"""

import _thread
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar, cast

import structlog

from models.errors import FlashSaleError

log: Final = structlog.get_logger()

Key = TypeVar("Key", bound=Hashable)
Asked = TypeVar("Asked")
Told = TypeVar("Told")


class _Waiting(NamedTuple):
    asked: object
    tell: Callable[[object], None]
    since: float  # monotonic seconds


class Gathering(Generic[Key, Asked, Told]):
    """One per process and kind of question; called by requests' threads or greenlets, and by the sockets'.

    `answer` gets a key and what was asked under it, in the order of arrival, `most` at once; it returns an
    outcome for each, of which some may be exceptions. What it raises is the outcome of all of them. `of`
    tells the log what was asked.
    """

    def __init__(
        self, of: str, answer: Callable[[Key, list[Asked]], Sequence[Told | Exception]], *, most: int
    ) -> None:
        self._of = of
        self._answer = answer
        self._most = most
        self._queues: dict[Key, deque[_Waiting]] = {}  # of the keys for which an answering thread is running
        self._lock = threading.Lock()

    def ask(self, key: Key, asked: Asked) -> Told:
        """Ask, and wait for the outcome; raises it where it is an exception."""
        gate = threading.Lock()
        gate.acquire()
        outcomes: list[Told | Exception] = []

        def tell(outcome: Told | Exception) -> None:
            outcomes.append(outcome)
            gate.release()

        self.put(key, asked, tell)
        gate.acquire()
        outcome = outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def put(self, key: Key, asked: Asked, tell: Callable[[Told | Exception], None]) -> None:
        """Ask, and return at once.

        `tell` is called once, with the outcome, from a thread of the gathering's own. Other callbacks run
        after it, so it must not block.
        """
        one = _Waiting(asked, cast(Callable[[object], None], tell), time.monotonic())
        with self._lock:
            queue = self._queues.get(key)
            if queue is None:
                # `threading.Thread.start` waits until the thread runs, and the sockets' loop must not wait.
                _thread.start_new_thread(self._run, (key,))
                queue = self._queues[key] = deque()
            queue.append(one)

    def waiting(self, key: Key) -> int:
        """Count those who wait for the next round trip."""
        with self._lock:
            return len(self._queues.get(key, ()))

    def refuse_older(self, key: Key, age_s: float, error: Exception) -> None:
        """Tell an error to those who have waited for so long already; for `answer` to call."""
        overdue = []
        with self._lock:
            queue, until = self._queues[key], time.monotonic() - age_s
            while queue and queue[0].since <= until:
                overdue.append((queue.popleft(), error))
        self._tell(key, overdue)

    def _run(self, key: Key) -> None:
        """Make round trips as long as somebody waits."""
        while batch := self._next_batch(key):
            outcomes: Sequence[Told | Exception]
            try:
                outcomes = self._answer(key, [cast(Asked, one.asked) for one in batch])
            except Exception as error:
                outcomes = [error] * len(batch)
                if not isinstance(error, FlashSaleError):
                    log.exception("batch_failed", of=self._of, key=str(key), asked=len(batch))
            self._tell(key, zip(batch, outcomes, strict=True))

    def _next_batch(self, key: Key) -> list[_Waiting]:
        """Take those that waited longest; if there are none, the answering thread ends in the same step."""
        with self._lock:
            queue = self._queues[key]
            if not queue:
                del self._queues[key]
            return [queue.popleft() for _ in range(min(len(queue), self._most))]

    def _tell(self, key: Key, outcomes: Iterable[tuple[_Waiting, object]]) -> None:
        """Report each outcome; a failing callback does not stop the others."""
        for one, outcome in outcomes:
            try:
                one.tell(outcome)
            except Exception:
                log.exception("not_told", of=self._of, key=str(key))
