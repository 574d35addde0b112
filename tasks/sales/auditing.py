"""Audits the running sales that moved, within audits' share of a core; logs a broken invariant as an error.

A sale that did not move is not read again: its last verdicts stand. What was written past its marks is found
by reading it once a minute all the same, where anything at all was written to the ledger since.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from models.audit import Audit, audit_sale
from models.audit.standing import Standing, read_standings
from models.errors import LineUnavailable
from models.live.audits import AuditNote
from tasks.context import Context
from tasks.runtime.isolation import apart
from tasks.runtime.measures import AUDITS

log: Final = structlog.get_logger()

READINGS: Final = 2  # at most, to find a sale still; one that is not now will be when the rush is over
ROUND_S: Final = 5.0  # between two rounds, where audits' share allows it
CONFIRM_MS: Final = 20_000  # between two notes that a sale has not moved
READ_AGAIN_MS: Final = 60_000  # a sale that did not move, where something was written to the ledger since
LONGEST_MS: Final = 120_000  # that a round may take before another process begins one
LONGEST_REST_MS: Final = 600_000


def audit_running_sales(context: Context) -> list[Audit]:
    """Audit every sale that is open or paused, and note each verdict beside its live state.

    A failure in one does not stop the others.
    """
    found = []
    for standing in read_standings(context.database, context.live):
        with apart("audit_hindered", sale_id=str(standing.sale_id)):
            found.append(_audit(context, standing))
    return found


def audit_moved_sales(context: Context) -> list[Audit]:
    """Audit the running sales that moved, those first that were not read for longest, as time allows.

    Of all processes one does that, and then rests so long that all audits together take no more than their
    share of a core, however many sales there are and however large: an audit does one thing after the other,
    so that it takes no more CPU than time.
    """
    if not context.live.take_turn("audits", LONGEST_REST_MS):
        return []
    context.live.set_turn("audits", LONGEST_MS)
    share, began = context.settings.audit_share, time.monotonic()
    try:
        return _audit_moved(context, began + ROUND_S * share)
    finally:
        spent_ms = (time.monotonic() - began) * 1000
        context.live.set_turn("audits", min(round(spent_ms / share - spent_ms), LONGEST_REST_MS))


def _audit_moved(context: Context, until: float) -> list[Audit]:
    standings = read_standings(context.database, context.live)
    notes = context.live.noted_audits([one.sale_id for one in standings])
    now_ms = context.live.now_ms()
    moved = [one for one in standings if _has_moved(one, notes.get(one.sale_id), now_ms)]
    still = {one.sale_id for one in standings} - {one.sale_id for one in moved}
    _confirm(context, [(sale_id, notes[sale_id]) for sale_id in still], now_ms)
    round_s = sum(note.took_ms for note in notes.values()) / 1000 / context.settings.audit_share
    found: list[Audit] = []
    for standing in sorted(moved, key=lambda one: _read_ms(notes.get(one.sale_id))):
        if found and time.monotonic() >= until:
            break
        with apart("audit_hindered", sale_id=str(standing.sale_id)):
            found.append(_audit(context, standing, round_ms=round(round_s * 1000)))
    return found


def _has_moved(standing: Standing, note: AuditNote | None, now_ms: int) -> bool:
    """Whether a sale has to be read: it moved, or it is not certain that it did not."""
    if note is None or note.in_flight or not note.is_ok:
        return True
    if note.marks != standing.marks or not standing.is_settled:
        return True
    return note.ledger != standing.ledger and not 0 <= now_ms - note.read_ms < READ_AGAIN_MS


def _read_ms(note: AuditNote | None) -> int:
    return note.read_ms if note is not None else 0


def _confirm(context: Context, notes: Sequence[tuple[UUID, AuditNote]], now_ms: int) -> None:
    """Note of sales that did not move that their verdicts still stand."""
    for sale_id, note in notes:
        if not 0 <= now_ms - note.at_ms < CONFIRM_MS:
            _note(context, sale_id, replace(note, at_ms=now_ms))


def _audit(context: Context, standing: Standing, *, round_ms: int = 0) -> Audit:
    """Audit a sale that stood so a moment before; what moved since differs from that at the next look."""
    began = time.monotonic()
    audit = audit_sale(context.database, context.live, standing.sale_id, READINGS)
    took_ms = round((time.monotonic() - began) * 1000)
    _log_broken(standing.sale_id, audit)
    context.measures.count(AUDITS, "ok" if audit.ok else "violated")
    note = AuditNote(
        at_ms=audit.checked_at_ms,
        in_flight=audit.in_flight,
        checks={check.name: check.ok for check in audit.checks},
        took_ms=took_ms,
        read_ms=audit.checked_at_ms,
        marks=standing.marks,
        ledger=standing.ledger,
        round_ms=round_ms,
    )
    _note(context, standing.sale_id, note)
    return audit


def _note(context: Context, sale_id: UUID, note: AuditNote) -> None:
    try:
        context.live.note_audit(sale_id, note)
    except LineUnavailable as error:
        log.warning("audit_not_noted", sale_id=str(sale_id), error=str(error))


def _log_broken(sale_id: UUID, audit: Audit) -> None:
    for check in audit.checks:
        if not check.ok:
            log.error(
                "invariant_broken",
                sale_id=str(sale_id),
                check=check.name,
                figures=check.figures,
                rows=check.rows,
            )
