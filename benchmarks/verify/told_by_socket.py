"""A rush over sockets for the judge: what rushers were told as its records, and what only sockets can tell.

Pure. The sale must be over and all its holds still open.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.sockets.rush_record import Testimony
from benchmarks.verify.testimony import Finding, Told

NAMES: Final = {  # the judge's checks by the words of this report; money cannot move here
    "oversold": "winners",
    "undersold": "winners",
    "unsold": "winners",
    "fifo": "tickets",
    "lost": "lost",
    "unserved": "answers",
    "doubled": "doubled",
    "told_not_stored": "stored",
    "audit": "audit",
}


@dataclass(frozen=True, slots=True)
class Rusher:
    """What one rusher was told, and how often."""

    told: Told
    answers: int
    standbys: int
    finals: int
    orders: int
    came_back: int


def rushers_of(testimonies: Iterable[Testimony]) -> list[Rusher]:
    """The rushers of all processes, one by one."""
    return [
        Rusher(
            _as_told(one, at),
            one.answers[at],
            one.standbys[at],
            one.finals[at],
            one.orders[at],
            one.came_back[at],
        )
        for one in testimonies
        for at in range(len(one.verdicts))
    ]


def _as_told(one: Testimony, at: int) -> Told:
    ticket, verdict, order_id = one.tickets[at], one.verdicts[at], one.order_ids[at]
    return Told(
        shopper_id=f"socket {at}",
        quantity=1,
        sent_ns=one.sent_ns[at] or None,
        answered_ns=one.answered_ns[at] or None,
        answer=202 if one.answers[at] else None,
        intent_ids=(one.intent_ids[at],) if one.intent_ids[at] else (),
        tickets=(ticket,) if ticket else (),
        decided_ns=one.decided_ns[at] or None,
        final_ns=one.final_ns[at] or None,
        verdicts=(verdict,) if verdict else (),
        heard_by="socket" if verdict else None,
        order_ids=(order_id,) if order_id else (),
        reconnects=one.came_back[at],
    )


def judge_sockets(rushers: Sequence[Rusher], findings: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    """What the judge found, in the words of this report, and what was told too often."""
    judged = [
        replace(one, check=NAMES.get(check, "conservation"))
        for check, found in findings.items()
        for one in found
    ]
    return [*_find_told_too_often(rushers), *judged]


def _find_told_too_often(rushers: Iterable[Rusher]) -> Iterator[Finding]:
    """Each is told once, unless the socket went away; who came back may have asked, and been told, again."""
    for one in rushers:
        if one.came_back:
            continue
        if one.answers > 1:
            yield Finding("answers", f"{one.answers} answers to one request", str(one))
        if one.finals > 1 or one.standbys > 1 or one.orders > 1:
            yield Finding("doubled", "told more than once", str(one))
