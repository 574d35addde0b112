"""Of all workers' timers one at a time sweeps, seldom while nothing moves; a last one left sweeps alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from models.errors import LineUnavailable
from tasks.sweeper import Sweeper
from tests.support.polling import eventually
from tests.support.shop import Shop
from workers.timer import SweepTimer

HOURS: Final = 3_600.0


@contextmanager
def running(*timers: SweepTimer) -> Iterator[None]:
    for one in timers:
        one.start()
    try:
        yield
    finally:
        for one in timers:
            one.stop()


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry a sweep, which finds nothing to do for hours."""
    made: list[Any] = []

    def sweep(self: Sweeper) -> float:
        made.append(self)
        return HOURS

    monkeypatch.setattr(Sweeper, "sweep", sweep)
    return made


def woken_by(timer: SweepTimer) -> bool:
    """Have a task begin."""
    timer.wake()
    return True


def test_a_turn_is_one_processs_until_it_is_over(shop: Shop) -> None:
    live = shop.context.live
    assert [live.take_turn("something", 50), live.take_turn("something", 50)] == [True, False]
    assert live.take_turn("something else", 50)
    eventually(lambda: live.take_turn("something", 50))


def test_many_timers_sweep_no_more_often_than_one(shop: Shop, swept: list[Any]) -> None:
    began_ms = shop.context.live.now_ms()
    with running(*(SweepTimer(shop.context, rest_s=0.1, pace_s=0.05) for _ in range(4))):
        eventually(lambda: len(swept) >= 5)
    # A turn is as long by that clock; the first of each is a hurried one.
    assert len(swept) <= (shop.context.live.now_ms() - began_ms) / 96 + 4


def test_a_timer_that_rests_is_woken_by_a_task(shop: Shop, swept: list[Any]) -> None:
    timer = SweepTimer(shop.context, rest_s=HOURS, pace_s=0.01)
    with running(timer):
        eventually(lambda: len(swept) == 1)
        eventually(lambda: woken_by(timer) and len(swept) >= 3)


def test_the_turn_of_one_that_rests_does_not_hold_up_one_that_is_woken(shop: Shop, swept: list[Any]) -> None:
    resting, woken = (SweepTimer(shop.context, rest_s=HOURS, pace_s=0.01) for _ in range(2))
    assert shop.context.live.take_turn("sweep", round(HOURS * 1000))
    with running(resting, woken):
        eventually(lambda: woken_by(woken) and woken._sweeper in swept)


def test_without_redis_every_timer_sweeps(
    shop: Shop, swept: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_answers(_work: str, _for_ms: int) -> bool:
        raise LineUnavailable("away")

    monkeypatch.setattr(shop.context.live, "take_turn", nobody_answers)
    with running(SweepTimer(shop.context, rest_s=0.01, pace_s=0.01)):
        eventually(lambda: len(swept) >= 2)


def test_a_failure_is_tried_again_after_a_rest(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Semaphore(0)

    def fails(_self: Sweeper) -> float:
        tried.release()
        raise LineUnavailable("away")

    monkeypatch.setattr(Sweeper, "sweep", fails)
    with running(SweepTimer(shop.context, rest_s=0.01, pace_s=0.01)):
        assert tried.acquire(timeout=20)
        assert tried.acquire(timeout=20)
