"""Owns the judgement of a rush over sockets: what rushers were told, beside what the shop stores. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.records import Finding
from benchmarks.sockets.rush_record import FINAL, Told


@dataclass(frozen=True, slots=True)
class Rusher:
    """What one rusher was told."""

    ticket: int
    intent_id: str
    verdict: str
    answers: int
    standbys: int
    finals: int
    orders: int
    came_back: int


def rushers_of(told: Iterable[Told]) -> list[Rusher]:
    """The rushers of all processes, one by one."""
    return [
        Rusher(*row)
        for one in told
        for row in zip(
            one.tickets,
            one.intent_ids,
            one.verdicts,
            one.answers,
            one.standbys,
            one.finals,
            one.orders,
            one.came_back,
            strict=True,
        )
    ]


def judge(
    rows: list[Rusher], units: int, sale: Mapping[str, Any], stored: Iterable[Mapping[str, Any]]
) -> list[Finding]:
    """Everything that an honest shop would not have said; the sale must be over, all its holds still open."""
    return [
        *_find_unanswered(rows),
        *_find_bad_tickets(rows),
        *_find_wrong_winners(rows, units),
        *_find_lost(rows),
        *_find_doubled(rows),
        *_find_told_otherwise(rows, {str(one["id"]): one for one in stored}),
        *_find_unconserved(sale, units, sum(row.verdict == "held" for row in rows)),
    ]


def _find_unanswered(rows: list[Rusher]) -> Iterator[Finding]:
    """One answer to each request; who came back may have asked, and been told, again."""
    for row in rows:
        if row.answers == 0 or (row.answers > 1 and not row.came_back):
            yield Finding("answers", f"{row.answers} answers to one request", str(row))


def _find_bad_tickets(rows: list[Rusher]) -> Iterator[Finding]:
    """Tickets are 1..N, each once."""
    counts = Counter(row.ticket for row in rows)
    for row in rows:
        if not 1 <= row.ticket <= len(rows):
            yield Finding("tickets", f"ticket {row.ticket} of {len(rows)}", str(row))
        elif counts[row.ticket] > 1:
            yield Finding("tickets", f"ticket {row.ticket} was given {counts[row.ticket]} times", str(row))


def _find_wrong_winners(rows: list[Rusher], units: int) -> Iterator[Finding]:
    """Exactly the first tickets hold: as many as there are units, and each of them has its order."""
    winners = min(units, len(rows))
    held = [row for row in rows if row.verdict == "held"]
    if len(held) != winners:
        yield Finding("winners", f"{len(held)} hold {units} units, {winners} should", "")
    for row in rows:
        if (row.ticket <= winners) != (row.verdict == "held"):
            yield Finding("winners", f"ticket {row.ticket} of {winners} winners is {row.verdict}", str(row))
        if (row.verdict == "held") != (row.orders > 0):
            yield Finding("winners", f"{row.verdict}, and told of {row.orders} orders", str(row))


def _find_lost(rows: list[Rusher]) -> Iterator[Finding]:
    """Everybody hears a last word."""
    for row in rows:
        if row.verdict not in FINAL:
            yield Finding("lost", "no verdict was heard", str(row))


def _find_doubled(rows: list[Rusher]) -> Iterator[Finding]:
    """Nothing is told twice to a socket that never went away."""
    for row in rows:
        if not row.came_back and (row.finals > 1 or row.standbys > 1 or row.orders > 1):
            yield Finding("doubled", "told more than once", str(row))


def _find_told_otherwise(rows: list[Rusher], stored: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """What was told is what is stored, and nothing else is."""
    for row in rows:
        kept = stored.get(row.intent_id)
        if kept is None or (kept["ticket"], kept["status"]) != (row.ticket, row.verdict):
            yield Finding("stored", "told otherwise than stored", f"{row} {kept}")
    if len(stored) != len(rows):
        yield Finding("stored", f"{len(stored)} intents are stored of {len(rows)} that were sent", "")


def _find_unconserved(sale: Mapping[str, Any], units: int, told_held: int) -> Iterator[Finding]:
    """`allocation = available + held + sold`, and as many are held as were told so."""
    if sale["allocation"] != sale["available"] + sale["held"] + sale["sold"] or sale["allocation"] != units:
        yield Finding("conservation", f"of {units} units the figures do not add up", str(dict(sale)))
    if sale["held"] + sale["sold"] != told_held:
        yield Finding("conservation", f"{told_held} were told that they hold", str(dict(sale)))
