"""Who does what when: each connection's messages in their order, and nobody waits for another's."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import gevent
from gevent.event import Event

from web.sockets.commands.fair_queue import FairQueue
from web.sockets.commands.worker_pool import (
    MAX_DOUBTFUL_WORKERS,
    MAX_WORKERS,
    Doubtful,
    Step,
    Work,
    WorkerPool,
)
from web.sockets.transport.connection import MAX_INBOX, Connection

ANSWERED, AWAITED = Step.ANSWERED, Step.AWAITED


class Socket:
    """As much of a connection as the pool knows."""

    def __init__(self, *inbox: str) -> None:
        self.inbox = list(inbox)
        self.is_busy = False
        self.taken = 0
        self.ended: list[Any] = []

    @property
    def wants_reading(self) -> bool:
        return len(self.inbox) < MAX_INBOX

    def on_inbox_taken(self) -> None:
        self.taken += 1

    def close(self, code: int, reason: str) -> None:
        self.ended.append((code, reason))
        self.inbox.clear()

    def lose(self) -> None:
        self.ended.append("lost")
        self.inbox.clear()


class Stage:
    """A pool that writes down what it begins, and does with it what the message's first word says."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.at_work = 0
        self.most = 0
        self.gate = Event()
        self.pool = WorkerPool(self._begin)

    def call(self, socket: Socket) -> None:
        self.pool.call(cast(Connection, socket))

    def go_on(self, socket: Socket, step: Step | Work = ANSWERED) -> None:
        self.pool.go_on(cast(Connection, socket), step)

    def dismiss(self, socket: Socket) -> None:
        self.pool.dismiss(cast(Connection, socket), partial(socket.close, 1001, "bye"))

    def _begin(self, _connection: Connection, text: str) -> Step | Work:
        self.begun.append(text)
        steps: dict[str, Callable[[], Step | Work]] = {
            "now": lambda: ANSWERED,
            "await": lambda: AWAITED,
            "work": lambda: self._work,
            "doubt": lambda: Doubtful(self._work),
            "fail": lambda: cast(Step, 1 / 0),
            "fail later": lambda: lambda: cast(Step, 1 / 0),
        }
        return steps[text.partition(":")[0]]()

    def _work(self) -> Step:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        self.gate.wait()
        self.at_work -= 1
        return ANSWERED


def settle() -> None:
    """Let the workers do what they can."""
    for _ in range(20):
        gevent.sleep(0)


def test_what_needs_no_waiting_is_done_at_once() -> None:
    stage, socket = Stage(), Socket("now:1", "now:2")
    stage.call(socket)
    assert stage.begun == ["now:1", "now:2"]
    assert not socket.is_busy


def test_the_next_message_waits_until_the_one_before_is_answered() -> None:
    stage, socket = Stage(), Socket("await", "now:1")
    stage.call(socket)
    socket.inbox.append("await:2")
    stage.call(socket)
    assert stage.begun == ["await"]
    stage.go_on(socket)
    assert stage.begun == ["await", "now:1", "await:2"]
    assert socket.is_busy
    stage.go_on(socket)
    assert not socket.is_busy


def test_it_waits_for_work_as_well_and_others_do_not() -> None:
    stage, socket, other = Stage(), Socket("work", "now:after"), Socket("now:other")
    stage.call(socket)
    settle()
    stage.call(other)
    assert stage.begun == ["work", "now:other"]
    stage.gate.set()
    settle()
    assert stage.begun[-1] == "now:after"
    assert not socket.is_busy


def test_an_awaited_answer_may_need_work() -> None:
    stage, socket = Stage(), Socket("await", "now")
    stage.call(socket)
    stage.go_on(socket, stage._work)
    assert stage.begun == ["await"]
    stage.gate.set()
    settle()
    assert stage.begun == ["await", "now"]


def test_workers_are_bounded_and_what_awaits_takes_none() -> None:
    stage = Stage()
    for _ in range(100):
        stage.call(Socket("await"))
    for _ in range(3 * MAX_WORKERS):
        stage.call(Socket("work"))
    settle()
    assert stage.most == MAX_WORKERS
    stage.gate.set()
    settle()
    assert (stage.most, stage.at_work) == (MAX_WORKERS, 0)


def test_a_full_inbox_is_read_into_again_once_one_is_taken() -> None:
    stage, socket = Stage(), Socket("await", *["now"] * (MAX_INBOX - 1))
    stage.call(socket)
    assert (socket.taken, len(socket.inbox)) == (1, MAX_INBOX - 1)
    stage.go_on(socket)
    assert (socket.taken, socket.inbox) == (1, [])


def test_a_socket_that_is_dismissed_gets_its_answer_first_and_begins_nothing_more() -> None:
    stage, busy, idle = Stage(), Socket("await", "now:never"), Socket()
    stage.call(busy)
    stage.dismiss(busy)
    stage.dismiss(idle)
    assert (busy.ended, idle.ended) == ([], [(1001, "bye")])
    busy.inbox.append("now:late")
    stage.call(busy)
    stage.go_on(busy)
    assert busy.ended == [(1001, "bye")]
    assert stage.begun == ["await"]


def test_a_message_that_nobody_can_handle_ends_its_socket_and_no_other() -> None:
    stage = Stage()
    for text in ("fail", "fail later"):
        broken, sound = Socket(text, "now:never"), Socket("now")
        stage.call(broken)
        settle()
        stage.call(sound)
        assert broken.ended == ["lost"]
        assert not broken.is_busy
        assert sound.ended == []
    assert "now:never" not in stage.begun


def test_doubtful_work_has_few_workers_and_takes_none_from_others() -> None:
    stage = Stage()
    for _ in range(3 * MAX_DOUBTFUL_WORKERS):
        stage.call(Socket("doubt"))
    settle()
    assert stage.most == MAX_DOUBTFUL_WORKERS
    stage.call(Socket("work"))
    settle()
    assert stage.at_work == MAX_DOUBTFUL_WORKERS + 1
    stage.gate.set()
    settle()
    assert stage.at_work == 0


def test_networks_take_turns_and_each_keeps_its_order() -> None:
    turns = FairQueue[str]()
    for work in ("a1", "a2", "a3", "b1", "a4", "c1", "b2"):
        turns.put(work[0], work)
    taken = []
    while turns:
        taken.append(turns.take())
    assert taken == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]
