"""Hashes passwords: argon2id with OWASP's parameters, off the event loop, in a share of the cores."""

import os
from base64 import b64encode
from contextlib import AbstractContextManager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from config import LogInSettings
from tasks.accounts.password_rules import why_weak
from web.limits.cpu_share import CpuShare

TIME_COST: Final = 2
MEMORY_KIB: Final = 19 * 1024
PARALLELISM: Final = 1


class Passwords:
    """Hashes and verifies. One hash takes some 40 ms and 19 MiB; all `processes` together take a share."""

    def __init__(self, settings: LogInSettings | None = None, *, processes: int = 1) -> None:
        settings = settings or LogInSettings()
        cores = len(os.sched_getaffinity(0)) * settings.cpu_share / processes
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self.share = CpuShare(cores, most_waiting=settings.queue // processes, longest_wait_s=settings.wait_s)
        self._nobodys = _hash_of_nothing()

    def require_room(self) -> None:
        """Refuse somebody for whom there would be no turn, before their account is looked at.

        Raises:
            Busy: too many are waiting.
        """
        self.share.require_room()

    def turn(self) -> AbstractContextManager[None]:
        """Have a turn to hash or verify, in a storm: what else a log-in takes is done in it too.

        Raises:
            Busy: too many are waiting.
        """
        return self.share.turn()

    def why_weak(self, password: str, *own: str) -> str:
        """Say why a password would be found by trying; empty where it would not. `own`: whose it is."""
        return self.share.run(lambda: why_weak(password, *own))

    def hash(self, password: str) -> str:
        """Hash a password with a salt of its own."""
        return self.share.run(lambda: self._hasher.hash(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Check whether the password belongs to the stored hash; takes as long when there is none."""
        return self.share.run(lambda: self._matches(stored or self._nobodys, password)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Check whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


def _hash_of_nothing() -> str:
    """Write a hash that no password has, and that takes as long to compare with as any."""
    salt, digest = (b64encode(os.urandom(length)).decode().rstrip("=") for length in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}${salt}${digest}"
