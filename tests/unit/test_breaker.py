"""The breaker: open after a failure, one probe a cool-off, closed when the ledger answers."""

import threading

import pytest

from tasks.runtime.breaker import Breaker
from tests.support.threads import at_once


class Ledger:
    """A ledger whose health a test sets, and a clock that it moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.is_well = False
        self.probes = 0
        self.breaker = Breaker(self.probe, cool_off_s=1.0, clock=lambda: self.now)

    def probe(self) -> bool:
        self.probes += 1
        return self.is_well


def test_it_is_closed_at_first_and_asks_nobody() -> None:
    ledger = Ledger()
    assert ledger.breaker.is_closed()
    assert ledger.probes == 0


def test_after_a_failure_nobody_works_until_the_cool_off_is_over() -> None:
    ledger = Ledger()
    ledger.breaker.trip()
    ledger.now = 0.99
    assert not ledger.breaker.is_closed()
    assert ledger.probes == 0


def test_one_probe_a_cool_off() -> None:
    ledger = Ledger()
    ledger.breaker.trip()
    for now in (1.0, 1.5, 1.99, 2.0, 2.5):
        ledger.now = now
        assert not ledger.breaker.is_closed()
    assert ledger.probes == 2


def test_it_closes_when_the_ledger_answers() -> None:
    ledger = Ledger()
    ledger.breaker.trip()
    ledger.now, ledger.is_well = 1.0, True
    assert ledger.breaker.is_closed()
    assert ledger.breaker.is_closed()
    assert ledger.probes == 1


def test_a_failure_during_the_cool_off_prolongs_it() -> None:
    ledger = Ledger()
    ledger.breaker.trip()
    ledger.now = 0.9
    ledger.breaker.trip()
    ledger.now, ledger.is_well = 1.5, True
    assert not ledger.breaker.is_closed()


def test_threads_share_one_probe() -> None:
    ledger = Ledger()
    ledger.breaker.trip()
    ledger.now = 1.0
    at_once(*[ledger.breaker.is_closed] * 8)
    assert ledger.probes == 1


def test_nobody_waits_for_who_probes() -> None:
    go_on = threading.Event()
    breaker = Breaker(go_on.wait, cool_off_s=0.0)
    breaker.trip()
    prober = threading.Thread(target=breaker.is_closed)
    prober.start()
    assert not breaker.is_closed()  # and does not hang
    breaker.trip()  # nor who finds another failure meanwhile
    go_on.set()
    prober.join()
    assert breaker.is_open  # the probe began before that failure


def test_a_probe_that_breaks_is_no_success() -> None:
    breaker = Breaker(lambda: bool(1 // 0), cool_off_s=0.0)
    breaker.trip()
    with pytest.raises(ZeroDivisionError):
        breaker.is_closed()
    assert breaker.is_open
    with pytest.raises(ZeroDivisionError):  # and the next one probes again
        breaker.is_closed()
