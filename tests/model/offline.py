"""Owns the offline check: a history is replayed ticket by ticket, and what is stored is held against it.

It decides nothing by itself and shares no code with the scripts or the model: it only asks of every
recorded decision whether it was right at that moment.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.model.interleaver import Event, History, Request
from tests.model.stage import Stage


class Wrong(AssertionError):
    """The history or the stores break a promise."""


@dataclass(slots=True)
class Replay:
    """The sale as the recorded decisions have left it so far."""

    history: History
    free: int
    held: int = 0
    last_accepted: int = 0
    last_decided: int = 0
    standby: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    final: dict[str, Event] = field(default_factory=dict)

    def run(self) -> None:
        for event in self.history.events:
            getattr(self, f"_{event.kind}")(event)

    def _accepted(self, event: Event) -> None:
        self.last_accepted += 1
        _require(self._request(event).ticket == self.last_accepted, "tickets are dense", event)

    def _left(self, event: Event) -> None:
        self.left.add(event.intent_id)

    def _adjusted(self, event: Event) -> None:
        self.free += event.units

    def _released(self, event: Event) -> None:
        self.free += event.units
        self.held -= event.units

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
        self.held += event.units
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
    _require((live["available"], live["held"]) == (replay.free, replay.held), "Redis' stock is exact", live)
    allocation = history.units + sum(one.units for one in history.events if one.kind == "adjusted")
    _require(
        (ledger["allocation"], ledger["held"]) == (allocation, replay.held), "the ledger's is too", ledger
    )
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


def _require(holds: bool, promise: str, *shown: object) -> None:
    if not holds:
        raise Wrong(f"Broken: {promise}. {shown}")
