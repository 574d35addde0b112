"""Lets work that keeps a core busy have a share of the cores at most; others wait, or come again.

Under gevent the work runs in native threads of a lower rank, since it would hold up the loop, and what
others ask meanwhile goes first. It has to release the GIL.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from web.http.errors import Busy

NICENESS: Final = 10  # of the threads that do the work: a tenth of a core where others want all of it
BURST_S: Final = 1.0  # seconds of rest that are made up for: a quiet shop's log-ins do not wait
FIRST_GUESS_S: Final = 0.04  # seconds of CPU that a piece takes, until one was measured
WEIGHT: Final = 0.1  # of the newest measurement
LET_IN_EVERY_S: Final = 0.005  # while a thread works
LET_IN_S: Final = 0.0001

T = TypeVar("T")


class CpuShare:
    """One per process. `cores` may be a part of one: the work rests after each piece, by the CPU it took.

    At most `most_waiting` wait for their turn, and nobody who would wait for longer than `longest_wait_s`.
    """

    def __init__(self, cores: float, *, most_waiting: int, longest_wait_s: float) -> None:
        self._cores = cores
        self._at_once = int(cores) + 1
        self._most_waiting = most_waiting
        self._longest_wait_s = longest_wait_s
        self._turns = threading.BoundedSemaphore(self._at_once)
        self._running = threading.BoundedSemaphore(self._at_once)
        self._lock = threading.Lock()
        self._inside = 0  # those who wait or are being served
        self._piece_s = FIRST_GUESS_S
        self._free_at = 0.0  # monotonic seconds; by then what was used has been rested for
        self._threads: Any = None

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return max(0, self._inside - self._at_once)

    @property
    def most_waiting(self) -> int:
        """How many may."""
        return self._most_waiting

    def require_room(self) -> None:
        """Refuse somebody for whom there would be no turn, before anything else is done for them.

        Raises:
            Busy: too many wait.
        """
        waiting, wait_s = self._inside - self._at_once, self._expected_wait_s()
        if waiting >= self._most_waiting or wait_s > self._longest_wait_s:
            # Spread, so that those who are sent away together do not come back together.
            raise Busy(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - not for security

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have a turn, in which to `run` something and to do what belongs to it.

        Raises:
            Busy: too many wait, or the turn did not come in time.
        """
        with self._lock:
            self.require_room()
            self._inside += 1
        try:
            if not self._turns.acquire(timeout=self._longest_wait_s):
                raise Busy(self._expected_wait_s())
            try:
                time.sleep(max(0.0, self._free_at - time.monotonic()))
                yield
            finally:
                self._turns.release()
        finally:
            with self._lock:
                self._inside -= 1

    def run(self, work: Callable[[], T]) -> T:
        """Do it, and return what it returns; the next turn begins after the rest that makes up for it."""
        result, took_s = self._off_the_loop(work)
        with self._lock:
            self._piece_s += WEIGHT * (took_s - self._piece_s)
            self._free_at = max(self._free_at, time.monotonic() - BURST_S) + took_s / self._cores
        return result

    def _expected_wait_s(self) -> float:
        ahead_s = max(0, self._inside - self._at_once + 1) * self._piece_s / self._cores
        return ahead_s + max(0.0, self._free_at - time.monotonic())

    def _off_the_loop(self, work: Callable[[], T]) -> tuple[T, float]:
        monkey: Any = sys.modules.get("gevent.monkey")
        if monkey is None or not monkey.is_module_patched("threading"):
            return _timed(work)
        if self._threads is None:
            from gevent.threadpool import ThreadPool

            self._threads = ThreadPool(self._at_once)
        with self._running, _letting_threads_in():
            return self._threads.apply(_yielding, (work,))  # type: ignore[no-any-return]


@contextmanager
def _letting_threads_in() -> Iterator[None]:
    """Stand still for a moment now and then, so that another thread gets the GIL from a busy loop.

    A loop that always has something to do gives the GIL up every 5 ms, for as long as a poll takes, and has
    it back before a thread that waits for it woke up. Each time that thread begins to wait again, and so
    never comes to insist on it: seen for 20 s on end.
    """
    import gevent
    from gevent.monkey import get_original

    stand_still = get_original("time", "sleep")

    def let_in() -> None:
        while True:
            gevent.sleep(LET_IN_EVERY_S)
            stand_still(LET_IN_S)

    letting = gevent.spawn(let_in)
    try:
        yield
    finally:
        letting.kill(block=False)


def _yielding(work: Callable[[], T]) -> tuple[T, float]:
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)  # on Linux that is this thread alone
    return _timed(work)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """Do it, and tell how many seconds of CPU it took this thread."""
    began = time.thread_time()
    result = work()
    return result, time.thread_time() - began
