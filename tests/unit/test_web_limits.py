"""The limit in memory: how many it lets through, when it forgets, and that it does not grow."""

import uuid

import pytest

from web.http.errors import TooManyRequests
from web.limits.rate_limits import AccountLimit


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(1000.0)
    monkeypatch.setattr("web.limits.rate_limits.time", clock)
    return clock


def test_an_account_gets_its_window_and_no_more(clock: Clock) -> None:
    limit, one, other = AccountLimit("3/10 seconds"), uuid.uuid4(), uuid.uuid4()
    clock.now = 1004.0
    for _ in range(3):
        limit.hit(one)
    with pytest.raises(TooManyRequests) as caught:
        limit.hit(one)
    assert caught.value.headers == {"Retry-After": "6"}
    limit.hit(other)


def test_the_next_window_starts_from_nothing(clock: Clock) -> None:
    limit, one = AccountLimit("1/10 seconds"), uuid.uuid4()
    limit.hit(one)
    clock.now = 1010.0
    limit.hit(one)
    with pytest.raises(TooManyRequests):
        limit.hit(one)


def test_a_refused_request_says_to_wait_at_least_a_second(clock: Clock) -> None:
    limit, one = AccountLimit("1/10 seconds"), uuid.uuid4()
    clock.now = 1009.99
    limit.hit(one)
    with pytest.raises(TooManyRequests) as caught:
        limit.hit(one)
    assert caught.value.headers == {"Retry-After": "1"}


def test_accounts_of_past_windows_are_forgotten(clock: Clock) -> None:
    limit = AccountLimit("1/10 seconds")
    for _ in range(100):
        limit.hit(uuid.uuid4())
    clock.now = 1010.0
    limit.hit(uuid.uuid4())
    assert len(limit._counts) == 1


def test_a_limit_that_is_off_lets_everything_through() -> None:
    limit, one = AccountLimit("1/hour", enabled=False), uuid.uuid4()
    for _ in range(10):
        limit.hit(one)
