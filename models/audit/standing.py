"""How running sales stand, by marks that cost little to read: whether one has to be audited again."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from models.database import Database
from models.live.store import Live

# Whatever sells, holds or brings back writes the sale's row, and `xmin` differs then. A payment or a refund
# may move without it: while one is under way, the sale is. `next_write` differs once anything was written.
_READ: Final = text("""
    SELECT s.id, s.xmin::text AS written,
           pg_snapshot_xmax(pg_current_snapshot())::text AS next_write,
           NOT EXISTS (SELECT FROM payments p JOIN orders o ON o.id = p.order_id
                       WHERE p.finished_at IS NULL AND o.sale_id = s.id)
           AND NOT EXISTS (SELECT FROM refunds r JOIN orders o ON o.id = r.order_id
                           WHERE r.status = 'pending' AND r.status <> 'succeeded' AND o.sale_id = s.id)
               AS is_settled
    FROM sales s WHERE s.status IN ('open', 'paused') ORDER BY s.id
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a running sale stands. `marks` differ once it has moved in either store.

    `ledger`: differs once anything at all was written there. `is_settled`: no money of it is under way.
    """

    sale_id: UUID
    marks: str
    ledger: str
    is_settled: bool


def read_standings(database: Database, live: Live) -> list[Standing]:
    """Read how every running sale stands: one question to each store."""
    with database.connection() as connection:
        rows = connection.execute(_READ).all()
    moves = live.moves_of([row.id for row in rows])
    return [
        Standing(row.id, f"{row.written} {moves.get(row.id)}", row.next_write, row.is_settled) for row in rows
    ]
