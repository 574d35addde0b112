"""The request to stop."""

import os
import signal
from collections.abc import Iterator

import pytest

from deploy.run.stopping import SIGNALS, Stopping


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_one_signal_asks_and_a_second_one_presses(number: signal.Signals) -> None:
    stopping = Stopping()
    seen = [(stopping.is_asked, stopping.is_pressed)]
    for _ in range(2):
        os.kill(os.getpid(), number)
        seen.append((stopping.is_asked, stopping.is_pressed))
    assert seen == [(False, False), (True, False), (True, True)]


def test_a_hang_up_that_was_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopping = Stopping()
    os.kill(os.getpid(), signal.SIGHUP)
    assert not stopping.is_asked


def test_an_interrupt_that_a_shell_ignored_for_its_background_counts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = Stopping()
    os.kill(os.getpid(), signal.SIGINT)
    assert stopping.is_asked
