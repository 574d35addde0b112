"""Drains a sale's line: claim, persist, settle, as long as there is work and time.

Any number of drains may run on one sale: the claim decides in ticket order, one atomic step at a time.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Connection

from models import ledger
from models.errors import (
    Fenced,
    ForeignLine,
    LedgerBusy,
    LedgerUnavailable,
    LineDiverged,
    LineUnavailable,
    NoSuchSale,
)
from models.faults import ROW_FAULTS
from models.ledger import Persisted
from models.live.records import Claim, ClaimCode, Decision
from models.messages import verdicts
from tasks.context import Context
from tasks.intents.verdict_times import note_verdicts
from tasks.notices.absent import note_verdicts_to_tell
from tasks.runtime.failpoints import failpoint
from tasks.runtime.measures import CLAIMS, TRIPS, measured
from tasks.sales.live_sync import stop_diverged, sync_live
from tasks.tracing.traces import CLAIM, COMMIT, SETTLE

log: Final = structlog.get_logger()

LONGEST_WAIT_MS: Final = 50  # between looks at a paced line
SLICE_S: Final = 1.0  # then the next sale gets its turn
POSTPONE_MS: Final = 500
FENCED_MS: Final = 1_500  # less than a lease; a claim of another epoch waits for a rebuild, which drops it
HELP_WANTED: Final = 4  # claims' worth of waiting tickets at which another worker is rung for

Connect = Callable[[], AbstractContextManager[Connection]]


def drain_sale(
    context: Context,
    sale_id: UUID,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Decide and persist what stands in a sale's line; returns the number of tickets persisted.

    Stops when nothing is left to claim, when the ledger is unavailable, or after a time slice; then it
    rings for the next worker.
    """
    if not _is_ours(context, sale_id):
        return 0
    until = clock() + SLICE_S
    persisted = 0
    called_for_help = False
    while context.breaker.is_closed():
        began_ns = time.time_ns()
        with measured(context.measures, "claim"):
            reply = context.live.claim(sale_id, context.settings.claim_size)
        context.traces.worked(CLAIM, sale_id, reply.claim, began_ns)
        if reply.parked:
            log.error("claim_parked", sale_id=str(sale_id), claims=reply.parked)
        if reply.code == ClaimCode.DRAWING:
            context.live.draw(sale_id)
            continue
        if reply.code == ClaimCode.PACED and clock() < until:
            time.sleep(min(reply.wait_ms, LONGEST_WAIT_MS) / 1000)
            continue
        if reply.claim is None:
            if reply.code == ClaimCode.PACED:
                context.bell.ring(sale_id)
            return persisted
        failpoint("claimed")
        if not called_for_help and reply.waiting > HELP_WANTED * context.settings.claim_size:
            called_for_help = context.bell.ring(sale_id)
        if not finish_claim(context, sale_id, reply.claim):
            return persisted
        persisted += len(reply.claim.decisions)
        if clock() >= until:
            context.bell.ring(sale_id)
            return persisted
    return persisted


def _is_ours(context: Context, sale_id: UUID) -> bool:
    """Return whether the line belongs to our ledger: claims from another's could not be persisted."""
    if not context.breaker.is_closed():
        return False
    try:
        context.ownership.require()
        context.sale_cache.by_id(sale_id)
    except LedgerUnavailable as error:
        _trip(context, error)
        log.warning("ledger_away", sale_id=str(sale_id), error=str(error))
        return False
    except (ForeignLine, NoSuchSale) as error:
        log.error("line_of_another_ledger", sale_id=str(sale_id), error=str(error))
        return False
    return True


def finish_claim(context: Context, sale_id: UUID, claim: Claim) -> bool:
    """Persist and settle one claim; returns whether draining may go on.

    A claim that could not be finished stays in Redis and is handed out again when its lease ends.
    """
    with context.traces.logged(one.intent_id for one in claim.decisions):
        return _persist_and_settle(context, sale_id, claim)


def _persist_and_settle(context: Context, sale_id: UUID, claim: Claim) -> bool:
    began_ns = time.time_ns()
    try:
        with measured(context.measures, "persist"):
            claim_left, stored = _persist(context, sale_id, claim)
    except LedgerUnavailable as error:
        context.traces.worked(COMMIT, sale_id, claim, began_ns, error)
        _step_back(context, sale_id, claim, error)
        return False
    except Fenced as error:
        _note_refusal(context, sale_id, claim, error)
        _postpone(context, sale_id, claim, FENCED_MS)
        return False
    except LineDiverged as error:
        _note_refusal(context, sale_id, claim, error)
        stop_diverged(context, sale_id, claim.epoch, error)
        sync_live(context, sale_id)
        return False
    if claim_left is None or stored is None:
        return True
    context.traces.worked(COMMIT, sale_id, claim_left, began_ns)
    failpoint("persisted")
    return _settle(context, sale_id, claim_left, stored)


def _settle(context: Context, sale_id: UUID, claim: Claim, stored: Persisted) -> bool:
    """Let the live side forget a claim that is in the ledger, and tell its verdicts."""
    began_ns = time.time_ns()
    decided = _own_words(claim, stored)
    told = verdicts(claim, decided, sale_id)
    try:
        with measured(context.measures, "settle"):
            context.live.settle(sale_id, claim, told, units_back=stored.units_back)
    except Fenced as error:
        _note_refusal(context, sale_id, claim, error)
        return False
    if context.traces.worked(SETTLE, sale_id, claim, began_ns):
        log.info("claim_settled", **_named(sale_id, claim))
    failpoint("settled")
    note_verdicts(context.measures, claim, decided)
    return True


def _note_refusal(context: Context, sale_id: UUID, claim: Claim, error: Exception) -> None:
    context.measures.count(CLAIMS, "refused")
    log.error("claim_refused", **_named(sale_id, claim), error=str(error))


def _named(sale_id: UUID, claim: Claim) -> dict[str, Any]:
    """Name a claim, and the tickets that it decided, for the log."""
    tickets = [one.ticket for one in claim.decisions]
    return {
        "sale_id": str(sale_id),
        "claim": claim.claim_id,
        "tickets": f"{min(tickets)}-{max(tickets)}" if len(tickets) > 1 else str(*tickets),
    }


def _own_words(claim: Claim, stored: Persisted) -> list[Decision]:
    """Select the verdicts that this claim publishes.

    A ticket that it put on standby and a later claim served is published by that one, with price and
    deadline.
    """
    pairs = zip(claim.decisions, stored.decisions, strict=True)
    return [kept for one, kept in pairs if kept.is_standby or not one.is_standby]


def _persist(context: Context, sale_id: UUID, claim: Claim) -> tuple[Claim | None, Persisted | None]:
    """Write a claim to the ledger. Rows that the ledger refuses are parked separately."""
    try:
        return claim, _persist_whole(context, context.database.connection, sale_id, claim)
    except ROW_FAULTS as error:
        log.error("claim_has_refused_rows", **_named(sale_id, claim), error=str(error.orig))
    refused = refused_rows(context, sale_id, claim)
    rest = context.live.split(sale_id, claim, refused)
    if rest is None:
        return None, None
    return rest, _persist_whole(context, context.database.connection, sale_id, rest)


def _persist_whole(context: Context, connect: Connect, sale_id: UUID, claim: Claim) -> Persisted:
    with connect() as connection:
        stored = ledger.persist_claim(connection, sale_id, claim)
        if context.settings.can_tell:
            note_verdicts_to_tell(connection, sale_id, claim, stored.decisions)
        failpoint("before_commit")
    return stored


def refused_rows(context: Context, sale_id: UUID, claim: Claim) -> list[str]:
    """Find the intents that the ledger refuses, by bisection; what it accepts is thereby persisted.

    A row is at fault only if it is refused again, alone, on a fresh connection.

    Raises:
        LedgerUnavailable: nothing can be said about the rest.
        Fenced, LineDiverged: as `persist_claim` does.
    """
    try:
        _persist_whole(context, context.database.fresh_connection, sale_id, claim)
    except ROW_FAULTS:
        if len(claim.decisions) == 1:
            return [claim.decisions[0].intent_id]
    else:
        return []
    middle = len(claim.decisions) // 2
    halves = (claim.decisions[:middle], claim.decisions[middle:])
    return [
        intent for half in halves for intent in refused_rows(context, sale_id, replace(claim, decisions=half))
    ]


def _step_back(context: Context, sale_id: UUID, claim: Claim, error: LedgerUnavailable) -> None:
    _trip(context, error)
    context.measures.count(CLAIMS, "put_off")
    log.warning("ledger_away", **_named(sale_id, claim), error=str(error))
    _postpone(context, sale_id, claim, POSTPONE_MS)


def _trip(context: Context, error: LedgerUnavailable) -> None:
    """Stop claiming for a while, unless only this sale's rows are locked."""
    if not isinstance(error, LedgerBusy):
        context.measures.count(TRIPS)
        context.breaker.trip()


def _postpone(context: Context, sale_id: UUID, claim: Claim, delay_ms: int) -> None:
    try:
        context.live.postpone(sale_id, claim, delay_ms)
    except LineUnavailable as away:
        log.warning("claim_not_postponed", **_named(sale_id, claim), error=str(away))
