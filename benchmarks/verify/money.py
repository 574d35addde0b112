"""The judgement of money: what was charged, what went back, what was sold for it, and the receipts.

Pure, as `verify`. The shop's statements and the provider's books are judged apart, each where it is told.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from benchmarks.rush.manners import METHODS
from benchmarks.verify.money_records import BookedCharge, Statement
from benchmarks.verify.testimony import GIVEN_BACK, REFUSED, Evidence, Finding, StoredOrder


def find_unsold(evidence: Evidence) -> Iterator[Finding]:
    """Units that nobody paid for nor holds, although somebody who would have taken them was sent away."""
    taken = sum(order.quantity for order in evidence.orders if order.status not in GIVEN_BACK)
    free = evidence.units - taken
    by_told = [(t.quantity, t.verdict, t.shopper_id) for t in evidence.told if t.is_accepted]
    by_store = [(i.quantity, i.status, i.id) for i in evidence.intents]
    for side, rows in (("told", by_told), ("stored", by_store)):
        fitting = [who for quantity, verdict, who in rows if verdict in REFUSED and quantity <= free]
        if fitting:
            yield Finding("unsold", f"{side}: {free} units left, {len(fitting)} refused", fitting[0])


def find_double_charges(evidence: Evidence) -> Iterator[Finding]:
    """More than one charge of an order that is kept, or one that nobody asked for."""
    for order_id, statement in statements(evidence).items():
        if statement.kept > 1:
            yield Finding("double_charges", f"the shop keeps {statement.kept} charges of one order", order_id)
    booked = _booked(evidence)
    for charges in booked.values():
        kept = [charge for charge in charges if charge.is_kept]
        if len(kept) > 1:
            yield Finding("double_charges", f"the provider keeps {len(kept)} of one order", f"{kept}")
    for told in evidence.told:
        if METHODS[told.manner]:
            continue
        is_booked = any(one.charged_minor for order_id in told.order_ids for one in booked.get(order_id, ()))
        if is_booked or (told.statement is not None and told.statement.charged_minor):
            yield Finding("double_charges", "charged without being asked to", str(told))


def find_wrong_money(evidence: Evidence) -> Iterator[Finding]:
    """Charges less refunds are what paid orders cost: order by order, so in sum too, on either side."""
    due = {order.id: order.total_minor if order.status == "paid" else 0 for order in evidence.orders}
    told = statements(evidence)
    sides = []
    if told:
        nets = {order_id: one.charged_minor - one.refunded_minor for order_id, one in told.items()}
        sides.append(("the shop tells", nets))
    if evidence.books is not None:
        sides.append(("the provider has", _nets(evidence)))
    for side, nets in sides:
        for order_id in due.keys() | nets.keys():
            net, wanted = nets.get(order_id), due.get(order_id, 0)
            if (net or 0) != wanted:
                detail = f"{side} {'nothing' if net is None else net}, and {wanted} should be kept"
                yield Finding("money", detail, f"{order_id} {told.get(order_id)}")


def find_paid_without_units(evidence: Evidence) -> Iterator[Finding]:
    """Money kept for units that are not there: the order is not paid, or the sale does not count it."""
    paid = {order.id for order in evidence.orders if order.status == "paid"}
    for order_id, statement in statements(evidence).items():
        if statement.kept and order_id not in paid:
            yield Finding("paid_without_units", "a charge is kept, and the order is not paid", order_id)
    for order_id, charges in _booked(evidence).items():
        if order_id not in paid and any(charge.is_kept for charge in charges):
            yield Finding("paid_without_units", "the provider keeps money of an order not paid", order_id)
    units = sum(order.quantity for order in evidence.orders if order.status == "paid")
    if units > evidence.sale.sold:
        detail = f"{units} units are paid, the sale counts {evidence.sale.sold} as sold"
        yield Finding("paid_without_units", detail, str(evidence.sale))


def find_bad_receipts(evidence: Evidence) -> Iterator[Finding]:
    """Each order that was ever paid has a receipt of its own, and no number of a year is left out."""
    if not evidence.tells_receipts:
        return
    counts = Counter(order.receipt for order in evidence.orders if order.receipt)
    for order in evidence.orders:
        was_paid = order.status in {"paid", "refunded"}
        if was_paid != (order.receipt is not None):
            yield Finding("receipts", f"{order.status}, with the receipt {order.receipt}", str(order))
        elif order.receipt is not None and counts[order.receipt] > 1:
            yield Finding("receipts", f"{order.receipt} was given {counts[order.receipt]} times", str(order))
    for number in sorted(left_out(evidence.orders) - evidence.receipts_elsewhere):
        yield Finding("receipts", "a number was left out", number)


def left_out(orders: tuple[StoredOrder, ...]) -> frozenset[str]:
    """Return the numbers between a sale's receipts that are none of its own, e.g. 2026-000017."""
    years: dict[int, set[int]] = defaultdict(set)
    for order in orders:
        if order.receipt is not None:
            year, _, number = order.receipt.partition("-")
            years[int(year)].add(int(number))
    return frozenset(
        f"{year}-{number:06}"
        for year, given in years.items()
        for number in range(min(given), max(given))
        if number not in given
    )


def statements(evidence: Evidence) -> dict[str, Statement]:
    """What the shop tells of each order's money, by order."""
    return {t.order_ids[0]: t.statement for t in evidence.told if t.order_ids and t.statement is not None}


def _booked(evidence: Evidence) -> dict[str, list[BookedCharge]]:
    booked: dict[str, list[BookedCharge]] = defaultdict(list)
    for charge in evidence.books or ():
        booked[charge.order_id].append(charge)
    return booked


def _nets(evidence: Evidence) -> dict[str, int]:
    """What the provider took and did not give back, by order."""
    nets: dict[str, int] = defaultdict(int)
    for charge in evidence.books or ():
        nets[charge.order_id] += charge.charged_minor - charge.refunded_minor
    return nets
