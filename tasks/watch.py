"""Owns the watch over running sales: each is audited every few seconds, and what is broken is cried out."""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from models.audit import Audit, audit_sale
from models.catalogue import Sale
from models.errors import FlashSaleError
from models.live.audits import AuditNote
from models.vocabulary import SaleStatus
from tasks.context import Context

log: Final = structlog.get_logger()

RUNNING: Final = (SaleStatus.OPEN, SaleStatus.PAUSED)


def audit_running_sales(context: Context) -> list[Audit]:
    """Audit every sale that is open or paused, and note each verdict beside its live state.

    One sale's trouble does not keep the others from being audited.

    Raises:
        LedgerUnavailable: PostgreSQL is away, so that nothing can be said.
    """
    with context.database.transaction() as session:
        sale_ids = session.scalars(select(Sale.id).where(Sale.status.in_(RUNNING))).all()
    return [audit for sale_id in sale_ids if (audit := _audit(context, sale_id)) is not None]


def _audit(context: Context, sale_id: UUID) -> Audit | None:
    try:
        audit = audit_sale(context.database, context.live, sale_id)
        checks = {check.name: check.ok for check in audit.checks}
        context.live.note_audit(sale_id, AuditNote(audit.checked_at_ms, audit.in_flight, checks))
    except FlashSaleError as error:
        log.warning("audit_hindered", sale_id=str(sale_id), error=str(error))
        return None
    for check in audit.checks:
        if not check.ok:
            log.error(
                "invariant_broken",
                sale_id=str(sale_id),
                check=check.name,
                figures=check.figures,
                rows=check.rows,
            )
    return audit
