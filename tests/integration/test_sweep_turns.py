"""Of all workers' timers one at a time sweeps, and a last one left sweeps alone."""

from typing import Any

import pytest

from models.errors import LineUnavailable
from tests.support.polling import eventually
from tests.support.shop import Shop
from workers import timer
from workers.timer import SweepTimer


def test_a_turn_is_one_processs_until_it_is_over(shop: Shop) -> None:
    live = shop.context.live
    assert [live.take_turn("something", 50), live.take_turn("something", 50)] == [True, False]
    assert live.take_turn("something else", 50)
    eventually(lambda: live.take_turn("something", 50))


def test_many_timers_sweep_no_more_often_than_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[Any] = []
    monkeypatch.setattr(timer, "sweep_everything", swept.append)
    monkeypatch.setattr(timer, "TURN_MS", 100)
    timers = [SweepTimer(shop.context, period_s=0.01) for _ in range(4)]
    began_ms = shop.context.live.now_ms()
    for one in timers:
        one.start()
    eventually(lambda: len(swept) >= 5)
    for one in timers:
        one.stop()
    assert (
        len(swept) <= (shop.context.live.now_ms() - began_ms) / 100 + 1
    )  # each turn is as long by that clock


def test_without_redis_every_timer_sweeps(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[Any] = []

    def nobody_answers(_work: str, _for_ms: int) -> bool:
        raise LineUnavailable("away")

    monkeypatch.setattr(timer, "sweep_everything", swept.append)
    monkeypatch.setattr(shop.context.live, "take_turn", nobody_answers)
    one = SweepTimer(shop.context, period_s=0.01)
    one.start()
    eventually(lambda: len(swept) >= 2)
    one.stop()
    assert len(swept) >= 2
