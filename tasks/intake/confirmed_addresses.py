"""Which accounts have confirmed their e-mail address, for sales that ask for it.

The token of most says so, and nothing is asked here. Who confirmed it after the token was written is looked
for in the ledger, all who come together in one query, and remembered: a confirmed address stays one.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from models.database import Database
from models.errors import EmailNotVerified
from models.queries.accounts import verified_among
from tasks.intake.gathering import Gathering

MOST: Final = 100_000  # accounts that are remembered; then all are forgotten
AT_ONCE: Final = 500


class ConfirmedAddresses:
    """Accounts with confirmed addresses. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[UUID] = set()
        self._asking: Gathering[None, UUID, bool] = Gathering(
            "confirmed addresses", lambda _, asked: self._look(asked), most=AT_ONCE
        )

    def knows(self, user_id: UUID) -> bool:
        """Whether an account's address is known to be confirmed; asks nobody."""
        return user_id in self._known

    def require(self, user_id: UUID) -> None:
        """Let only an account go on whose address is confirmed, by a look into the ledger.

        Raises:
            EmailNotVerified: it is not.
        """
        if not self.knows(user_id) and not self._asking.ask(None, user_id):
            raise EmailNotVerified("This sale asks for a confirmed e-mail address.")

    def _look(self, asked: Sequence[UUID]) -> list[bool]:
        with self._database.transaction() as session:
            found = verified_among(session, asked)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known |= found
        return [one in found for one in asked]
