"""Notes the tickets that a rebuild finds without a verdict, so that nobody gets their numbers again."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.enums import SaleStatus
from models.live.store import Accepted
from models.tables.catalogue import Sale

# All tickets missing in the ledger, up to the last one that was given.
_WRITE_DOWN: Final = text("""
    WITH known AS (
        SELECT ticket AS first, ticket AS last FROM intents WHERE sale_id = :sale_id
        UNION ALL SELECT first_ticket, last_ticket FROM lost_tickets WHERE sale_id = :sale_id
        UNION ALL SELECT ticket, ticket FROM unnest(CAST(:kept AS bigint[])) AS kept (ticket)
        UNION ALL SELECT 0, 0
        UNION ALL SELECT :given + 1, :given + 1
    ), gaps AS (
        SELECT last + 1 AS first, lead(first) OVER (ORDER BY first) - 1 AS last FROM known
        WHERE first IS NOT NULL AND first <= :given + 1
    ), lost AS (
        INSERT INTO lost_tickets (sale_id, first_ticket, last_ticket, before_opening)
        SELECT :sale_id, first, last, :before_opening FROM gaps WHERE first <= last
        RETURNING last_ticket - first_ticket + 1 AS tickets
    )
    SELECT coalesce(sum(tickets), 0) FROM lost
""")


def go_on_after(
    session: Session, sale: Sale, accepted: Accepted, *, kept: Sequence[int] | None = None
) -> int:
    """Continue a sale's tickets after the last one that was given; returns how many were lost.

    `kept`: tickets of the line that is put together again; None where everybody undecided is dropped.
    A sale that was stopped before its opening, and whose time has not come, is scheduled again.
    """
    given = max(sale.last_decided_ticket, sale.accepted_ticket, accepted.last_ticket, *(kept or ()))
    never_opened = sale.lobby_size is None and sale.status in (SaleStatus.SCHEDULED, SaleStatus.PAUSED)
    if kept is None or not never_opened:  # else the numbers were places in a lobby that is there again
        asked = {"sale_id": sale.id, "given": given, "before_opening": never_opened, "kept": list(kept or ())}
        lost = int(session.execute(_WRITE_DOWN, asked).scalar_one())
        sale.accepted_ticket = given
    else:
        lost = 0
    if kept is None or not (kept or never_opened):
        sale.last_decided_ticket = given
    sale.accepted = max(sale.accepted, accepted.intents, given)
    if never_opened and sale.opens_at > session.scalars(select(func.now())).one():
        sale.status = SaleStatus.SCHEDULED
    return lost
