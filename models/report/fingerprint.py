"""The fingerprint of a report's source: the state of a sale's orders and money, which tells a stale report.

An order or a charge that reached a final state never returns to an earlier one, so equal counts mean that
nothing a report contains has changed in between.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from models.enums import OrderStatus, PaymentStatus, RefundStatus
from models.errors import NoSuchSale
from models.report import queries

_OPEN: Final = (OrderStatus.HELD, OrderStatus.PAYING)
_UNDECIDED: Final = (PaymentStatus.PENDING, PaymentStatus.ABANDONED, PaymentStatus.LATE)


@dataclass(frozen=True, slots=True)
class SourceFingerprint:
    """How many orders, payments and refunds of a sale are in which status; `sold` units."""

    sold: int
    is_drained: bool
    orders: dict[str, int]
    payments: dict[str, int]
    refunds: dict[str, int]

    @property
    def is_settled(self) -> bool:
        """Whether the sale is finished: all is decided, and no unit and no cent is on its way."""
        moving = [self.orders.get(one, 0) for one in _OPEN]
        moving += [self.payments.get(one, 0) for one in _UNDECIDED]
        return self.is_drained and not any(moving) and not self.refunds.get(RefundStatus.PENDING, 0)

    def as_message(self) -> dict[str, Any]:
        """Write it as plain data, which is kept with the report."""
        return asdict(self)


def read_fingerprint(session: Session, sale_id: UUID) -> SourceFingerprint:
    """Read the present fingerprint of a sale.

    Raises:
        NoSuchSale: there is none.
    """
    row = session.execute(queries.FINGERPRINT, {"sale_id": sale_id}).mappings().one_or_none()
    if row is None:
        raise NoSuchSale("No sale has this id.")
    return SourceFingerprint(**row)
