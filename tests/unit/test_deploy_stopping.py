"""The request to stop."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator

import pytest

from deploy.run.stopping import SIGNALS, Stopping

WAIT_S = 20.0  # ends a test that hangs; it times nothing


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


def test_a_signal_and_the_end_of_a_child_wake_who_waits_for_them() -> None:
    stopping = Stopping()
    for wake in (lambda: os.kill(os.getpid(), signal.SIGTERM), lambda: subprocess.run(["true"], check=True)):
        wake()
        assert select.select([stopping.wakes], [], [], WAIT_S)[0]
        stopping.note_wake()
        assert not select.select([stopping.wakes], [], [], 0)[0]
