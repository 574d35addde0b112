"""Puts a sale's line together again for a rebuild: from the journal, or from a replica that has all."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from models.enums import AdmissionOrder, IntentStatus
from models.live.records import LiveIntent
from models.live.snapshot import LiveSnapshot
from models.live.store import Live
from models.messages import at_ms
from models.tables.catalogue import Sale
from models.tables.journal import JournalEntry
from models.tables.orders import Intent
from tasks.sales.live_sync import to_ms

LOT_DIGITS: Final = 13  # hexadecimal, as in draw.lua

# Tickets up to the last decided one that nobody owns: their owners were in a claim that got lost.
_UNOWNED: Final = text("""
    SELECT t FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS t
    WHERE NOT EXISTS (SELECT FROM intents WHERE sale_id = :sale_id AND ticket = t)
      AND NOT EXISTS (SELECT FROM lost_tickets
                      WHERE sale_id = :sale_id AND t BETWEEN first_ticket AND last_ticket)
    ORDER BY t
""")


@dataclass(frozen=True, slots=True)
class JournalledLine:
    """Who stands in line and in the lobby, each in order, by the journal; and the keys that they brought."""

    line: Sequence[LiveIntent]
    lobby: Sequence[LiveIntent]
    keys: Sequence[tuple[str, str, str, str]]  # shopper, key, intent's id, body's hash

    def tickets_after(self, decided: int) -> list[int]:
        """List the tickets of the line, and those that the lobby will get, which come first."""
        return [*range(decided + 1, decided + len(self.lobby) + 1), *(one.ticket for one in self.line)]


def line_of_journal(session: Session, sale: Sale) -> JournalledLine:
    """Read everybody whom the ledger does not know yet.

    Whose ticket others passed, since a claim got lost after a later one was stored, stands by from now on:
    standby goes before the line, oldest ticket first. Of a lobby those are the first ones.
    """
    unknown = ~select(Intent.id).where(Intent.id == JournalEntry.intent_id).exists()
    entries = session.scalars(select(JournalEntry).where(JournalEntry.sale_id == sale.id, unknown)).all()
    return _put_together(session, sale, entries)


def line_of_replica(session: Session, sale: Sale, live: Live) -> JournalledLine:
    """Read the same from a live state that has everybody who was told; it is sealed already.

    Its Idempotency-Keys are there still.
    """
    standing, lobby = live.standing(sale.id)
    known = set(session.scalars(select(Intent.id).where(Intent.sale_id == sale.id)))
    places = {intent_id: place for place, intent_id in enumerate(lobby, 1)}
    found = [_as_entry(sale, one, places.get(one.intent_id)) for one in standing]
    wanted = [one for one in found if one.intent_id not in known and one.ticket]
    return _put_together(session, sale, wanted)


def _as_entry(sale: Sale, one: LiveIntent, place: int | None) -> JournalEntry:
    """Ticket 0 and no place: it left the lobby."""
    return JournalEntry(
        intent_id=UUID(one.intent_id),
        sale_id=sale.id,
        user_id=UUID(one.user_id),
        ticket=place or one.ticket,
        in_lobby=place is not None,
        quantity=one.quantity,
        accept_fewer=one.accept_fewer,
        key="",
        body_hash="",
        submitted_at=at_ms(one.submitted_ms),
        left_at=at_ms(one.left_ms) if one.left_ms else None,
    )


def _put_together(session: Session, sale: Sale, entries: Sequence[JournalEntry]) -> JournalledLine:
    waiting = sorted((one for one in entries if not one.in_lobby), key=lambda one: one.ticket)
    lobby = [one for one in entries if one.in_lobby and one.left_at is None]
    lobby.sort(key=lambda one: _lot(sale, one))
    passed = [(one, one.ticket) for one in waiting if one.ticket <= sale.last_decided_ticket]
    taken = {ticket for _, ticket in passed}
    free = [ticket for ticket in _unowned(session, sale) if ticket not in taken] if lobby else []
    passed += list(zip(lobby, free, strict=False))
    _stand_by(session, sale, passed)
    return JournalledLine(
        [_live(one, one.ticket) for one in waiting if one.ticket > sale.last_decided_ticket],
        [_live(one, 0) for one in lobby[len(free) :]],
        [(str(one.user_id), one.key, str(one.intent_id), one.body_hash) for one in entries if one.key],
    )


def with_line(laid: LiveSnapshot, sale: Sale, found: JournalledLine) -> LiveSnapshot:
    """Put everybody back into a live state that is laid again."""
    units = Counter(laid.units)
    standing = [one for one in (*found.line, *found.lobby) if one.left_ms == 0]
    for one in standing:
        units[one.user_id] += one.quantity
    counters = {**laid.counters, "waiting": len(standing), "last_ticket": sale.accepted_ticket}
    if is_before_opening(sale):
        counters.pop("lobby_size", None)  # the opening closes it
        counters["last_ticket"] = sale.last_decided_ticket + len(found.lobby)
    is_drawn = sale.admission_order == AdmissionOrder.DRAW and not is_before_opening(sale)
    seed = sale.draw_seed if is_drawn and len(found.lobby) > 1 else ""
    return replace(laid, counters=counters, units=units, line=found.line, lobby=found.lobby, seed=seed)


def is_before_opening(sale: Sale) -> bool:
    """Whether the lobby, if there is one, was not closed yet."""
    return sale.lobby_size is None


def _unowned(session: Session, sale: Sale) -> Sequence[int]:
    asked = {"sale_id": sale.id, "first": 1, "last": sale.last_decided_ticket}
    return session.scalars(_UNOWNED, asked).all()


def _lot(sale: Sale, one: JournalEntry) -> tuple[str, float, int, str]:
    """Sort as the line does: by lot where the draw is over, else by arrival."""
    is_drawn = sale.admission_order == AdmissionOrder.DRAW and sale.lobby_size is not None
    seeded = f"{sale.draw_seed}:{one.intent_id}".encode()
    lot = hashlib.sha1(seeded, usedforsecurity=False).hexdigest()[:LOT_DIGITS] if is_drawn else ""
    return lot, one.submitted_at.timestamp(), one.ticket, str(one.intent_id)


def _stand_by(session: Session, sale: Sale, passed: Sequence[tuple[JournalEntry, int]]) -> None:
    if passed:
        now = session.scalars(select(func.now())).one()
        session.execute(insert(Intent), [_as_row(sale, one, ticket, now) for one, ticket in passed])


def _as_row(sale: Sale, one: JournalEntry, ticket: int, now: object) -> dict[str, object]:
    has_left = one.left_at is not None
    return {
        "id": one.intent_id,
        "sale_id": sale.id,
        "user_id": one.user_id,
        "ticket": ticket,
        "quantity": one.quantity,
        "accept_fewer": one.accept_fewer,
        "status": IntentStatus.LEFT if has_left else IntentStatus.STANDBY,
        "submitted_at": one.submitted_at,
        "decided_at": one.left_at,
        "standby_at": None if has_left else now,
    }


def _live(one: JournalEntry, ticket: int) -> LiveIntent:
    left_ms = to_ms(one.left_at) if one.left_at else 0
    submitted_ms = to_ms(one.submitted_at)
    who, what = str(one.user_id), (one.quantity, one.accept_fewer)
    return LiveIntent(str(one.intent_id), who, ticket, *what, submitted_ms, left_ms)
