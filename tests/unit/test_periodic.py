"""A periodic thread: it goes on after failures, ends when it is stopped, also by its own work."""

import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from models.errors import LedgerUnavailable
from tasks.runtime.periodic import Periodic

WAIT_S = 20.0  # ends a test that hangs; it times nothing


class Work:
    """Fails in the ways that it is told to, one a time, and tells when all is over."""

    def __init__(self, *failures: Exception) -> None:
        self._failures: Iterator[Exception] = iter(failures)
        self.is_over = threading.Event()

    def __call__(self) -> None:
        for failure in self._failures:
            raise failure
        self.is_over.set()


def test_work_that_fails_is_done_again_and_the_failure_is_logged() -> None:
    work = Work(LedgerUnavailable("away"), RuntimeError("broken"))
    thread = Periodic("watering", work, 0.001, hindered="no_water", failed="can_broke")
    with capture_logs() as logs:
        thread.start()
        assert work.is_over.wait(WAIT_S)
        thread.stop()
        assert thread.join(WAIT_S)
    assert [(one["event"], one["log_level"]) for one in logs] == [
        ("no_water", "warning"),
        ("can_broke", "error"),
    ]


def test_a_stop_does_not_wait_for_the_rest() -> None:
    thread = Periodic("watering", Work(), 3_600)
    thread.start()
    thread.stop()
    assert thread.join(WAIT_S)


def test_at_once_means_before_the_first_rest() -> None:
    work = Work()
    thread = Periodic("watering", work, 3_600, is_at_once=True)
    thread.start()
    assert work.is_over.wait(WAIT_S)
    thread.stop()
    assert thread.join(WAIT_S)


def test_the_work_itself_may_end_the_thread() -> None:
    done: list[None] = []

    def once() -> None:
        done.append(None)
        thread.stop()

    thread = Periodic("watering", once, 0.001)
    thread.start()
    assert thread.join(WAIT_S)
    assert len(done) == 1


def test_one_that_never_began_has_nothing_to_wait_for() -> None:
    thread = Periodic("watering", pytest.fail, 0.001)
    thread.stop()
    assert thread.join(WAIT_S)
