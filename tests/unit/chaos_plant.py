"""A small honest soak, written by hand, for tests that plant one fault in it."""

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.verify.testimony import Finding
from tests.chaos.checker import judge
from tests.chaos.history import FAIL, INFO, INVOKE, OK, Event
from tests.chaos.story import read_story
from tests.chaos.truth import Money, StoredSale, Truth

SALE = "sale"
PRICE = 1999
MS = 1_000_000  # nanoseconds


def at(ms: int) -> str:
    """Write a time, `ms` after midnight of some day."""
    return f"2026-01-01T00:{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}Z"


DAY_MS = 1_767_225_600_000  # that midnight


class Plant:
    """A history and a truth that may be changed before they are judged."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.sale: dict[str, Any] = {"allocation": 3, "available": 3, "held": 0, "sold": 0}
        self.intents: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.owners: dict[str, list[str]] = {}
        self.audit: dict[str, Any] = {"ok": True}
        self.money = Money()
        self.rest: dict[str, Any] = {"all_decided_s": 1.0, "quiet_s": 2.0, "money_settled_s": 3.0}
        self._numbers = itertools.count(1)
        self.do("admin", "admin", 0, 10, OK, verb="open", allocation=3)

    def do(self, what: str, who: str, begin: int, end: int, kind: str, **value: Any) -> None:
        """Write an operation from one millisecond to another; its end `kind` may be INVOKE: none."""
        op = next(self._numbers)
        self.write(begin, INVOKE, what, op, who, value)
        if kind != INVOKE:
            self.write(end, kind, what, op, who, value)

    def write(self, ms: int, kind: str, what: str, op: int, who: str, value: dict[str, Any]) -> None:  # noqa: PLR0917
        """Write one line."""
        self.events.append(Event(ms * MS, DAY_MS + ms, kind, what, op, who, SALE, copy.deepcopy(value)))

    def submit(self, who: str, begin: int, ticket: int, **value: Any) -> str:
        """Let somebody be accepted; returns the intent's id."""
        intent = f"i{ticket}"
        request = {"key": f"key-{who}", "quantity": 1, "fewer": False}
        told = {"intent": intent, "ticket": ticket, "status": "queued", "order": None}
        self.do("submit", who, begin, begin + 5, OK, **{**request, **told, **value})
        return intent

    def refuse(self, who: str, begin: int, kind: str = FAIL, code: str = "line_unavailable") -> None:
        """Let a try bring nothing, or nobody know what."""
        request = {"key": f"key-{who}", "quantity": 1, "fewer": False}
        self.do("submit", who, begin, begin + 5, kind, **request, code=code)

    def store(self, ticket: int, status: str, decided: int, **value: Any) -> dict[str, Any]:
        """Store an intent, and its order when it is held, which expired after 3 s."""
        order_id = f"o{ticket}" if status == "held" else None
        row = {"id": f"i{ticket}", "ticket": ticket, "status": status, "order_id": order_id, "quantity": 1}
        row |= {"accept_fewer": False, "submitted_at": at(100 * ticket), "reason": None}
        row |= {"decided_at": at(decided), **value}
        self.intents.append(row)
        if order_id is not None:
            history = [
                {"status": "held", "at": at(decided)},
                {"status": "expired", "at": at(decided + 3001)},
            ]
            order = {"id": order_id, "intent_id": row["id"], "quantity": 1, "status": "expired"}
            order |= {"created_at": at(decided), "expires_at": at(decided + 3000), "history": history}
            order |= {"total": {"amount_minor": PRICE, "currency": "USD"}, "receipt_number": None}
            self.orders.append(order)
        return row

    def order(self, ticket: int) -> dict[str, Any]:
        """Find the order of a ticket."""
        return next(order for order in self.orders if order["id"] == f"o{ticket}")

    def way(self, ticket: int, *steps: tuple[str, int, str | None]) -> None:
        """Let an order go another way after it was held: status, when, and why."""
        order = self.order(ticket)
        more = [{"status": status, "at": at(ms), "reason": reason} for status, ms, reason in steps]
        order["history"] = [order["history"][0], *more]
        order["status"] = more[-1]["status"]
        if any(step["status"] == "paid" for step in more):
            number = len(self.money.receipts) + 1
            order["receipt_number"] = f"2026-{number:06}"
            receipt = {"order_id": order["id"], "year": 2026, "number": number, "total_minor": PRICE}
            self.money.receipts.append(receipt)

    def charge(self, ticket: int, status: str, state: str = "succeeded") -> dict[str, Any]:
        """Let an order be charged by a payment that came to this status; returns the row of the books."""
        payment, order = f"p{len(self.money.payments) + 1}", f"o{ticket}"
        row = {"id": payment, "order_id": order, "amount_minor": PRICE, "status": status}
        self.money.payments.append({**row, "method": "sandbox_ok"})
        charge = {"payment_id": payment, "order_id": order, "amount_minor": PRICE, "state": state}
        charge |= {"refunded_minor": 0, "refund_id": None}
        self.money.charges.append(charge)
        if status == "refunded":
            charge |= {"refunded_minor": PRICE, "refund_id": self.refund(payment, order, "succeeded")["id"]}
        return charge

    def refund(self, payment: str, order: str, status: str, cause: str = "late") -> dict[str, Any]:
        """Let a payment go back, or not."""
        row: dict[str, Any] = {
            "id": f"r{len(self.money.refunds) + 1}",
            "payment_id": payment,
            "order_id": order,
        }
        row |= {"amount_minor": PRICE, "status": status, "cause": cause}
        self.money.refunds.append(row)
        return row

    def hear(self, who: str, order: str, *statuses: str) -> None:
        """Let a socket tell of an order."""
        for status in statuses:
            self.write(6000, INFO, "told", next(self._numbers), who, {"order": order, "order_status": status})

    def see(self, who: str, ms: int, order: str, status: str) -> None:
        """Let a poll tell of an order."""
        self.do("order", who, ms, ms + 5, OK, order=order, status=status)

    def post(self, event: str, answer: int) -> None:
        """Carry a webhook to the shop."""
        value = {"event": event, "kind": "charge.succeeded", "payment": "p1", "answer": answer}
        self.write(700, INFO, "webhook", next(self._numbers), "", value)

    def told(self, who: str, ms: int, ticket: int, status: str, order: str | None = None) -> None:
        """Let a poll tell a status."""
        self.do("poll", who, ms, ms + 5, OK, intent=f"i{ticket}", ticket=ticket, status=status, order=order)

    def snapshot(self, **figures: Any) -> None:
        """Take a snapshot of the sale."""
        shown = {"allocation": 3, "available": 3, "held": 0, "sold": 0, **figures}
        self.do("snapshot", "watcher", 50, 60, OK, **shown)

    def judged(self) -> dict[str, list[Finding]]:
        """Judge what was planted."""
        rows = StoredSale(self.sale, self.intents, self.orders, self.audit, self.owners)
        return judge(read_story(self.events), Truth({SALE: rows}, self.money, **self.rest))

    def broken(self) -> set[str]:
        """Name the checks that found something."""
        return {check for check, found in self.judged().items() if found}


Change = Callable[[Plant], object]


def changed(plant: Plant, changes: Iterable[Change]) -> Plant:
    """The same plant after these changes."""
    for change in changes:
        change(plant)
    return plant


def honest() -> Plant:
    """Four shoppers for three units: three hold, one is told to stand by and is served after."""
    plant = Plant()
    for ticket, who in enumerate("abcd", start=1):
        plant.submit(who, 100 * ticket, ticket)
        plant.told(who, 1000 + ticket, ticket, "held" if ticket < 4 else "standby", order_of(ticket))
        plant.store(ticket, "held", 500 + ticket if ticket < 4 else 4000)
    plant.told("d", 5000, 4, "held", "o4")
    plant.refuse("e", 600, INFO, "no_answer")
    plant.refuse("f", 650)
    plant.owners = {"e": [], "f": []}
    plant.snapshot()
    return plant


def honest_till() -> Plant:
    """The same four: one pays, one is refunded, one pays late and is sold a unit, one later than that."""
    plant = honest()
    plant.way(1, ("paying", 600, None), ("paid", 700, None))
    plant.charge(1, "succeeded")
    plant.way(2, ("paying", 600, None), ("paid", 700, None), ("refunded", 1500, "admin"))
    plant.charge(2, "refunded")
    plant.money.released["o2"] = at(1600)
    silence = (
        ("paying", 600, None),
        ("held", 3503, "payment_unanswered"),
        ("expired", 3510, "deadline_passed"),
    )
    plant.way(3, *silence, ("expired", 4500, "paid_too_late"), ("paid", 5000, "held_again"))
    plant.charge(3, "declined", state="declined")
    plant.charge(3, "succeeded")
    gone = ("paying", 4100, None), ("held", 7001, "payment_unanswered"), ("expired", 7002, "deadline_passed")
    back = ("expired", 8000, "paid_too_late"), ("expired", 8500, "late_payment_refunded")
    plant.way(4, *gone, *back)
    plant.charge(4, "refunded")
    plant.sale |= {"available": 1, "sold": 2}
    for ms, status in ((550, "held"), (650, "paying"), (3600, "expired"), (5100, "paid")):
        plant.see("c", ms, "o3", status)
    plant.hear("c", "o3", "held", "paying", "expired", "expired", "paid")
    plant.money.webhooks.append("w1")
    plant.post("w1", 200)
    plant.post("w2", 503)
    return plant


def order_of(ticket: int) -> str | None:
    """Name the order that the first tickets hear of."""
    return f"o{ticket}" if ticket < 4 else None
