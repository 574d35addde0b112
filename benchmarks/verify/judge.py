"""The judgement of a rush: records in, findings out. Pure; it asks nobody and trusts neither side.

A shop that keeps its promises yields no finding. Every check is held by a test that plants its fault.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from benchmarks.verify.fifo import find_fifo_inversions
from benchmarks.verify.money import (
    find_bad_receipts,
    find_double_charges,
    find_paid_without_units,
    find_unsold,
    find_wrong_money,
)
from benchmarks.verify.testimony import (
    FINAL,
    GIVEN_BACK,
    ORDER_DONE,
    REFUSED,
    Evidence,
    Finding,
    StoredIntent,
    Told,
    by_check,
)

CHECKS: Final = {  # each with its words in a report
    "oversold": "oversold",
    "undersold": "undersold",
    "fifo": "FIFO inversions",
    "lost": "lost",
    "unserved": "kept out of the line",
    "doubled": "doubled",
    "told_not_stored": "told is not stored",
    "conservation": "figures that do not add up",
    "unsold": "units left while somebody stood by",
    "double_charges": "double charges",
    "money": "charges less refunds against paid orders",
    "paid_without_units": "paid without units",
    "receipts": "receipts missing, doubled or left out",
    "audit": "the shop's own audit",
}


def verify(evidence: Evidence) -> dict[str, list[Finding]]:
    """Judge a finished rush: the findings by check, every check present, empty where all is well."""
    return by_check(CHECKS, (finding for find in FINDERS for finding in find(evidence)))


def find_oversold(evidence: Evidence) -> Iterator[Finding]:
    """More units promised than there were: by what clients were told, by the orders, by the sale."""
    told = sum(t.quantity for t in evidence.told if "held" in t.verdicts and t.order_status not in GIVEN_BACK)
    stored = sum(o.quantity for o in evidence.orders if o.status not in GIVEN_BACK)
    counted = evidence.sale.held + evidence.sale.sold
    for side, units in (("clients were told", told), ("orders hold", stored), ("the sale counts", counted)):
        if units > evidence.units:
            yield Finding(
                "oversold", f"{side} {units} of {evidence.units}", f"{units - evidence.units} too many"
            )


def find_undersold(evidence: Evidence) -> Iterator[Finding]:
    """A unit that nobody got although somebody who asked for no more than it was sent away."""
    by_told = [(t.quantity, t.verdict, t.shopper_id) for t in evidence.told if t.is_accepted]
    by_store = [(i.quantity, i.status, i.id) for i in evidence.intents]
    for side, rows in (("told", by_told), ("stored", by_store)):
        free = evidence.units - sum(quantity for quantity, verdict, _ in rows if verdict == "held")
        fitting = [who for quantity, verdict, who in rows if verdict in REFUSED and quantity <= free]
        if fitting:
            yield Finding("undersold", f"{side}: {free} units left, {len(fitting)} refused", fitting[0])


def find_lost(evidence: Evidence) -> Iterator[Finding]:
    """A promise without its end: accepted and not decided, not stored, or an order that does not end."""
    for told in evidence.told:
        if told.is_accepted and told.verdict is None:
            yield Finding("lost", "accepted, no verdict heard", _row(told))
        if told.must_end and told.order_status not in ORDER_DONE:
            yield Finding("lost", f"the order's end was not told, it is {told.order_status}", _row(told))
    yield from find_unkept(evidence)


def find_unkept(evidence: Evidence) -> Iterator[Finding]:
    """Accepted and not stored, or stored and never decided."""
    stored = {intent.id for intent in evidence.intents}
    for told in evidence.told:
        if told.is_accepted and not stored.issuperset(told.intent_ids or {""}):
            yield Finding("lost", "accepted, not stored", _row(told))
    for intent in evidence.intents:
        if intent.status not in FINAL:
            yield Finding("lost", "stored, never decided", _row(intent))


def find_unserved(evidence: Evidence) -> Iterator[Finding]:
    """A shopper who was kept out of an open line; being late for a sale that is over is nobody's fault."""
    for told in evidence.told:
        if not told.is_accepted and told.refusal != "sale_over":
            yield Finding("unserved", f"answer {told.answer} {told.refusal or ''}".rstrip(), _row(told))


def find_doubled(evidence: Evidence) -> Iterator[Finding]:
    """Something that may be once and is twice."""
    owners = _owners_of(evidence)
    for told in evidence.told:
        if len(told.order_ids) > 1:
            yield Finding("doubled", f"{len(told.order_ids)} orders for one shopper", _row(told))
    yield from find_doubled_verdicts(evidence)
    yield from find_doubled_intents(evidence)
    yield from _find_unclaimed(evidence, owners)


def find_doubled_verdicts(evidence: Evidence) -> Iterator[Finding]:
    """A last word that was not the last."""
    for told in evidence.told:
        if len(told.verdicts) > 1:
            yield Finding("doubled", f"verdicts {', '.join(told.verdicts)}", _row(told))


def find_doubled_intents(evidence: Evidence) -> Iterator[Finding]:
    """Several intents for one request, one intent for several, or a row that is listed more than once."""
    for told in evidence.told:
        if len(told.intent_ids) > 1:
            yield Finding("doubled", f"{len(told.intent_ids)} intents for one shopper", _row(told))
    for intent_id, shoppers in _owners_of(evidence).items():
        if len(shoppers) > 1:
            yield Finding("doubled", "one intent told to several shoppers", f"{intent_id} {shoppers}")
    yield from _find_doubled_rows(evidence)


def _owners_of(evidence: Evidence) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = defaultdict(list)
    for told in evidence.told:
        for intent_id in told.intent_ids:
            owners[intent_id].append(told.shopper_id)
    return owners


def _find_doubled_rows(evidence: Evidence) -> Iterator[Finding]:
    for what, ids in (
        ("orders for one intent", (order.intent_id for order in evidence.orders)),
        ("rows of one intent", (intent.id for intent in evidence.intents)),
        ("rows of one order", (order.id for order in evidence.orders)),
    ):
        for key, count in Counter(ids).items():
            if count > 1:
                yield Finding("doubled", f"{count} {what}", key)


def _find_unclaimed(evidence: Evidence, owners: Iterable[str]) -> Iterator[Finding]:
    """An intent that nobody knows is a second ticket, unless a shopper never heard the answer."""
    known = set(owners)
    unclaimed = [intent for intent in evidence.intents if intent.id not in known]
    unanswered = sum(1 for told in evidence.told if told.sent_ns is not None and not told.intent_ids)
    for intent in unclaimed[unanswered:]:
        yield Finding("doubled", "stored, but told to nobody", _row(intent))


def find_told_not_stored(evidence: Evidence) -> Iterator[Finding]:
    """A client that believes something else than the shop does, or orders that belong to nobody."""
    yield from find_told_otherwise(evidence)
    yield from find_orders_astray(evidence)


def find_told_otherwise(evidence: Evidence) -> Iterator[Finding]:
    """What was told of an intent or its order is not what is stored."""
    intents = {intent.id: intent for intent in evidence.intents}
    orders = {order.id: order for order in evidence.orders}
    for told in evidence.told:
        intent = intents.get(told.intent_ids[0]) if told.intent_ids else None
        if intent is None:
            continue
        pairs: list[tuple[str, object, object]] = [("quantity", told.quantity, intent.quantity)]
        pairs += [("ticket", ticket, intent.ticket) for ticket in told.tickets]
        pairs += [("verdict", verdict, intent.status) for verdict in told.verdicts]
        pairs += [("order", order_id, intent.order_id) for order_id in told.order_ids]
        if told.order_ids and told.order_status is not None:
            order = orders.get(told.order_ids[0])
            pairs.append(("order status", told.order_status, order.status if order else None))
        if told.verdict == "held" and not told.order_ids:
            pairs.append(("order", None, intent.order_id))
        for what, said, kept in pairs:
            if said != kept:
                yield Finding("told_not_stored", f"{what}: told {said}, stored {kept}", _row(told))


def find_orders_astray(evidence: Evidence) -> Iterator[Finding]:
    """Every held intent has an order of its own, and nobody else has any."""
    intents = {intent.id: intent for intent in evidence.intents}
    ordered = {order.intent_id for order in evidence.orders}
    for intent in evidence.intents:
        if intent.status == "held" and intent.id not in ordered:
            yield Finding("told_not_stored", "held, but no order is stored", _row(intent))
    for order in evidence.orders:
        owner = intents.get(order.intent_id)
        if owner is None or owner.status != "held" or not owner.is_met_by(order):
            yield Finding("told_not_stored", "an order that its intent does not carry", f"{order} {owner}")


def find_unconserved(evidence: Evidence) -> Iterator[Finding]:
    """`allocation = available + held + sold`, and the sale counts what its orders say."""
    sale = evidence.sale
    if (
        sale.allocation != sale.available + sale.held + sale.sold
        or min(sale.available, sale.held, sale.sold) < 0
    ):
        yield Finding("conservation", "allocation is not available + held + sold", str(sale))
    if sale.allocation != evidence.units:
        yield Finding(
            "conservation", f"allocation is {sale.allocation}, {evidence.units} were given", str(sale)
        )
    held = sum(order.quantity for order in evidence.orders if order.status in {"held", "paying"})
    sold = sum(order.quantity for order in evidence.orders if order.status == "paid")
    for what, counted, summed in (("held", sale.held, held), ("sold", sale.sold, sold)):
        if counted != summed:
            yield Finding(
                "conservation", f"{what}: the sale counts {counted}, its orders {summed}", str(sale)
            )


def find_failed_audit(evidence: Evidence) -> Iterator[Finding]:
    """The shop's own live check, where it is offered: it must say that everything holds."""
    if evidence.audit is None:
        return
    verdict = evidence.audit.get("ok") if isinstance(evidence.audit, dict) else None
    if verdict is not True:
        yield Finding("audit", "the shop's own audit does not hold", str(evidence.audit)[:2000])


def _row(record: Told | StoredIntent) -> str:
    return str(record)


FINDERS: Final[tuple[Callable[[Evidence], Iterator[Finding]], ...]] = (
    find_oversold,
    find_undersold,
    find_fifo_inversions,
    find_lost,
    find_unserved,
    find_doubled,
    find_told_not_stored,
    find_unconserved,
    find_unsold,
    find_double_charges,
    find_wrong_money,
    find_paid_without_units,
    find_bad_receipts,
    find_failed_audit,
)
