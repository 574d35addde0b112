"""Checks the money: every charge in the sandbox's books has its order, or was refunded, once."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from benchmarks.verify.testimony import Finding
from tests.chaos.order_ways import CAME_LATE, HELD_AGAIN, WENT_BACK, reasons_of
from tests.chaos.story import Story
from tests.chaos.truth import Money, Row, Truth

OPEN = ("pending", "abandoned")
FOR_NOTHING = (
    "late",
    "duplicate",
    "wrong_charge",
)  # causes of refunds where nothing was given for the charge


def find_bad_charges(_story: Story, truth: Truth) -> Iterator[Finding]:
    """Each charge is a paid order's, or went back, or is open for a reason; never two of these."""
    payments = {row["id"]: row for row in truth.money.payments}
    orders, refunds = _orders(truth), _refunds(truth.money)
    for charge in truth.money.charges:
        payment = payments.get(charge["payment_id"])
        order = orders.get(charge["order_id"])
        if payment is None or order is None or _price(order) != charge["amount_minor"]:
            yield Finding("charges", "nobody asked for it", f"{charge} {payment} {order}")
        elif fault := _fault_of(charge, payment, order, refunds.get(payment["id"], [])):
            yield Finding("charges", fault, f"{charge} {payment} {order}")


def _fault_of(charge: Row, payment: Row, order: Row, refunds: list[Row]) -> str | None:
    """What is wrong with a charge."""
    pays = payment["status"] == "succeeded" and order["status"] == "paid"
    went_back = [row for row in refunds if row["status"] == "succeeded"]
    if charge["refunded_minor"] not in {0, charge["amount_minor"]}:
        return "it went back in part"
    if charge["refunded_minor"]:
        return None if payment["status"] == "refunded" and len(went_back) == 1 else "it went back unknown"
    if went_back or payment["status"] == "refunded":
        return "the shop believes that it went back"
    if charge["state"] == "pending":
        return None if payment["status"] in OPEN else "it may still succeed, and nobody waits for it"
    if charge["state"] == "declined":
        is_known = payment["status"] in {*OPEN, "declined"}
        return None if is_known else "the shop believes that it succeeded"
    is_refused = any(row["status"] == "failed" for row in refunds)
    is_justified = pays or payment["status"] in OPEN or (payment["status"] == "late" and is_refused)
    return None if is_justified else "it is kept for nothing"


def find_unpaid(_story: Story, truth: Truth) -> Iterator[Finding]:
    """Every paid order has one charge of its price that is kept, and every refunded one had one."""
    kept: dict[str, list[int]] = defaultdict(list)
    back: Counter[str] = Counter()
    of_payments = {row["id"]: row["status"] for row in truth.money.payments}
    for charge in truth.money.charges:
        if charge["state"] == "succeeded" and of_payments.get(charge["payment_id"]) == "succeeded":
            kept[charge["order_id"]].append(charge["amount_minor"] - charge["refunded_minor"])
        back[charge["order_id"]] += charge["refunded_minor"] > 0
    for order_id, order in _orders(truth).items():
        wanted = [_price(order)] if order["status"] == "paid" else []
        if kept[order_id] != wanted:
            yield Finding("unpaid", f"it is {order['status']}, with the charges {kept[order_id]}", str(order))
        elif order["status"] == "refunded" and back[order_id] == 0:
            yield Finding("unpaid", "refunded, and nothing went back", str(order))


def find_bad_late_charges(_story: Story, truth: Truth) -> Iterator[Finding]:
    """Each charge that came too late was held again or went back, once; and no payment goes back twice."""
    refunds = _refunds(truth.money)
    refused: Counter[str] = Counter()
    for payment in truth.money.payments:
        own = refunds.get(payment["id"], [])
        is_refused = [row["status"] for row in own] == ["failed"]
        refused[payment["order_id"]] += payment["status"] == "late" and is_refused
        if len(own) > 1 or (payment["status"] == "late" and not is_refused):
            yield Finding(
                "late", f"a {payment['status']} payment with {len(own)} refunds", f"{payment} {own}"
            )
    for order_id, order in _orders(truth).items():
        reasons = Counter(reasons_of(order))
        came = sum(reasons[reason] for reason in CAME_LATE)
        ended = reasons[HELD_AGAIN] + refused[order_id] + sum(reasons[reason] for reason in WENT_BACK)
        was_given_up = any(
            step["status"] == "refunded" and step.get("reason") in FOR_NOTHING for step in order["history"]
        )
        if was_given_up:
            yield Finding(
                "late", "the shopper had the units, and was refunded as if there were none", str(order)
            )
        if came != ended:
            yield Finding("late", f"{came} came late, {ended} were held again or went back", str(order))


def find_bad_sums(_story: Story, truth: Truth) -> Iterator[Finding]:
    """All charges less all that went back are all paid orders, and what lies open."""
    undone = {row["id"] for row in truth.money.payments if row["status"] in {*OPEN, "late"}}
    taken = lies_open = 0
    for charge in truth.money.charges:
        amount = (charge["state"] == "succeeded") * charge["amount_minor"] - charge["refunded_minor"]
        taken += amount
        lies_open += amount if charge["payment_id"] in undone else 0
    paid = sum(_price(order) for order in _orders(truth).values() if order["status"] == "paid")
    if taken != paid + lies_open:
        yield Finding("sums", f"charged {taken}, paid {paid}, open {lies_open}", "all sales")


def find_bad_receipts(_story: Story, truth: Truth) -> Iterator[Finding]:
    """A shopper who paid has one receipt of the price; numbers have no gaps within a year."""
    numbers: dict[int, list[int]] = defaultdict(list)
    written: dict[str, list[Row]] = defaultdict(list)
    for receipt in truth.money.receipts:
        numbers[receipt["year"]].append(receipt["number"])
        written[receipt["order_id"]].append(receipt)
    for year, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield Finding("receipts", "the numbers are not 1, 2, 3 …", f"{year} {sorted(found)}"[:1000])
    for order_id, order in _orders(truth).items():
        totals = [receipt["total_minor"] for receipt in written[order_id]]
        names: list[str | None] = [
            f"{receipt['year']}-{receipt['number']:06}" for receipt in written[order_id]
        ]
        was_paid = any(step["status"] == "paid" for step in order["history"])
        if totals != [_price(order)] * was_paid or (names or [None]) != [order["receipt_number"]]:
            yield Finding("receipts", f"{totals} {names} of an order", str(order))


def find_lost_webhooks(story: Story, truth: Truth) -> Iterator[Finding]:
    """What the shop took with a 200 is among what it applied."""
    applied = set(truth.money.webhooks)
    for event in story.events:
        if event.what == "webhook" and event.value["answer"] == 200 and event.value["event"] not in applied:
            yield Finding("webhooks", "taken, and not applied", str(event))


def _orders(truth: Truth) -> dict[str, Row]:
    return {order["id"]: order for sale in truth.sales.values() for order in sale.orders}


def _refunds(money: Money) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in money.refunds:
        found[row["payment_id"]].append(row)
    return found


def _price(order: Row) -> int:
    price: int = order["total"]["amount_minor"]
    return price
