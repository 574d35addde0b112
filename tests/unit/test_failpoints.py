"""Failpoints: armed by name and count, silent otherwise."""

import os
import signal
from collections.abc import Iterator

import pytest

from config import ConfigurationError
from tasks.runtime.failpoints import Failed, arm, failpoint


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm("")


def test_an_unarmed_place_is_passed() -> None:
    failpoint("claimed")


def test_it_fails_at_the_nth_passage_and_only_there() -> None:
    arm("claimed:3:raise")
    failpoint("claimed")
    failpoint("persisted")
    failpoint("claimed")
    with pytest.raises(Failed, match="claimed"):
        failpoint("claimed")
    failpoint("claimed")


@pytest.mark.parametrize(("action", "number"), [("kill", signal.SIGKILL), ("stop", signal.SIGSTOP)])
def test_it_sends_this_process_a_signal(
    monkeypatch: pytest.MonkeyPatch, action: str, number: signal.Signals
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, what: sent.append((pid, what)))
    arm(f"settled:1:{action}")
    failpoint("settled")
    assert sent == [(os.getpid(), number)]


def test_arming_again_forgets_what_was_armed() -> None:
    arm("claimed:1:raise")
    arm("")
    failpoint("claimed")


@pytest.mark.parametrize("bad", ["claimed", "claimed:1", "claimed:x:kill", "a:1:explode", "::", "a:-1:kill"])
def test_what_is_no_failpoint_is_refused(bad: str) -> None:
    with pytest.raises(ConfigurationError):
        arm(bad)
