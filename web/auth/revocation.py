"""The set of revoked token families in this process, kept fresh from PostgreSQL.

Access tokens are not looked up when they are shown; this set is what makes a log-out take effect. One
thread (a greenlet where gevent has patched) reads it once a second, so that a revocation in any process is
known here soon after that.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, KeysView
from typing import Final

from models.database import Database
from models.errors import LedgerUnavailable
from models.queries.accounts import revoked_since
from tasks.runtime.periodic import Periodic

PERIOD_S: Final = 1.0  # seconds between two looks
FIRST_LOOK_S: Final = 2.0  # seconds that somebody waits for the first one
STOP_S: Final = 5.0  # seconds for a look that is under way to come to its end
OVERLAP_S: Final = 30.0  # seconds looked back each time: a commit may be that much later than its now()
SET_S: Final = 3600.0  # seconds by which a clock may be set, and no token that was revoked counts again

log = logging.getLogger(__name__)


class RevokedFamilies:
    """Answers whether a family is revoked, from memory.

    While PostgreSQL is away the last known set holds: the line must go on without the ledger.
    """

    def __init__(
        self,
        database: Database,
        *,
        keep_s: int,
        beside: Callable[[], None] = lambda: None,
    ) -> None:
        """`beside`: what else is read with each look, since it has to be as fresh."""
        self._database = database
        self._beside = beside
        self._keep_s = keep_s  # seconds; no access token lives longer than that
        self._revoked: dict[uuid.UUID, float] = {}  # since when it is known, in monotonic seconds
        self._watcher: Periodic | None = None
        self._watcher_pid = 0
        self._looked_pid = 0  # of the process that has looked at least once
        self._looked = threading.Event()
        self._starting = threading.Lock()
        self._looked_at: float | None = None  # the ledger's time at the last look that succeeded
        self._is_stopped = False

    def __contains__(self, family: uuid.UUID) -> bool:
        if self._looked_pid != os.getpid():
            self._await_first_look()
        return family in self._revoked

    def among(self, families: KeysView[uuid.UUID]) -> set[uuid.UUID]:
        """Those of these families that are revoked; costs no more than the smaller of the two."""
        if self._looked_pid != os.getpid():
            self._await_first_look()
        return self._revoked.keys() & families

    def add(self, *families: uuid.UUID) -> None:
        """Take in what this process revoked, at once."""
        self._revoked.update(dict.fromkeys(families, time.monotonic()))

    def stop(self) -> None:
        """Let the watching thread end, and wait until it holds no connection any more."""
        self._is_stopped = True
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.join(STOP_S)

    def refresh(self) -> None:
        """Read what was revoked since the last look, with a margin.

        Raises:
            LedgerUnavailable: the set stays as it was.
        """
        seconds = OVERLAP_S if self._looked_at else self._keep_s + OVERLAP_S + SET_S
        with self._database.connection() as connection:
            self._looked_at, families = revoked_since(connection, self._looked_at, seconds)
        now = time.monotonic()
        for family in families:
            self._revoked.setdefault(family, now)
        self._forget_the_old(now)
        self._beside()  # in a transaction of its own: each locks one table

    def _forget_the_old(self, now: float) -> None:
        """Forget whose tokens have all expired, also if clocks were set back since they were issued."""
        oldest = now - self._keep_s - OVERLAP_S - SET_S
        for family in [family for family, at in list(self._revoked.items()) if at < oldest]:
            self._revoked.pop(family, None)

    def _await_first_look(self) -> None:
        """Have a thread look before the first answer in this process, unless that takes long."""
        with self._starting:
            if self._watcher_pid != os.getpid():
                self._looked = threading.Event()
                self._watcher = Periodic("revoked_families", self._look, PERIOD_S, is_at_once=True)
                self._watcher.start()
                if self._is_stopped:  # somebody asks while the process ends: they get one look
                    self._watcher.stop()
                self._watcher_pid = os.getpid()
        self._looked.wait(FIRST_LOOK_S)

    def _look(self) -> None:
        try:
            self.refresh()
        except LedgerUnavailable:
            log.warning("revocations could not be read; going on with %d known", len(self._revoked))
        except Exception:
            log.exception("revocations could not be read")
        self._looked_pid = os.getpid()
        self._looked.set()
