"""How many sockets a process takes, and how many in a second."""

import resource
from collections.abc import Iterator

import pytest

from tests.support.clocks import Clock
from web.http.errors import Problem
from web.sockets.transport import admission as module
from web.sockets.transport.admission import LONGEST_WAIT_S, Admission, capacity
from web.sockets.transport.connect_limit import Rate
from web.sockets.transport.goodbye import LONGEST_RETRY_MS, bye_frame


@pytest.fixture
def twenty_thousand_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (20_000, 20_000))
    capacity.cache_clear()
    yield
    monkeypatch.undo()
    capacity.cache_clear()


def refusal(admission: Admission, sockets: int = 0) -> Problem | None:
    try:
        admission.admit(sockets)
    except Problem as problem:
        return problem
    return None


def test_a_process_of_20_000_files_takes_19_000_sockets(twenty_thousand_files: None) -> None:  # noqa: ARG001
    admission = Admission(Rate.of("1/second", enabled=False))
    assert refusal(admission, 19_000) is None
    full = refusal(admission, 20_000)
    assert full is not None
    assert (full.status, full.code) == (503, "no_room")
    assert 1 <= int((full.headers or {})["Retry-After"]) <= LONGEST_WAIT_S


def test_a_storm_is_let_in_at_the_rate_and_the_rest_is_told_when_to_come() -> None:
    clock = Clock()
    admission = Admission(Rate.of("100/second"), clock)
    refusals = [found for _ in range(1_000) if (found := refusal(admission)) is not None]
    assert len(refusals) == 900
    assert {found.code for found in refusals} == {"too_many_at_once"}
    waits = [int((found.headers or {})["Retry-After"]) for found in refusals]
    assert min(waits) == 1
    assert 5 < max(waits) <= 10  # nine hundred more take nine seconds
    clock.now += 0.5
    assert sum(refusal(admission) is None for _ in range(100)) == 50


def test_who_is_refused_while_the_process_stops_learns_it() -> None:
    admission = Admission(Rate.of("100/second"))
    admission.is_closing = True
    found = refusal(admission)
    assert found is not None
    assert found.code == "no_room"


def test_the_capacity_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (resource.RLIM_INFINITY,) * 2)
    capacity.cache_clear()
    assert capacity() == module.MAX_SOCKETS
    monkeypatch.undo()
    capacity.cache_clear()


def test_the_more_leave_the_longer_is_the_time_over_which_they_come_back() -> None:
    def latest(leaving: int) -> int:
        return max(int(bye_frame(leaving).partition(b'retry_after_ms":')[2][:-1]) for _ in range(300))

    assert latest(1) <= 101
    assert 400 < latest(2_000) <= 600
    assert 2_500 < latest(17_000) <= LONGEST_RETRY_MS
