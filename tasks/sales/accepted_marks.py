"""The mark of a sale's line: how many intents it has accepted, noted in the ledger and checked later.

Undecided intents live in Redis alone. A Redis that goes back in time, as a lagging replica that takes over,
forgets some of them and gives their tickets again. The mark shows that, and from which ticket to go on.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from models.errors import Fenced, LineDiverged, LineUnavailable, NotReplicated
from models.live.records import Look
from models.live.store import Accepted
from models.queries.sales import find_sale
from models.tables.catalogue import Sale
from tasks.context import Context
from tasks.sales.live_sync import stop_diverged

log: Final = structlog.get_logger()

# One statement for all sales. A sale whose row is locked is left to the next sweep, so that nobody waits.
_NOTE: Final = text("""
    WITH told AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:epochs AS text[]), CAST(:accepted AS bigint[]),
                             CAST(:tickets AS bigint[])) AS t (id, epoch, accepted, ticket)
    ), free AS (
        SELECT s.id FROM sales s JOIN told ON told.id = s.id AND told.epoch = s.epoch
        ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
    )
    UPDATE sales s
    SET accepted = greatest(s.accepted, told.accepted), noted = greatest(s.noted, told.accepted),
        accepted_ticket = greatest(s.accepted_ticket, told.ticket), noted_at = now()
    FROM told JOIN free USING (id) WHERE s.id = told.id
""")


def has_news(sale: Sale, look: Look) -> bool:
    """Return whether the line has accepted more than the ledger has noted."""
    return sale.epoch is not None and look.number("accepted") > sale.noted


def note_marks(context: Context, sales: Iterable[Sale]) -> None:
    """Note what these sales' lines have accepted: in Redis first, then in the ledger.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the mark stays where it was.
    """
    told: list[tuple[UUID, str, Accepted]] = []
    for sale in sales:
        epoch = sale.epoch or ""
        with suppress(NotReplicated):  # what too few replicas have nobody was told of
            if accepted := context.live.note_accepted(sale.id, epoch):
                context.live.replicas.require_known(sale.id)
                told.append((sale.id, epoch, accepted))
    if not told:
        return
    with context.database.connection() as connection:
        connection.execute(
            _NOTE,
            {
                "ids": [sale_id for sale_id, _, _ in told],
                "epochs": [epoch for _, epoch, _ in told],
                "accepted": [one.intents for _, _, one in told],
                "tickets": [one.last_ticket for _, _, one in told],
            },
        )


def require_whole(sale: Sale, look: Look) -> None:
    """Compare a sale's live state with the ledger's row, which was read before it.

    Raises:
        Fenced: it was lost, is of another epoch, or has gone back in time; only a rebuild helps.
    """
    if sale.epoch is None:  # it was never created
        return
    if look.fields.get("epoch") != sale.epoch:
        raise Fenced("The live state was lost, or is of another epoch.")
    for name, known in (
        # What is in the ledger was claimed before. The last ticket proves nothing once new ones were given.
        ("now_serving", sale.last_decided_ticket),
        ("accepted", sale.accepted),
        ("noted", sale.noted),
    ):
        if look.number(name) < known:
            raise Fenced(f"Redis forgot intents: {name} is {look.number(name)}, and was {known}.")


def refuse_gone_back(context: Context, sale_id: UUID) -> None:
    """Stop a sale whose live state has gone back in time from being opened or resumed, if Redis answers.

    Raises:
        LineDiverged: it has; the sale is stopped.
        NoSuchSale: there is none.
    """
    with context.database.transaction() as session:
        sale = find_sale(session, sale_id)
    try:
        require_whole(sale, context.live.look(sale_id))
    except Fenced as error:
        stop_diverged(context, sale_id, sale.epoch, error)
        raise LineDiverged(f"The live state of sale {sale_id} is to be rebuilt first: {error}") from error
    except LineUnavailable as error:
        log.warning("live_side_not_tried", sale_id=str(sale_id), error=str(error))
