"""Raises and cuts a sale's allocation: each made once in either store, in the safe order.

What raises free stock is written to the ledger first, what lowers it to Redis first, so that the live side
never has more to sell than the ledger.
"""

import uuid
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.errors import AllocationTooSmall, IdempotencyKeyReused
from models.queries.sales import find_sale
from models.tables.catalogue import Adjustment, Sale
from tasks.context import Context

KEY_TAKEN: Final = "uq_adjustments_requested_by_idempotency_key"


def apply_adjustment(context: Context, adjustment_id: UUID) -> bool:
    """Finish an adjustment of the allocation, however far it got; False if it is refused.

    Raises:
        Fenced: the live state is of another epoch.
        LineUnavailable, LedgerUnavailable: a store is unavailable; a sweep tries again.
    """
    with context.database.transaction() as session:
        adjustment = session.get_one(Adjustment, adjustment_id)
        epoch = session.get_one(Sale, adjustment.sale_id).epoch
    if adjustment.state != "pending":
        return adjustment.state == "applied"
    applied = context.live.adjust(adjustment.sale_id, epoch or "", adjustment.id, adjustment.units)
    with context.database.transaction() as session:
        sale = find_sale(session, adjustment.sale_id, lock=True)
        adjustment = session.get_one(Adjustment, adjustment_id, with_for_update=True)
        if adjustment.state == "pending":
            adjustment.state = "applied" if applied else "refused"
            adjustment.finished_at = func.now()
            if applied and adjustment.units < 0:
                sale.allocation += adjustment.units
    return applied


def note_adjustment(session: Session, sale: Sale, units: int, by: UUID | None, key: str = "") -> UUID:
    """Enter a requested change; a raise is made in the ledger at once.

    Raises:
        AllocationTooSmall: fewer units than are held and sold.
    """
    if units < 0 and sale.allocation + units < sale.held + sale.sold:
        raise AllocationTooSmall(f"{sale.held + sale.sold} units are held or sold.")
    adjustment = Adjustment(
        id=uuid.uuid4(), sale_id=sale.id, units=units, requested_by=by, idempotency_key=key or None
    )
    session.add(adjustment)
    if units > 0:
        sale.allocation += units
    return adjustment.id


def known_adjustment(session: Session, sale_id: UUID, units: int, by: UUID | None, key: str) -> UUID | None:
    """Find the adjustment that was requested under a key before.

    Raises:
        IdempotencyKeyReused: the key came with another sale or number of units.
    """
    if key == "" or by is None:
        return None
    known = session.scalar(
        select(Adjustment).where(Adjustment.requested_by == by, Adjustment.idempotency_key == key)
    )
    if known is not None and (known.sale_id, known.units) != (sale_id, units):
        raise IdempotencyKeyReused("The key was used with another sale or number of units.")
    return known.id if known is not None else None


def unfinished_adjustments(session: Session, sale_id: UUID) -> list[UUID]:
    """List the unfinished adjustments, oldest first."""
    pending = select(Adjustment.id).where(Adjustment.sale_id == sale_id, Adjustment.state == "pending")
    return list(session.scalars(pending.order_by(Adjustment.created_at)))
