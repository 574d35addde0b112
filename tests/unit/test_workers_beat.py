"""Beat asks for everything in its period, whatever the clock on the wall does, and not into the void."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery

from workers import beat
from workers.beat import MOST_WAITING, SteadyScheduler
from workers.schedule import SCHEDULE


class Beat:
    """A scheduler with a clock that tests move, of which the messages are kept and not sent."""

    def __init__(self, schedule: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        app = Celery("tests", broker="memory://", set_as_current=False)
        app.conf.beat_schedule = schedule
        self.now = 50.0
        self.sent: list[str] = []
        self.waiting = 0
        self.scheduler = SteadyScheduler(app, clock=lambda: self.now)
        monkeypatch.setattr(self.scheduler, "apply_entry", lambda entry, **_: self.sent.append(entry.task))
        monkeypatch.setattr(beat, "waiting_in", lambda _channel, _queue: self.waiting)

    def run(self, seconds: float) -> list[str]:
        """Tick as Celery does for so long; returns what was sent meanwhile."""
        self.sent.clear()
        until = self.now + seconds
        while self.now < until:
            self.now += max(self.scheduler.tick(), 0.001)
        return sorted(self.sent)


SOME = {"often": {"task": "often", "schedule": 1.0}, "seldom": {"task": "seldom", "schedule": 5.0}}


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> Beat:
    return Beat(SOME, monkeypatch)


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
    some.waiting = MOST_WAITING
    assert some.run(10) == []
    some.waiting = MOST_WAITING - 1
    assert some.run(1) != []


def test_a_broker_that_is_away_does_not_end_it(some: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_channel: Any, _queue: str) -> int:
        raise ConnectionError("away")

    monkeypatch.setattr(beat, "waiting_in", away)
    assert some.run(5) == []


def test_our_own_schedule_and_nothing_else_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Beat(SCHEDULE, monkeypatch)
    assert own.run(0.001) == sorted(entry["task"] for entry in SCHEDULE.values())


def test_no_message_of_beat_has_a_time_to_expire_at() -> None:
    for entry in SCHEDULE.values():
        assert not {"expires", "eta", "countdown"} & entry["options"].keys()
