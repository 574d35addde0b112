"""Limits how many sockets a process takes, and how many a second; the others are told when to try again."""

import math
import random
import resource
import time
from collections.abc import Callable
from functools import cache
from typing import Final

from web.http.errors import Problem
from web.sockets.metrics import REFUSED
from web.sockets.transport.connect_limit import Rate, RateGate

MAX_SOCKETS: Final = 100_000
SPARE_FILES: Final = 512  # descriptors kept for everything else
FULL_S: Final = 10  # after which a place may be free
LONGEST_WAIT_S: Final = 15


class Admission:
    """The bounds on new sockets. `is_closing` once none is let in any more."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._gate = RateGate()
        self.is_closing = False

    def has_room(self, open_sockets: int) -> bool:
        """Whether there is a place for one more, soon or later."""
        return not self.is_closing and open_sockets < capacity()

    def admit(self, open_sockets: int) -> None:
        """Count a socket that comes.

        Raises:
            Problem: there is no room, or too many come at once.
        """
        if not self.has_room(open_sockets):
            raise _refused("no_room", "No more sockets here at the moment; try again.", FULL_S)
        if not self._gate.lets_through(self._rate, self._clock()):
            surge_s = math.ceil(self._gate.refused * self._rate.gap_s)
            raise _refused("too_many_at_once", "Too many connect at the same time; try again.", surge_s)


def _refused(code: str, detail: str, window_s: int) -> Problem:
    """A 503 whose `Retry-After` differs, so that those who are refused together do not return together."""
    REFUSED.labels(code).inc()
    wait_s = random.randint(1, min(1 + window_s, LONGEST_WAIT_S))  # noqa: S311 - spreads, hides nothing
    return Problem(503, code, detail, headers={"Retry-After": str(wait_s)})


@cache
def capacity() -> int:
    """How many sockets the process may have open by its limit of files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_SOCKETS if files == resource.RLIM_INFINITY else min(MAX_SOCKETS, max(files - SPARE_FILES, 64))
