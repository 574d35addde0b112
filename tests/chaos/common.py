"""Converts a soak's history and truth into the records of the judge that all load tools share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from benchmarks.verify.fifo import find_bad_numbering, find_late_tickets, find_shared_tickets
from benchmarks.verify.judge import (
    find_doubled_intents,
    find_doubled_verdicts,
    find_failed_audit,
    find_orders_astray,
    find_told_otherwise,
    find_unconserved,
    find_unkept,
)
from benchmarks.verify.testimony import (
    FINAL,
    Evidence,
    Finding,
    StoredIntent,
    StoredOrder,
    StoredSale,
    Told,
)
from tests.chaos import truth
from tests.chaos.story import Request, Story, Word


def find_common(story: Story, stored: truth.Truth) -> Iterator[Finding]:
    """What the judge of every crowd finds, by the soak's names of its checks."""
    for sale_id, sale in stored.sales.items():
        evidence = evidence_of(story, sale_id, sale)
        by_intent = replace(evidence, told=_by_intent(story, evidence))
        for name, find, records in (
            *((name, find, evidence) for name, find in OF_REQUESTS),
            *((name, find, by_intent) for name, find in OF_INTENTS),
        ):
            for finding in find(records):
                yield replace(finding, check=name)


def evidence_of(story: Story, sale_id: str, sale: truth.StoredSale) -> Evidence:
    """One sale, and the requests for it."""
    figures = sale.sale
    return Evidence(
        units=figures["allocation"],  # what it should be is another check's
        told=tuple(_as_told(request) for request in story.requests if request.sale == sale_id),
        intents=tuple(
            StoredIntent(
                *(row[name] for name in ("id", "ticket", "quantity", "status", "order_id", "accept_fewer"))
            )
            for row in sale.intents
        ),
        orders=tuple(
            StoredOrder(row["id"], row["intent_id"], row["quantity"], row["status"]) for row in sale.orders
        ),
        sale=StoredSale(*(figures[name] for name in ("allocation", "available", "held", "sold"))),
        audit=sale.audit or {},
    )


def _as_told(request: Request) -> Told:
    """A request, which is known by its key."""
    accepted = sorted(request.accepted)
    return Told(
        shopper_id=request.key,
        quantity=request.quantity,
        sent_ns=request.began_ns,
        answered_ns=accepted[0][0] if accepted else None,
        answer=202 if accepted else None,
        intent_ids=tuple(dict.fromkeys(intent for _, intent, _ in accepted)),
        tickets=tuple(dict.fromkeys(ticket for _, _, ticket in accepted)),
    )


def _by_intent(story: Story, evidence: Evidence) -> tuple[Told, ...]:
    """All that was told of each stored intent, by whichever way."""
    return tuple(_all_told(intent, story.words.get(intent.id, ())) for intent in evidence.intents)


def _all_told(intent: StoredIntent, words: "list[Word] | tuple[()]") -> Told:
    last = [word for word in words if word.status in FINAL]
    return Told(
        shopper_id=intent.id,
        quantity=intent.quantity,
        intent_ids=(intent.id,),
        tickets=tuple(dict.fromkeys(word.ticket for word in words if word.ticket is not None)),
        verdicts=tuple(dict.fromkeys(word.status for word in last)),
        order_ids=tuple(dict.fromkeys(word.order for word in last if word.order is not None)),
    )


Find = Callable[[Evidence], Iterator[Finding]]
OF_REQUESTS: Final[tuple[tuple[str, Find], ...]] = (
    ("fifo", lambda evidence: find_bad_numbering(evidence.intents)),
    ("fifo", lambda evidence: find_shared_tickets(evidence.told)),
    ("fifo", lambda evidence: find_late_tickets(evidence.told)),
    ("lost", find_unkept),
    ("duplicated", find_doubled_intents),
    ("orders", find_orders_astray),
    ("units_home", find_unconserved),
    ("audit", find_failed_audit),
)
OF_INTENTS: Final[tuple[tuple[str, Find], ...]] = (
    ("verdicts", find_doubled_verdicts),
    ("told_not_stored", find_told_otherwise),
)
