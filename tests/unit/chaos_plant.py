"""A small honest soak, written by hand, for tests that plant one fault in it."""

import copy
import itertools
from typing import Any

from benchmarks.records import Finding
from tests.chaos.checker import judge
from tests.chaos.history import FAIL, INFO, INVOKE, OK, Event
from tests.chaos.story import read_story
from tests.chaos.truth import StoredSale, Truth

SALE = "sale"
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
        self.rest: dict[str, Any] = {"all_decided_s": 1.0, "quiet_s": 2.0}
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
        wish = {"key": f"key-{who}", "quantity": 1, "fewer": False}
        told = {"intent": intent, "ticket": ticket, "status": "queued", "order": None}
        self.do("submit", who, begin, begin + 5, OK, **{**wish, **told, **value})
        return intent

    def refuse(self, who: str, begin: int, kind: str = FAIL, code: str = "line_unavailable") -> None:
        """Let a try bring nothing, or nobody know what."""
        wish = {"key": f"key-{who}", "quantity": 1, "fewer": False}
        self.do("submit", who, begin, begin + 5, kind, **wish, code=code)

    def store(self, ticket: int, status: str, decided: int, **value: Any) -> dict[str, Any]:
        """Store an intent, and its order when it is held, which expired after 3 s."""
        order_id = f"o{ticket}" if status == "held" else None
        row = {"id": f"i{ticket}", "ticket": ticket, "status": status, "order_id": order_id, "quantity": 1}
        row |= {"accept_fewer": False, "decided_at": at(decided), "reason": None, **value}
        self.intents.append(row)
        if order_id is not None:
            history = [
                {"status": "held", "at": at(decided)},
                {"status": "expired", "at": at(decided + 3001)},
            ]
            order = {"id": order_id, "intent_id": row["id"], "quantity": 1, "status": "expired"}
            order |= {"created_at": at(decided), "expires_at": at(decided + 3000), "history": history}
            self.orders.append(order)
        return row

    def told(self, who: str, ms: int, ticket: int, status: str, order: str | None = None) -> None:
        """Let a poll tell a status."""
        self.do("poll", who, ms, ms + 5, OK, intent=f"i{ticket}", ticket=ticket, status=status, order=order)

    def picture(self, **figures: Any) -> None:
        """Take a picture of the sale."""
        shown = {"allocation": 3, "available": 3, "held": 0, "sold": 0, **figures}
        self.do("snapshot", "watcher", 50, 60, OK, **shown)

    def judged(self) -> dict[str, list[Finding]]:
        """Judge what was planted."""
        rows = StoredSale(self.sale, self.intents, self.orders, self.audit, self.owners)
        return judge(read_story(self.events), Truth({SALE: rows}, **self.rest))

    def broken(self) -> set[str]:
        """Name the checks that found something."""
        return {check for check, found in self.judged().items() if found}


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
    plant.picture()
    return plant


def order_of(ticket: int) -> str | None:
    """Name the order that the first tickets hear of."""
    return f"o{ticket}" if ticket < 4 else None
