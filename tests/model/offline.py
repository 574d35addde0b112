"""The offline check: replays a history ticket by ticket and compares it with what is stored.

It decides nothing by itself and shares no code with the scripts or the model: it only asks of every
recorded decision whether it was right at that moment.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from tests.model.books import audit_books
from tests.model.interleaver import Event, History, Request
from tests.model.stage import Stage

LEGAL: Final = frozenset(
    {
        *(("held", "paying"), ("held", "expired"), ("held", "cancelled"), ("paying", "held")),
        *(("paying", "paid"), ("paid", "refunded"), ("expired", "paid")),
    }
)


class Wrong(AssertionError):
    """The history or the stores break a promise."""


@dataclass(slots=True)
class Replay:
    """The sale as the recorded decisions have left it so far."""

    history: History
    free: int
    holds: dict[str, int] = field(default_factory=dict)
    sales: dict[str, int] = field(default_factory=dict)
    last_accepted: int = 0
    last_decided: int = 0
    standby: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    final: dict[str, Event] = field(default_factory=dict)

    def run(self) -> None:
        for event in self.history.events:
            getattr(self, f"_{event.kind}")(event)

    def _accepted(self, event: Event) -> None:
        self.last_accepted += 1
        self.accepted.add(event.intent_id)
        _require(self._request(event).ticket == self.last_accepted, "tickets are dense", event)

    def _left(self, event: Event) -> None:
        self.left.add(event.intent_id)

    def _adjusted(self, event: Event) -> None:
        self.free += event.units

    @property
    def held(self) -> int:
        return sum(self.holds.values())

    def _released(self, event: Event) -> None:
        home = sum(self.holds.pop(one, 0) for one in (*event.held, *event.sold))
        home += sum(self.sales.pop(one, 0) for one in event.sold)
        _require(event.units == home, "a unit comes home once", event)
        self.free += home

    def _sold(self, event: Event) -> None:
        sold = {one: self.holds.pop(one) for one in event.held if one in self.holds}
        _require(event.units == sum(sold.values()), "a hold is sold once", event)
        self.sales |= sold

    def _regained(self, event: Event) -> None:
        if event.intent_id in self.sales:
            return  # the admin asks again, and the answer is yes again
        waiting = self.accepted - set(self.final) - self.left
        _require(not waiting, "nobody who waits is passed over by who paid late", event, waiting)
        _require(event.intent_id not in self.holds, "who holds does not buy besides", event)
        _require(event.units <= self.free, "only what is free is sold again", event)
        self.free -= event.units
        self.sales[event.intent_id] = event.units

    def _rebuilt(self, event: Event) -> None:
        units = {one: self.final[one].units for one in (*event.held, *event.sold)}
        everything = self.free + self.held + sum(self.sales.values())
        self.holds = {one: units[one] for one in event.held}
        self.sales = {one: units[one] for one in event.sold}
        self.free = everything - sum(units.values())

    def _decided(self, event: Event) -> None:
        request = self._request(event)
        _require(event.intent_id not in self.final, "one final verdict an intent", event)
        if event.intent_id in self.standby:
            _require(event.outcome != "standby", "who stands by is put there once", event)
            self.standby.remove(event.intent_id)
        else:
            _require(request.ticket == self.last_decided + 1, "tickets are decided in order", event)
            self.last_decided += 1
        getattr(self, f"_decided_{event.outcome}")(event, request)
        _require(self.free >= 0, "nothing is oversold", event)

    def _decided_held(self, event: Event, request: Request) -> None:
        _require(
            event.units == min(request.quantity, self.free), "the grant is what was asked or free", event
        )
        _require(event.units >= request.need, "the grant suffices", event)
        older = [self.history.requests[one] for one in self.standby if one not in self.left]
        passed_over = [one for one in older if one.ticket < request.ticket and one.need <= self.free]
        _require(not passed_over, "nobody older is passed over", event)
        self.free -= event.units
        self.holds[event.intent_id] = event.units
        self.final[event.intent_id] = event

    def _decided_standby(self, event: Event, request: Request) -> None:
        _require(self.free < request.need <= self.free + self.held, "who stands by may hope", event)
        self.standby.append(event.intent_id)

    def _decided_sold_out(self, event: Event, request: Request) -> None:
        _require(request.need > self.free + self.held, "who is refused could never be served", event)
        self.final[event.intent_id] = event

    def _decided_left(self, event: Event, _: Request) -> None:
        _require(event.intent_id in self.left, "only who left has left", event)
        self.final[event.intent_id] = event

    def _request(self, event: Event) -> Request:
        return self.history.requests[event.intent_id]


def check(stage: Stage, history: History) -> None:
    """Replay a history and compare the stores with its end.

    Raises:
        Wrong: a promise is broken.
    """
    replay = Replay(history, history.units)
    replay.run()
    live, ledger = stage.read_live(), stage.read_ledger()
    undecided = set(history.requests) - set(replay.final) - set(replay.standby)
    _require(not undecided, "every accepted intent is decided", undecided)
    _check_verdicts(replay, ledger)
    _check_orders(replay, ledger)
    sold = sum(replay.sales.values())
    stock = (replay.free, replay.held, sold)
    _require((live["available"], live["held"], live["sold"]) == stock, "Redis' stock is exact", live, stock)
    allocation = history.units + sum(one.units for one in history.events if one.kind == "adjusted")
    in_ledger = (ledger["allocation"], ledger["held"], ledger["sold"])
    _require(in_ledger == (allocation, replay.held, sold), "the ledger's is too", ledger, stock)
    _check_paid(stage, replay, ledger)
    _require(not live["claims"], "no claim is left", live["claims"])
    stage.require_whole()


def _check_verdicts(replay: Replay, ledger: dict[str, Any]) -> None:
    stored = {one: row[2] for one, row in ledger["intents"].items()}
    expected = {one: event.outcome for one, event in replay.final.items()}
    expected |= {one: "left" if one in replay.left else "standby" for one in replay.standby}
    _require(stored == expected, "each verdict is stored, and nothing else", (stored, expected))


def _check_orders(replay: Replay, ledger: dict[str, Any]) -> None:
    stored = {one: (row[0], row[1]) for one, row in ledger["orders"].items()}
    requests = replay.history.requests
    expected = {
        one: (requests[one].user, event.units)
        for one, event in replay.final.items()
        if event.outcome == "held"
    }
    _require(stored == expected, "each grant has its one order", (stored, expected))


def _check_paid(stage: Stage, replay: Replay, ledger: dict[str, Any]) -> None:
    """A paid order has its units and one charge; every other charge went back, or is about to."""
    by_status: dict[str, set[str]] = defaultdict(set)
    for intent_id, order in ledger["orders"].items():
        by_status[order[3]].add(intent_id)
    _require(by_status["paid"] == set(replay.sales), "paid orders are what is sold", by_status, replay.sales)
    _require(by_status["held"] == set(replay.holds), "held orders are what is held", by_status, replay.holds)
    for intent_id, history in ledger["histories"].items():
        path = [status for status, _ in history]
        illegal = [step for step in pairwise(path) if step[0] != step[1] and step not in LEGAL]
        _require(not illegal, "an order goes the ways that there are", intent_id, path)
        _require(["refunded", "late"] not in history, "who has his unit keeps it", history)
        _require(["refunded", "duplicate"] not in history, "who has his unit keeps it", history)
    unfinished = [row for row in ledger["payments"].values() if row[6]]
    _require(not unfinished, "every payment is over", unfinished)
    stuck = {one for one, row in ledger["refunds"].items() if row[1] == "failed"}
    late = {one: row[3] for one, row in ledger["payments"].items() if row[4] == "late"}
    _require(set(late) <= stuck, "a charge for nothing goes back", late, stuck)
    books = audit_books(stage.context.database, stage.sale_id)
    _require(not books.wrong, "the sandbox's books agree", books.wrong)
    _require(books.open_minor == sum(late.values()), "no money is left lying", books, late)


def _require(holds: bool, promise: str, *shown: object) -> None:
    if not holds:
        raise Wrong(f"Broken: {promise}. {shown}")
