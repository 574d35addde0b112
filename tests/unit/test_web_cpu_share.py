"""Work that keeps a core busy takes its share of the cores, waits in a bounded queue, or is refused."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.polling import eventually
from web.http.errors import Busy
from web.limits.cpu_share import BURST_S, CpuShare

PIECE_S = 0.04


class Clock:
    """Time that passes only while somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = self.used = 1000.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.used

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def work(self) -> None:
        self.now += PIECE_S
        self.used += PIECE_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("web.limits.cpu_share.time", clock)
    return clock


@contextmanager
def at_work(share: CpuShare, people: int) -> Iterator[None]:
    """So many are inside, of whom the first does not come to an end."""
    gate, told = threading.Event(), []

    def come() -> None:
        with share.turn():
            told.append(share.run(lambda: gate.wait(20)))

    threads = [threading.Thread(target=come) for _ in range(people)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: share._inside == people)
        yield
    finally:
        gate.set()
        for thread in threads:
            thread.join(20)
    assert told == [True] * people


def work_in_turn(share: CpuShare, clock: Clock) -> None:
    with share.turn():
        share.run(clock.work)


@pytest.mark.parametrize("cores", [0.25, 0.5, 1.0])
def test_work_takes_its_share_in_the_long_run(clock: Clock, cores: float) -> None:
    share, began = CpuShare(cores, most_waiting=10, longest_wait_s=10), clock.now
    for _ in range(200):
        work_in_turn(share, clock)
    assert 200 * PIECE_S / (clock.now - began + BURST_S) <= cores + 0.01
    assert 200 * PIECE_S / (clock.now - began) >= cores - 0.01


def test_what_comes_now_and_then_does_not_wait(clock: Clock) -> None:
    share = CpuShare(0.25, most_waiting=10, longest_wait_s=10)
    for _ in range(3):
        clock.now += 2 * BURST_S
        began = clock.now
        work_in_turn(share, clock)
        work_in_turn(share, clock)
        assert clock.now - began == pytest.approx(2 * PIECE_S)


def test_a_queue_that_is_full_takes_nobody_and_says_when_to_come_again() -> None:
    share = CpuShare(0.5, most_waiting=2, longest_wait_s=10)
    with at_work(share, 3):
        for refuse in (share.require_room, share.turn().__enter__):
            with pytest.raises(Busy) as told:
                refuse()
            assert told.value.status == 503
            assert int((told.value.headers or {})["Retry-After"]) >= 1
    share.require_room()


def test_nobody_waits_who_would_wait_for_too_long() -> None:
    share = CpuShare(0.01, most_waiting=1000, longest_wait_s=6)
    with at_work(share, 2), pytest.raises(Busy), share.turn():  # each takes four seconds, with its rest
        pass


def test_a_turn_that_does_not_come_is_not_waited_for_for_ever() -> None:
    share = CpuShare(0.9, most_waiting=10, longest_wait_s=0.05)
    with at_work(share, 1), pytest.raises(Busy), share.turn():
        pass
    with share.turn():
        assert share.run(lambda: "done") == "done"
