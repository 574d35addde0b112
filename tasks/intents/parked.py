"""Retries parked claims: what made them fail may be over, and nobody should have to find out by hand.

A claim is parked because of rows that the ledger refused, or because it was handed out too often, as when
several workers died in a row.
"""

from typing import Final
from uuid import UUID

import structlog

from models.errors import FlashSaleError, LedgerUnavailable
from models.live.records import Claim
from tasks.context import Context
from tasks.intents.drain import finish_claim, refused_rows

log: Final = structlog.get_logger()

PAUSE_MS: Final = 10_000  # between two tries of a sale's parked claims, by all workers together


def retry_parked(context: Context, sale_id: UUID) -> int:
    """Retry the parked claims of a sale, unless another worker just did; returns how many were finished.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is unavailable; the next try is as good.
    """
    if not context.live.take_turn(f"parked:{sale_id}", PAUSE_MS):
        return 0
    return sum(_try_again(context, sale_id, claim) for claim in context.live.parked(sale_id))


def _try_again(context: Context, sale_id: UUID, claim: Claim) -> bool:
    """Finish what the ledger accepts by now; rows that it still refuses stay parked."""
    try:
        refused = refused_rows(context, sale_id, claim)
    except LedgerUnavailable:
        raise
    except FlashSaleError as error:  # of another epoch, or its tickets belong to others: a rebuild drops it
        log.info("claim_stays_parked", sale_id=str(sale_id), claim=claim.claim_id, error=str(error))
        return False
    if len(refused) == len(claim.decisions):
        log.info("claim_stays_parked", sale_id=str(sale_id), claim=claim.claim_id, refused=len(refused))
        return False
    rest = context.live.split(sale_id, claim, refused)
    if rest is None or not finish_claim(context, sale_id, rest):
        return False
    log.warning("parked_claim_finished", sale_id=str(sale_id), claim=claim.claim_id)
    return True
