"""Each kind of work that a worker does without its broker has one thread, so that none waits for another."""

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tasks.context import Context
from tasks.due_work import DUE, Work
from tasks.runtime.celery_app import PAYMENTS
from tests.support.polling import eventually
from workers.stand_in import StandIn


class Broker:
    """A bell whose broker is away, or answers."""

    def __init__(self) -> None:
        self.waiting: int | None = None

    def unheard(self, queue: str) -> int | None:  # noqa: ARG002 - of whichever it is
        return self.waiting


def test_what_hangs_is_begun_once_and_keeps_nothing_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()
    done: list[str] = []

    def hang(_: Context) -> None:
        begun.release()
        go_on.wait()

    work = {"hangs": Work(hang, 0), "goes on": Work(lambda _: done.append("once more"), 0)}
    monkeypatch.setitem(cast(Any, DUE), PAYMENTS, work)
    broker = Broker()
    parts = {"bell": broker, "breaker": SimpleNamespace(is_closed=lambda: True)}
    ownership = SimpleNamespace(require=lambda: None)
    stand_in = StandIn(cast(Context, SimpleNamespace(**parts, ownership=ownership)), period_s=0.01)
    stand_in.serve([PAYMENTS])
    stand_in.start()
    try:
        eventually(lambda: len(done) >= 3)
        assert begun.acquire(blocking=False)
        assert not begun.acquire(blocking=False)
    finally:
        go_on.set()
        stand_in.stop()
    broker.waiting = 0
    stand_in.join(5)
    so_far = len(done)
    stand_in._look()
    assert len(done) == so_far
