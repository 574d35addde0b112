"""A replica of the ledger for what need not be the newest; the primary while the replica is unfit.

Whether it is fit is looked at about once a second when somebody needs it, and told when it changes.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.database import Database
from models.errors import LedgerUnavailable

log: Final = structlog.get_logger()

LOOK_S: Final = 1.0  # between two looks at one that is fit
REST_S: Final = 5.0  # between two looks at one that is not
START: Final = "0/0"  # everything is after it

_WRITTEN: Final = text("SELECT CAST(pg_current_wal_lsn() AS text)")

# A primary at rest commits nothing, so that time alone would make its replica look late.
_LAG: Final = text("""
    SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= CAST(:written AS pg_lsn) THEN 0
           ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 1e9) END
""")


class Replica:
    """Which of two databases to read from. `most_lag_s`: a replica that is further behind is not read."""

    def __init__(
        self,
        primary: Database,
        replica: Database,
        most_lag_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary, self._replica, self._most_lag_s = primary, replica, most_lag_s
        self._clock = clock
        self._is_fit = False
        self._look_at = 0.0
        self._looking = threading.Lock()

    @contextmanager
    def transaction(self, *, in_step: bool = False) -> Iterator[Session]:
        """Open a session to read in. `in_step`: all that was committed before is to be seen.

        Raises:
            LedgerUnavailable: it went away in between; who asks again is served by the primary.
        """
        if not (self._is_in_step() if in_step else self._may_be_read()):
            with self._primary.transaction() as session:
                yield session
            return
        try:
            with self._replica.transaction() as session:
                yield session
        except LedgerUnavailable as error:
            self._note(False, str(error))
            raise

    def dispose(self) -> None:
        """Close its connections."""
        self._replica.dispose()

    def _may_be_read(self) -> bool:
        """What was found last; one caller at a time looks again, and the others do not wait."""
        if self._clock() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                lag_s = self._lag_s()
                is_fit = lag_s is not None and lag_s <= self._most_lag_s
                self._note(is_fit, "it does not answer" if lag_s is None else f"it is {lag_s:.0f} s behind")
            finally:
                self._looking.release()
        return self._is_fit

    def _is_in_step(self) -> bool:
        return self._may_be_read() and self._lag_s() == 0

    def _lag_s(self) -> float | None:
        """How far it is behind; None where it does not answer."""
        try:
            with self._primary.connection() as connection:
                written = connection.execute(_WRITTEN).scalar_one()
        except LedgerUnavailable:
            written = START  # nothing new can have been written either
        try:
            with self._replica.probing() as connection:
                return float(connection.execute(_LAG, {"written": written}).scalar_one())
        except LedgerUnavailable:
            return None

    def _note(self, is_fit: bool, why: str) -> None:
        if self._is_fit and not is_fit:
            log.warning("replica_not_read", why=why)
        elif is_fit and not self._is_fit:
            log.info("replica_read")
        self._is_fit = is_fit
        self._look_at = self._clock() + (LOOK_S if is_fit else REST_S)
