"""Audits a sale: checks the invariants over the live state in Redis and the ledger, with figures.

The two stores cannot be read in one instant. If the live state changed meanwhile, the reading is repeated;
while verdicts are in flight, only what must hold at every instant is checked.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from models.audit.checks import CHECKS, Check
from models.audit.gathering import read
from models.database import Database
from models.live.store import Live

READINGS: Final = 5


@dataclass(frozen=True, slots=True)
class Audit:
    """All checks of a sale. `in_flight`: some checked only what holds while verdicts move."""

    sale_id: str
    ok: bool
    in_flight: bool
    checked_at_ms: int
    checks: list[Check]

    def as_message(self) -> dict[str, Any]:
        """Return the audit as plain data."""
        return asdict(self)


def audit_sale(database: Database, live: Live, sale_id: UUID, readings: int = READINGS) -> Audit:
    """Check the invariants of a sale; at most `readings` readings are made to find it still.

    Raises:
        NoSuchSale: there is none.
    """
    reading = read(database, live, sale_id)
    for _ in range(readings - 1):
        if reading.is_still:
            break
        reading = read(database, live, sale_id)
    checks = [check(reading) for check in CHECKS]
    return Audit(
        str(sale_id),
        all(check.ok for check in checks),
        not reading.is_still,
        reading.look.now_ms,
        checks,
    )
