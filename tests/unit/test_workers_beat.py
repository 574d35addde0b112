"""Beat asks for everything in its period, whatever the clock on the wall does, and not into the void."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery

from tests.support.contexts import RememberingBell
from workers.beat import MOST_WAITING, SteadyScheduler
from workers.schedule import SCHEDULE


class CountingBell(RememberingBell):
    """A bell that says how many messages wait."""

    waiting: int | None = 0

    def unheard(self, queue: str) -> int | None:  # noqa: ARG002 - of any queue
        return self.waiting


class Beat:
    """A scheduler with a clock that tests move, of which the messages are kept and not sent."""

    def __init__(self, schedule: dict[str, Any]) -> None:
        app = Celery("tests", set_as_current=False)
        app.conf.beat_schedule = schedule
        self.now = 50.0
        self.bell = CountingBell()
        self.scheduler = SteadyScheduler(app, bell=self.bell, clock=lambda: self.now)

    def run(self, seconds: float) -> list[str]:
        """Tick as Celery does for so long; returns what was sent meanwhile."""
        self.bell.others.clear()
        until = self.now + seconds
        while self.now < until:
            self.now += max(self.scheduler.tick(), 0.001)
        return sorted(name for name, _ in self.bell.others)


SOME = {"often": {"task": "often", "schedule": 1.0}, "seldom": {"task": "seldom", "schedule": 5.0}}


@pytest.fixture
def some() -> Beat:
    return Beat(SOME)


def test_everything_is_sent_at_the_start_and_once_a_period(some: Beat) -> None:
    assert some.run(0.001) == ["often", "seldom"]
    assert some.run(9.5) == ["often"] * 10 + ["seldom"] * 2


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(hours=1)])
def test_the_clock_on_the_wall_makes_no_difference(
    some: Beat, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    some.run(10)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + by.total_seconds())
    monkeypatch.setattr(some.scheduler.app, "now", lambda: datetime.now(UTC) + by)
    assert some.run(10) == ["often"] * 10 + ["seldom"] * 2


def test_nothing_is_sent_while_nobody_answers(some: Beat) -> None:
    some.bell.waiting = MOST_WAITING
    assert some.run(10) == []
    some.bell.waiting = MOST_WAITING - 1
    assert some.run(1) != []


def test_nothing_is_sent_to_a_broker_that_is_away(some: Beat) -> None:
    some.bell.waiting = None
    assert some.run(5) == []


def test_our_own_schedule_and_nothing_else_is_kept() -> None:
    own = Beat(SCHEDULE)
    assert own.run(0.001) == sorted(entry["task"] for entry in SCHEDULE.values())
