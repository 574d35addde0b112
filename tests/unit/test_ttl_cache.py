"""Expensive results are cached for a moment, and longer the more expensive they were."""

from collections.abc import Callable

import pytest

from tasks.runtime.ttl_cache import LEAST_S, MOST, SHARE, SPARE_BACK_S, TtlCache
from tests.support.clocks import Clock


def asker(clock: Clock, costs_s: float) -> Callable[[], int]:
    asked = iter(range(1_000))

    def ask() -> int:
        clock.now += costs_s
        return next(asked)

    return ask


def test_an_answer_is_asked_for_once_a_moment() -> None:
    clock = Clock()
    cache, ask = TtlCache[int](clock), asker(clock, 0.0)
    assert [cache.get("sale", ask) for _ in range(3)] == [0, 0, 0]
    clock.now += LEAST_S
    assert cache.get("sale", ask) == 1


def test_an_expensive_result_is_cached_for_longer() -> None:
    clock = Clock()
    cache, ask = TtlCache[int](clock), asker(clock, 1.0)
    cache.get("sale", ask)
    clock.now += SHARE - 0.1
    assert cache.get("sale", ask) == 0
    clock.now += 0.2
    assert cache.get("sale", ask) == 1


def test_what_fails_is_asked_for_again() -> None:
    cache = TtlCache[int]()

    def fail() -> int:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        cache.get("sale", fail)
    assert cache.get("sale", lambda: 7) == 7


def test_memory_is_bounded() -> None:
    clock = Clock()
    cache = TtlCache[int](clock)
    for number in range(MOST + 1):
        cache.get(number, lambda: 1)
    assert cache.get(0, lambda: -1) == -1


def test_spare_answers_are_the_newest_until_they_are_used_up() -> None:
    clock = Clock()
    cache, ask = TtlCache[int](clock, spare=2), asker(clock, 0.0)
    assert [cache.get("page", ask) for _ in range(5)] == [0, 1, 2, 2, 2]
    clock.now += SPARE_BACK_S
    assert [cache.get("page", ask) for _ in range(3)] == [3, 4, 4]
