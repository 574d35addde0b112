"""When sales are looked at and who is sent which picture, with a clock and a line that tests move."""

import uuid
from typing import Any, cast

import pytest

from models.errors import LineUnavailable
from models.live.records import Look
from web.live.watch import MERGE_S, POLL_S, Watches

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
        return Look(sale_id, 1_000_000 + self.looks, 0, 0, 0, 0, dict(self.fields))


class Ear:
    """As much of a connection as `Watches` knows."""

    def __init__(self) -> None:
        self.watched: dict[Any, int] = {}
        self.due = 0.0
        self.got: list[bytes] = []

    def offer(self, watch: Any) -> bool:
        if self.watched[watch] == watch.version:
            return False
        self.watched[watch] = watch.version
        self.got.append(watch.frame)
        return True


class World:
    """Watches over a line, at a time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.line = Line()
        context: Any = type("Context", (), {"live": self.line})()
        self.watches = Watches(context, clock=lambda: self.now)
        # Nobody else moves the clock, so that waiting would be for ever.
        cast(Any, self.watches)._wake.wait = lambda _seconds: None
        self.ear = cast(Any, Ear())
        self.watch = self.watches.join(self.ear, SALE)
        self.watches.picture(self.watch)
        self.run(0)
        self.ear.got.clear()
        self.line.looks = 0

    def run(self, seconds: float) -> None:
        self.now += seconds
        self.watches.run_once()


@pytest.fixture
def world() -> World:
    world = World()
    world.run(2 * POLL_S)
    world.line.looks = 0
    return world


def test_after_a_quiet_time_a_nudge_is_told_at_once(world: World) -> None:
    world.line.fields["available"] = "4"
    world.watches.nudge(SALE)
    world.run(0)
    assert len(world.ear.got) == 1
    assert b'"available":4' in world.ear.got[0]


def test_nudges_within_a_moment_are_one_picture(world: World) -> None:
    for number in range(100):
        world.line.fields["available"] = str(number)
        world.watches.nudge(SALE)
        world.run(0.01)
    assert 4 <= len(world.ear.got) <= 1.0 / MERGE_S + 1
    world.run(MERGE_S)
    assert b'"available":99' in world.ear.got[-1]


def test_a_nudge_for_nothing_is_not_told(world: World) -> None:
    world.watches.nudge(SALE)
    world.run(0)
    assert world.line.looks == 1
    assert world.ear.got == []


def test_without_a_nudge_it_is_looked_at_about_once_a_second(world: World) -> None:
    world.line.fields["waiting"] = "7"
    for _ in range(100):
        world.run(0.1)
    assert 8 <= world.line.looks <= 12
    assert len(world.ear.got) == 1


def test_a_snapshot_is_shared_by_those_who_come_together(world: World) -> None:
    world.watches.nudge(SALE)
    world.run(0)
    looks = world.line.looks
    for _ in range(100):
        world.watches.picture(world.watch)
    assert world.line.looks == looks
    world.now += MERGE_S * 1.01
    world.watches.picture(world.watch)
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
    assert b'"available":1' in world.ear.got[-1]


def test_a_sale_that_nobody_watches_is_forgotten(world: World) -> None:
    world.watches.leave(world.ear, SALE)
    world.watches.nudge(SALE)
    world.run(5)
    assert world.line.looks == 0
    assert len(world.watches) == 0
    assert world.ear.watched == {}
