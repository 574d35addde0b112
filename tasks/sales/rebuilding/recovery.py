"""Rebuilds by itself a sale that was stopped since its stores differ, where nobody accepted is lost."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text

from models.enums import SaleStatus
from models.tables.catalogue import Sale
from tasks.context import Context
from tasks.sales.lifecycle import move_sale
from tasks.sales.rebuilding.rebuild import rebuild_sale

log: Final = structlog.get_logger()

REST: Final = timedelta(seconds=1)  # within which web processes note the last tickets that they told

_OWNED: Final = text("""
    SELECT (SELECT count(ticket) FROM intents WHERE sale_id = :sale_id)
         + coalesce((SELECT sum(last_ticket - first_ticket + 1) FROM lost_tickets
                     WHERE sale_id = :sale_id), 0)
""")


def recover(context: Context, sale: Sale, now: datetime) -> bool:
    """Rebuild a stopped sale and let it go on; returns whether it did. Else a person has to.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the next sweep tries again.
    """
    if sale.stopped_at is None or sale.status != SaleStatus.PAUSED or now - sale.stopped_at < REST:
        return False
    has_everybody = _has_everybody(context, sale)
    if not (has_everybody or _loses_nobody(context, sale)):
        return False
    rebuild_sale(context, sale.id, has_everybody=has_everybody)
    log.warning("sale_recovered", sale_id=str(sale.id), stopped_at=str(sale.stopped_at))
    move_sale(context, sale.id, SaleStatus.OPEN, only_from=SaleStatus.PAUSED)
    return True


def _has_everybody(context: Context, sale: Sale) -> bool:
    """Whether a replica took over that has all that was told, and lacks what became of it at most."""
    if context.live.replicas.required == 0:
        return False
    look = context.live.look(sale.id)
    marks = (("accepted", sale.accepted), ("noted", sale.noted))
    return look.fields.get("epoch") == sale.epoch and all(look.number(name) >= was for name, was in marks)


def _loses_nobody(context: Context, sale: Sale) -> bool:
    """Whether the journal has everybody, or nobody stood there: every ticket has a verdict already."""
    if context.journal is not None:
        return True
    look = context.live.look(sale.id)
    given = max(sale.accepted_ticket, sale.last_decided_ticket, look.number("last_ticket"))
    if look.line_length or (given and sale.lobby_size is None):
        return False
    with context.database.connection() as connection:
        return int(connection.execute(_OWNED, {"sale_id": sale.id}).scalar_one()) == given
