"""What a storm reads of the provider's books and of the ledger: what is true, and what came of it.

It only reads. The provider's events are taken as the provider stores them, and only once what they say is
true, so that asking the provider never contradicts a webhook that was sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from models.database import Database

# A charge that is pending is told as such at any time; an end of it, when it has come.
_TRUE_EVENTS: Final = text("""
    SELECT DISTINCT ON (e.event_id) e.event_id, e.payload, c.method
    FROM orders o JOIN sandbox_charges c ON c.order_id = o.id
    JOIN sandbox_events e ON e.payload -> 'data' ->> 'payment_id' = c.payment_id::text
    WHERE o.sale_id = :sale_id
      AND (e.payload ->> 'type' = 'charge.pending' OR c.settles_at IS NULL OR c.settles_at <= now())
    ORDER BY e.event_id, e.id
""")
_UNFINISHED: Final = text("""
    SELECT (SELECT count(*) FROM intents WHERE sale_id = :sale_id AND decided_at IS NULL)
         + (SELECT count(*) FROM orders WHERE sale_id = :sale_id
            AND (status IN ('held', 'paying') OR released_at IS NULL))
         + (SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id
            WHERE o.sale_id = :sale_id AND p.status IN ('pending', 'abandoned', 'late'))
         + (SELECT count(*) FROM refunds r JOIN orders o ON o.id = r.order_id
            WHERE o.sale_id = :sale_id AND r.status = 'pending')
""")
_STORED: Final = text(
    "SELECT event_id FROM webhook_events WHERE provider = 'sandbox' AND event_id = ANY(:ids)"
)
_OUTCOMES: Final = text("""
    SELECT p.id, p.order_id, p.status, p.method, c.state
    FROM payments p JOIN orders o ON o.id = p.order_id LEFT JOIN sandbox_charges c ON c.payment_id = p.id
    WHERE o.sale_id = :sale_id ORDER BY p.created_at, p.id
""")
_HISTORY: Final = text("""
    SELECT e.order_id, e.status, e.reason FROM order_events e JOIN orders o ON o.id = e.order_id
    WHERE o.sale_id = :sale_id ORDER BY e.id
""")

History = dict[str, list[tuple[str, str | None]]]  # order's id → (status, reason), oldest first


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """A webhook of the provider's, of which everything is true by now."""

    event_id: str
    payload: dict[str, Any]
    method: str


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """What the shop made of a charge, beside what the provider's books say of it."""

    payment_id: str
    order_id: str
    status: str
    method: str
    booked: str | None


class StormBooks:
    """The questions of a storm about one sale, each one statement.

    Each raises `LedgerUnavailable` where PostgreSQL is away.
    """

    def __init__(self, database: Database, sale_id: str) -> None:
        self._database = database
        self._sale = {"sale_id": UUID(sale_id)}

    def true_events(self) -> list[TrueEvent]:
        """Read the webhooks that are true by now, each once."""
        return [TrueEvent(*row) for row in self._rows(_TRUE_EVENTS)]

    def unfinished(self) -> int:
        """Count what is still under way: standbys, holds, charges, refunds, units on their way."""
        return int(self._rows(_UNFINISHED)[0][0])

    def stored(self, event_ids: Iterable[str]) -> set[str]:
        """Find which of these webhooks were stored."""
        with self._database.connection() as connection:
            rows = connection.execute(_STORED, {"ids": list(event_ids)}).all()
        return {row[0] for row in rows}

    def outcomes(self) -> tuple[StoredOutcome, ...]:
        """Read what became of every payment, on both sides."""
        return tuple(
            StoredOutcome(str(payment_id), str(order_id), *rest)
            for payment_id, order_id, *rest in self._rows(_OUTCOMES)
        )

    def histories(self) -> History:
        """Read every change of every order."""
        found: History = {}
        for order_id, status, reason in self._rows(_HISTORY):
            found.setdefault(str(order_id), []).append((status, reason))
        return found

    def _rows(self, statement: Any) -> list[Any]:
        with self._database.connection() as connection:
            return list(connection.execute(statement, self._sale).all())
