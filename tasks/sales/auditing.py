"""Audits every running sale every few seconds, and logs a broken invariant as an error."""

import time
from typing import Final
from uuid import UUID

import structlog

from models.audit import Audit, audit_sale
from models.enums import SaleStatus
from models.errors import LineUnavailable
from models.live.audits import AuditNote
from models.queries.sales import sales_of_status
from tasks.context import Context
from tasks.runtime.isolation import apart

log: Final = structlog.get_logger()

RUNNING: Final = (SaleStatus.OPEN, SaleStatus.PAUSED)
REST: Final = (
    10.0  # pause between audits, as a multiple of the last one's duration: a rush leaves no more time
)
READINGS: Final = 2  # at most, to find a sale still; one that is not now will be when the rush is over


def audit_running_sales(context: Context, *, rest: float = 0.0) -> list[Audit]:
    """Audit every sale that is open or paused, and note each verdict beside its live state.

    A sale is not audited again for `rest` times as long as its last audit took. A failure in one does not
    stop the others.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable, so that nothing can be said.
    """
    with context.database.transaction() as session:
        sale_ids = sales_of_status(session, RUNNING)
    found = []
    for sale_id in sale_ids:
        with apart("audit_hindered", sale_id=str(sale_id)):
            if not _is_resting(context, sale_id, rest):
                found.append(_audit(context, sale_id))
    return found


def _audit(context: Context, sale_id: UUID) -> Audit:
    began = time.monotonic()
    audit = audit_sale(context.database, context.live, sale_id, READINGS)
    took_ms = round((time.monotonic() - began) * 1000)
    _cry_out(sale_id, audit)
    checks = {check.name: check.ok for check in audit.checks}
    note = AuditNote(audit.checked_at_ms, audit.in_flight, checks, took_ms)
    try:
        context.live.note_audit(sale_id, note)
    except LineUnavailable as error:
        log.warning("audit_not_noted", sale_id=str(sale_id), error=str(error))
    return audit


def _cry_out(sale_id: UUID, audit: Audit) -> None:
    for check in audit.checks:
        if not check.ok:
            log.error(
                "invariant_broken",
                sale_id=str(sale_id),
                check=check.name,
                figures=check.figures,
                rows=check.rows,
            )


def _is_resting(context: Context, sale_id: UUID, rest: float) -> bool:
    note = context.live.noted_audit(sale_id) if rest else None
    # An audit from the future was made before the clock was set back: its age is unknown.
    return note is not None and 0 <= context.live.now_ms() - note.at_ms < rest * note.took_ms
