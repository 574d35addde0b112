"""Counts what happens with money, in the ledger itself and in the transaction that it counts.

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
SECONDS: Final = (0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)  # bounds; longer ones count under +Inf

# A row that another transaction counts into at the moment is skipped, so that nobody waits.
_COUNT: Final = text("""
    WITH free AS (
        SELECT id FROM tallies WHERE name = :name AND labels = :labels LIMIT 1 FOR UPDATE SKIP LOCKED
    ), counted AS (
        UPDATE tallies SET count = tallies.count + 1, total_ms = tallies.total_ms + :ms
        FROM free WHERE tallies.id = free.id RETURNING tallies.id
    )
    INSERT INTO tallies (name, labels, count, total_ms)
    SELECT :name, :labels, 1, :ms WHERE NOT EXISTS (SELECT FROM counted)
""")


def count(session: Session, name: str, *labels: str, took: timedelta | None = None) -> None:
    """Count one more, inside the caller's transaction; waits for no lock."""
    ms = max(round(took / timedelta(milliseconds=1)), 0) if took else 0
    session.execute(_COUNT, {"name": name, "labels": ",".join(labels), "ms": ms})


def count_outcome(session: Session, provider: str, outcome: str, took: timedelta) -> None:
    """Count what became of a payment, and how long that took."""
    seconds = took.total_seconds()
    bound = next((str(bound) for bound in SECONDS if seconds <= bound), "+Inf")
    count(session, PAYMENT_OUTCOMES, provider, outcome, bound, took=took)
