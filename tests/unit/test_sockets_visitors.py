"""benchmarks/sockets/: what visitors say and hear, the snapshots they see, when they hear of changes."""

import itertools
import time
from typing import Any

import orjson

from benchmarks.client.crowd_socket import Socket
from benchmarks.client.frames import mask
from benchmarks.harness.durations import Spread, between
from benchmarks.sockets.snapshots import SHOWN, LastSnapshots
from benchmarks.sockets.visitors import Visitors

MOMENT = "2026-11-26T17:48:00.250Z"


class Wire:
    """Stands where `Sockets` stands: keeps what is sent, and runs timers at once when asked."""

    def __init__(self, number: int) -> None:
        self.all = [Socket(index) for index in range(number)]
        self.sent: list[tuple[int, dict[str, Any]]] = []
        self.later: list[Any] = []

    def send(self, socket: Socket, frames: bytes) -> bool:
        self.sent += [(socket.index, message) for message in messages_of(frames)]
        return True

    def after(self, _delay_s: float, call: Any) -> None:
        self.later.append(call)


def messages_of(frames: bytes) -> list[dict[str, Any]]:
    """The messages in a client's frames."""
    found, at = [], 0
    while at < len(frames):
        assert frames[at] == 0x81
        size, start = frames[at + 1] & 0x7F, at + 2
        if size == 126:
            size, start = int.from_bytes(frames[start : start + 2], "big"), start + 2
        end = start + 4 + size
        found.append(orjson.loads(mask(frames[start + 4 : end], frames[start : start + 4])))
        at = end
    return found


def snapshot(sale_id: str = "sale", price_minor: int = 2000, **fields: Any) -> bytes:
    message = dict.fromkeys(SHOWN, 0) | {"status": "open"}
    message |= {"price": {"amount_minor": price_minor, "currency": "USD"}, "server_time": MOMENT} | fields
    return orjson.dumps({"type": "sale", "sale_id": sale_id, **message})


def visitors(*tokens: str, rushers: int = 1) -> tuple[Visitors, Wire]:
    people, wire = Visitors("sale", tokens, rushers), Wire(len(tokens))
    people.sockets = wire  # type: ignore[assignment]
    return people, wire


def hear(people: Visitors, wire: Wire, index: int, **message: Any) -> None:
    people.on_message(wire.all[index], orjson.dumps(message), time.monotonic_ns())


def test_a_handshake_says_who_it_is_and_what_it_watches() -> None:
    people, wire = visitors("a token", "")
    assert people.come_with(wire.all[0]) == (b"/ws?sale=sale", b"Authorization: Bearer a token\r\n")
    assert people.come_with(wire.all[1]) == (b"/ws?sale=sale", b"")
    assert people.greet(wire.all[0]) == people.greet(wire.all[1]) == b""


def test_ready_is_who_heard_everything_that_the_handshake_asked_for() -> None:
    people, wire = visitors("a token", "")
    for socket in wire.all:
        people.come_with(socket)
        people.on_message(socket, snapshot(), 1)
    assert people.ready == 1  # the second did not log in
    hear(people, wire, 0, type="ready", user_id="me")
    assert people.ready == 2
    people.on_lost(wire.all[0], "gone")
    assert people.ready == 1


def test_a_snapshot_of_another_sale_is_not_shown() -> None:
    people, wire = visitors("")
    people.come_with(wire.all[0])
    people.on_message(wire.all[0], snapshot("another"), 1)
    assert people.ready == 0
    assert people.snapshots.shown == [None]


def test_who_comes_back_without_an_answer_asks_once_more_with_the_same_key() -> None:
    people, wire = visitors("a token")
    people.begin_rush()
    people.submit(0)
    (_, request) = wire.sent[-1]
    assert messages_of(people.greet(wire.all[0])) == [request]
    assert request["key"]
    hear(people, wire, 0, type="intent", reply_to=request["id"], id="x", ticket=1, status="queued")
    assert people.greet(wire.all[0]) == b""
    assert people.rush.told.resent == 1


def test_a_refusal_that_says_try_again_is_heeded_and_another_is_kept() -> None:
    people, wire = visitors("a token")
    people.begin_rush()
    people.submit(0)
    hear(people, wire, 0, type="error", code="line_unavailable", reply_to="rush")
    assert not people.rush.told.refusals
    wire.later.pop()()
    assert wire.sent[0] == wire.sent[1]
    hear(people, wire, 0, type="error", code="sale_over", reply_to="rush")
    assert people.rush.told.refusals == {"sale_over": 1}
    assert people.errors == {"line_unavailable": 1, "sale_over": 1}
    assert not wire.later


def test_turning_to_another_sale_leaves_the_first() -> None:
    people, wire = visitors("a token")
    people.turn_to(0, "second")
    assert [message for _, message in wire.sent] == [
        {"type": "unsubscribe", "sale_id": "sale"},
        {"type": "subscribe", "sale_id": "second"},
    ]
    assert people.come_with(wire.all[0])[0] == b"/ws?sale=second"


def test_pongs_are_counted_with_their_moments() -> None:
    people, wire = visitors("", "")
    people.begin_echo()
    people.ping(1)
    hear(people, wire, 1, type="pong")
    assert people.pongs == 1
    assert people.ponged_ns[1] >= people.pinged_ns[1] > 0 == people.ponged_ns[0]


def test_a_price_tells_of_all_changes_up_to_its_own_and_of_each_once() -> None:
    snapshots = LastSnapshots(["sale", "sale"])
    snapshots.begin_changes(2000, 4)
    for at_ns, (index, price_minor) in enumerate([(0, 2001), (1, 2000), (0, 2003), (0, 2003), (1, 2004)], 10):
        assert snapshots.take(index, snapshot(price_minor=price_minor), at_ns)
    assert [list(heard) for heard in snapshots.changes.heard_ns] == [[10, 14], [12, 14], [12, 14], [0, 14]]
    assert snapshots.heard == 5


def test_a_snapshot_matches_by_every_figure_and_by_its_sale() -> None:
    snapshots = LastSnapshots(["sale"] * 3)
    for index, available in enumerate((0, 0, 1)):
        snapshots.take(index, snapshot(available=available), 1)
    shown = snapshots.shown[0]
    assert shown is not None
    assert snapshots.count_matching("sale", shown.fields) == 2
    assert snapshots.count_matching("another", shown.fields) == 0
    for name in SHOWN:
        assert snapshots.count_matching("sale", shown.fields | {name: "else"}) == 0


def test_the_same_bytes_are_read_once() -> None:
    snapshots = LastSnapshots(["sale"] * 2)
    first, second = snapshot(), snapshot(price_minor=2001)
    for index, payload in itertools.product((0, 1), (first, second, first)):
        snapshots.take(index, payload, 1)
    assert snapshots.shown[0] is snapshots.shown[1]


def test_a_spread_is_of_durations_whose_both_ends_are_known() -> None:
    spread = between([0, 10, *([1_000_000] * 100)], [5, 0, *(number * 1_000_000 for number in range(2, 102))])
    assert spread == Spread(100, 51.0, 100.0, 100.0)
    assert Spread.of([]).count == 0
