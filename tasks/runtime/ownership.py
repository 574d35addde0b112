"""Checks whether the live Redis belongs to this process's ledger.

Each ledger has a random id, and each Redis carries the id of the ledger that used it first. Two deployments
at one Redis would decide each other's intents, and could not persist them anywhere.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from models.database import Database
from models.errors import ForeignLine
from models.live.store import Live
from models.tables.ledger_identity import identity_of

GOOD_FOR_S: Final = 2.0
OURS_FOR_S: Final = 10.0  # the id of a ledger changes only where it is replaced


class Ownership:
    """Compares the two ids, and caches for a moment that they agree. Thread-safe; holds no lock."""

    def __init__(
        self, database: Database, live: Live, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._live = live
        self._clock = clock
        self._good_until = float("-inf")
        self._ours: UUID | None = None
        self._ours_until = float("-inf")

    def require(self) -> None:
        """Make sure of it; a Redis that belongs to no ledger yet is ours from now on.

        Raises:
            ForeignLine: it is another ledger's.
        """
        if self._clock() >= self._good_until:
            self.look()

    def look(self) -> None:
        """Make sure of it without the cache; the ledger's own id is taken as known for ten seconds."""
        if self._clock() < self._ours_until and self._live.owner() == str(self._ours):
            self._good_until = self._clock() + GOOD_FOR_S
            return
        ours = self.of_ledger()
        owner = self._live.belong(ours)
        if owner != str(ours):
            self._good_until = float("-inf")
            raise ForeignLine(f"This Redis belongs to the ledger {owner}, and ours is {ours}.")
        self._ours, self._ours_until = ours, self._clock() + OURS_FOR_S
        self._good_until = self._clock() + GOOD_FOR_S

    def adopt(self) -> None:
        """Have the Redis belong to our ledger from now on, even if it was another's."""
        self._live.belong(self.of_ledger(), at_any_rate=True)

    def of_ledger(self) -> UUID:
        """Read our ledger's id."""
        with self._database.connection() as connection:
            return identity_of(connection)
