"""When sales are looked at and who is sent which snapshot, with a clock and a line that tests move."""

import uuid
from typing import Any, cast

import pytest

from models.errors import LineUnavailable, NoSuchSale
from models.live.records import Look
from web.sockets.delivery.broadcast import LOOK_AT_CLOCK, Broadcast
from web.sockets.delivery.subscription import LONGEST_POLL_S, POLL_S, POLLS_PER_S, Watches
from web.sockets.delivery.throttle import MERGE_S, PATIENCE_IN_A_RUSH_S, PATIENCE_S

SALE = uuid.uuid4()


class Line:
    """A live state of one sale."""

    def __init__(self) -> None:
        self.looks = 0
        self.is_away = False
        self.fields = {"epoch": "e", "status": "open", "currency": "USD", "available": "5"}

    def look(self, sale_id: uuid.UUID) -> Look:
        self.looks += 1
        if self.is_away:
            raise LineUnavailable("away")
        if sale_id != SALE:
            raise NoSuchSale("No sale has this id.")
        return Look(sale_id, 1_000_000 + self.looks, 0, 0, 0, 0, dict(self.fields))


class Socket:
    """As much of a connection as the watching knows; each frame takes the world so many seconds to send."""

    def __init__(self, world: "World", takes_s: float = 0.0) -> None:
        self._world = world
        self._takes_s = takes_s
        self.watched: Any = ()
        self.due = 0.0
        self.got: list[bytes] = []
        self.got_at: list[float] = []
        self.is_behind = False

    def offer(self, frame: bytes) -> bool:
        if self.is_behind:
            return False
        self._world.now += self._takes_s
        self.got.append(frame)
        self.got_at.append(self._world.now)
        return True


class World:
    """Watches over a line, at a time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slices = 0
        self.meanwhile: Any = lambda: None
        self.line = Line()
        context: Any = type("Context", (), {"live": self.line})()
        self.is_rushed = False
        self.watches = Watches(context, clock=lambda: self.now, is_rushed=lambda: self.is_rushed)
        self.broadcast = Broadcast(self.watches, clock=lambda: self.now, let_others=self._let_others)
        # Nobody else moves the clock, so that waiting would be for ever.
        cast(Any, self.watches)._wake.wait = lambda _seconds: None
        cast(Any, self.watches).news.wait = lambda _seconds=None: None
        self.socket = self.listener()
        self.watch = self.watches.join(self.socket, SALE)
        self.watches.take_snapshot(self.watch)
        self.run(0)
        self.socket.got.clear()
        self.line.looks = 0

    def listener(self, takes_s: float = 0.0) -> Any:
        socket: Any = Socket(self, takes_s)
        self.watches.join(socket, SALE)
        return socket

    def run(self, seconds: float) -> None:
        self.now += seconds
        self.watches.run_once()
        self.broadcast.run_once()

    def change(self, available: int) -> None:
        self.line.fields["available"] = str(available)
        self.watches.nudge(SALE)

    def _let_others(self) -> None:
        self.slices += 1
        self.meanwhile()


@pytest.fixture
def world() -> World:
    world = World()
    world.run(2 * POLL_S)
    world.line.looks = 0
    return world


def test_after_a_quiet_time_a_nudge_is_told_at_once(world: World) -> None:
    world.change(4)
    world.run(0)
    assert len(world.socket.got) == 1
    assert b'"available":4' in world.socket.got[0]


def test_nudges_within_a_moment_are_one_snapshot(world: World) -> None:
    for number in range(100):
        world.change(number)
        world.run(0.01)
    assert 4 <= len(world.socket.got) <= 1.0 / MERGE_S + 1
    world.run(MERGE_S)
    assert b'"available":99' in world.socket.got[-1]


def test_a_sale_that_there_is_not_is_put_off_and_delays_no_other(world: World) -> None:
    world.watches.join(world.socket, uuid.uuid4())  # as a socket does that is about to be told so
    world.run(2 * POLL_S)
    looks = world.line.looks
    world.run(0)
    assert world.line.looks == looks
    world.change(4)
    world.run(0)
    assert b'"available":4' in world.socket.got[0]


def test_a_nudge_for_nothing_is_not_told(world: World) -> None:
    world.watches.nudge(SALE)
    world.run(0)
    assert world.line.looks == 1
    assert world.socket.got == []


def test_without_a_nudge_it_is_looked_at_about_once_a_second(world: World) -> None:
    world.line.fields["waiting"] = "7"
    for _ in range(100):
        world.run(0.1)
    assert 8 <= world.line.looks <= 12
    assert len(world.socket.got) == 1


def test_very_many_sales_are_looked_at_less_often_but_within_three_seconds(world: World) -> None:
    for _ in range(POLLS_PER_S * 10):
        world.watches.join(world.socket, uuid.uuid4())
    world.watches.take_snapshot(world.watch, max_age_s=0)
    assert POLL_S * 2 < world.watch.due - world.now < LONGEST_POLL_S * 1.2


def test_a_snapshot_is_shared_by_those_who_come_together(world: World) -> None:
    world.watches.nudge(SALE)
    world.run(0)
    looks = world.line.looks
    for _ in range(100):
        world.watches.take_snapshot(world.watch)
    assert world.line.looks == looks
    world.now += MERGE_S * 1.01
    world.watches.take_snapshot(world.watch)
    assert world.line.looks == looks + 1


def test_a_line_that_is_away_is_asked_again(world: World) -> None:
    world.line.is_away = True
    world.watches.nudge(SALE)
    for _ in range(30):
        world.run(0.1)
    assert 3 <= world.line.looks <= 10
    world.line.is_away = False
    world.line.fields["available"] = "1"
    world.run(1)
    assert b'"available":1' in world.socket.got[-1]


def test_a_sale_that_nobody_watches_is_forgotten(world: World) -> None:
    world.watches.leave(world.socket, SALE)
    world.watches.nudge(SALE)
    world.run(5)
    assert world.line.looks == 0
    assert len(world.watches) == 0
    assert world.socket.watched == ()


def test_a_reader_who_is_behind_is_not_told_and_keeps_its_turn(world: World) -> None:
    world.socket.is_behind = True
    world.change(4)
    world.run(0)
    assert world.socket.got == []
    world.socket.is_behind = False
    assert world.watch.tell(world.socket)
    assert not world.watch.tell(world.socket)
    assert b'"available":4' in world.socket.got[-1]


def test_broadcasts_that_take_long_take_a_bounded_share_of_the_time(world: World) -> None:
    listeners = [world.listener(takes_s=0.001) for _ in range(100)]  # 0.1 s a broadcast
    world.run(0)
    began, before = world.now, len(listeners[0].got)
    for number in range(2_000):
        world.change(number)
        world.run(0.005)
    broadcasts = len(listeners[0].got) - before
    share = broadcasts * 0.1 / (world.now - began)
    assert 0.15 < share < 0.3
    assert broadcasts > 10


def test_no_change_is_told_later_than_the_patience_allows(world: World) -> None:
    # A broadcast takes 0.6 s: four times that is too late.
    listeners = [world.listener(takes_s=0.001) for _ in range(600)]
    world.run(0)
    assert 1.0 < latest_of(world, listeners[-1]) < PATIENCE_S + 0.05


def test_while_intents_are_not_answered_snapshots_keep_to_their_share_for_longer(world: World) -> None:
    listeners = [world.listener(takes_s=0.001) for _ in range(600)]
    world.is_rushed = True
    began, before = world.now, len(listeners[-1].got)
    assert PATIENCE_S < latest_of(world, listeners[-1]) < PATIENCE_IN_A_RUSH_S
    share = (len(listeners[-1].got) - before) * 0.6 / (world.now - began)
    assert share < 0.3


def latest_of(world: World, last: Any) -> float:
    """Change the sale again and again as soon as the last member heard; how late that was at the worst."""
    latest = 0.0
    for number in range(300):
        changed_at, told = world.now, len(last.got)
        world.change(number)
        while len(last.got) == told:
            world.run(0.01)
        latest = max(latest, last.got_at[told] - changed_at)
    return latest


def test_what_nobody_nudges_for_is_told_within_two_seconds_too(world: World) -> None:
    listeners = [world.listener(takes_s=0.001) for _ in range(450)]
    world.run(5)
    changed_at = world.now

    def change_unseen() -> None:
        world.line.fields["waiting"] = "7"

    world.meanwhile = change_unseen  # just after the look, while that is being told
    world.change(4)
    world.run(0)
    assert b'"waiting":0' in listeners[-1].got[-1]
    while b'"waiting":7' not in listeners[-1].got[-1]:
        world.run(0.01)
    assert 1.0 < world.now - changed_at < 2.0


def test_a_hurried_broadcast_runs_up_no_debt(world: World) -> None:
    for _ in range(600):
        world.listener(takes_s=0.001)
    for number in range(500):
        world.change(number)
        world.run(0.01)
    world.run(1)  # tells what was left to tell
    world.run(PATIENCE_S * 1.1)
    world.change(1000)
    told = len(world.socket.got)
    world.run(0)
    assert len(world.socket.got) == told + 1


def test_others_get_their_turn_within_a_broadcast(world: World) -> None:
    for _ in range(10 * LOOK_AT_CLOCK):
        world.listener(takes_s=0.001)
    world.slices = 0
    world.change(4)
    world.run(0)
    assert world.slices == 10


def test_a_newer_snapshot_replaces_the_older_in_the_middle_of_a_broadcast(world: World) -> None:
    listeners = [world.listener(takes_s=0.001) for _ in range(10 * LOOK_AT_CLOCK)]
    world.run(5)

    def look_again() -> None:
        world.line.fields["available"] = "3"
        world.watches.take_snapshot(world.watch, max_age_s=0)

    world.meanwhile = look_again
    world.change(4)
    world.run(0)
    assert b'"available":4' in listeners[0].got[-1]
    assert b'"available":3' in listeners[-1].got[-1]
    told = len(listeners[-1].got)
    world.run(5)
    assert b'"available":3' in listeners[0].got[-1]
    assert len(listeners[-1].got) == told
