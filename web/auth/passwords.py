"""Hashes passwords: argon2id with OWASP's parameters, off the event loop, a few at a time."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from web.http.errors import Problem

TIME_COST: Final = 2
MEMORY_KIB: Final = 19 * 1024
PARALLELISM: Final = 1
WAIT_S: Final = 10.0  # seconds that somebody waits for a turn before hearing 503

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. One hash takes some 40 ms and 19 MiB, so only as many run as there are cores."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self._turns = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
        self._nobodys = self._hasher.hash(os.urandom(16).hex())

    def hash(self, password: str) -> str:
        """Hash a password with a salt of its own.

        Raises:
            Problem: 503, too many are waiting.
        """
        return self._in_turn(lambda: self._hasher.hash(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Check whether the password belongs to the stored hash; takes as long when there is none.

        Raises:
            Problem: 503, too many are waiting.
        """
        return self._in_turn(lambda: self._matches(stored or self._nobodys, password)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Check whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False

    def _in_turn(self, work: Callable[[], T]) -> T:
        if not self._turns.acquire(timeout=WAIT_S):
            raise Problem(
                503, "busy", "Too many people are signing in; try again.", headers={"Retry-After": "5"}
            )
        try:
            return _off_the_loop(work)
        finally:
            self._turns.release()


def _off_the_loop(work: Callable[[], T]) -> T:
    """Under gevent the work goes to a native thread: it releases the GIL, but would hold up the loop."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return work()
    import gevent

    result: T = gevent.get_hub().threadpool.apply(work)
    return result
