"""Counts what happens with money, mails and pushes, in the ledger and in the transaction that it counts.

So every process counts into one sum, nothing is counted that was rolled back, and a reader reads a few rows
however much has happened. Independent of Prometheus.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

PAYMENTS_BEGUN: Final = "payments_begun"  # provider
PAYMENT_OUTCOMES: Final = "payment_outcomes"  # provider, outcome, upper bound of the seconds since it began
REFUNDS: Final = "refunds"  # cause, what happened
MAILS: Final = "mails"  # kind, what happened
PUSHES: Final = "pushes"  # kind, what happened
SECONDS: Final = (0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)  # bounds; longer ones count under +Inf

# A row that another transaction counts into at the moment is skipped, so that nobody waits.
_COUNT: Final = text("""
    WITH free AS (
        SELECT id FROM tallies WHERE name = :name AND labels = :labels LIMIT 1 FOR UPDATE SKIP LOCKED
    ), counted AS (
        UPDATE tallies SET count = tallies.count + :times, total_ms = tallies.total_ms + :ms
        FROM free WHERE tallies.id = free.id RETURNING tallies.id
    )
    INSERT INTO tallies (name, labels, count, total_ms)
    SELECT :name, :labels, :times, :ms WHERE NOT EXISTS (SELECT FROM counted)
""")


class Counts:
    """What happened in one transaction, by name and labels; written together, at its end."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], tuple[int, int]] = {}  # how often, and milliseconds in all

    def add(self, name: str, *labels: str, took: timedelta | None = None, times: int = 1) -> None:
        """Count one more, or as many as are said."""
        if times == 0:
            return
        ms = max(round(took / timedelta(milliseconds=1)), 0) if took else 0
        before, total_ms = self._parts.get((name, ",".join(labels)), (0, 0))
        self._parts[name, ",".join(labels)] = before + times, total_ms + ms

    def add_outcome(self, provider: str, outcome: str, took: timedelta) -> None:
        """Count what became of a payment, and how long that took."""
        seconds = took.total_seconds()
        bound = next((str(bound) for bound in SECONDS if seconds <= bound), "+Inf")
        self.add(PAYMENT_OUTCOMES, provider, outcome, bound, took=took)

    def write(self, session: Session) -> None:
        """Write them inside the caller's transaction; waits for no lock."""
        for (name, labels), (times, ms) in self._parts.items():
            session.execute(_COUNT, {"name": name, "labels": labels, "times": times, "ms": ms})
        self._parts.clear()


def count(session: Session, name: str, *labels: str) -> None:
    """Count one more, inside the caller's transaction; waits for no lock."""
    counts = Counts()
    counts.add(name, *labels)
    counts.write(session)
