"""The roster: workers as Celery's events make them known."""

from typing import Any

from models.live.workers import Entry, Roll, Running
from workers.roster import FORGET_LEFT_S, FORGET_S, Roster

NOW_MS = 1_700_000_000_000  # Redis' clock, when the listener's says `NOW`
NOW = 5_000.0


def event(kind: str, at: float = NOW, *, worker: str = "drain.1@here", pid: int = 7, **more: Any) -> Any:
    return {"type": kind, "hostname": worker, "pid": pid, "timestamp": at, "local_received": at, **more}


def task(kind: str, uuid: str = "t1", at: float = NOW, **more: Any) -> Any:
    return event(f"task-{kind}", at, uuid=uuid, clock=int(at * 10), **more)


def heard(*events: Any) -> Roster:
    roster = Roster()
    for one in events:
        roster.hear(one)
    return roster


def entry(roster: Roster, now: float = NOW) -> Entry:
    [found] = roster.entries(now, NOW_MS + round((now - NOW) * 1_000))
    return found


def test_a_worker_is_known_by_its_heartbeat_on_redis_clock() -> None:
    found = entry(heard(event("worker-heartbeat", NOW - 3, processed=12)))
    assert (found.name, found.pid, found.processed, found.failed) == ("drain.1@here", 7, 12, 0)
    assert found.heard_ms == NOW_MS - 3_000
    assert (found.has_left, found.running) == (False, [])


def test_a_task_is_running_from_its_start_to_its_end() -> None:
    begun = [task("received", at=NOW - 9, name="sweep"), task("started", at=NOW - 8)]
    assert entry(heard(*begun)).running == [Running("t1", "sweep", NOW_MS - 8_000)]
    assert entry(heard(*begun, task("succeeded", at=NOW - 1))).running == []


def test_failures_are_counted() -> None:
    ways = [task("started", f"t{n}") for n in range(3)] + [task("failed", f"t{n}") for n in range(2)]
    assert entry(heard(*ways)).failed == 2


def test_a_worker_that_began_anew_runs_nothing_of_what_it_did_before() -> None:
    before = [task("received", at=NOW - 9, name="sweep"), task("started", at=NOW - 8), task("failed", "t2")]
    found = entry(heard(*before, event("worker-online", NOW - 1, pid=8, processed=0)))
    assert (found.pid, found.running, found.failed, found.processed) == (8, [], 0, 0)
    found = entry(
        heard(*before, event("worker-online", NOW - 1, processed=0))
    )  # a container's pid is the same
    assert found.running == []


def test_what_a_worker_does_is_seen_after_its_clock_was_set_back() -> None:
    began = event("worker-online", NOW - 5)
    later = [
        task("received", at=NOW - 3_600, name="sweep", local_received=NOW),
        task("started", at=NOW - 3_600, local_received=NOW),
    ]
    assert [one.name for one in entry(heard(began, *later)).running] == ["sweep"]


def test_a_worker_that_said_goodbye_is_soon_forgotten_and_a_silent_one_later() -> None:
    left = heard(event("worker-heartbeat", NOW - 5), event("worker-offline", NOW))
    assert entry(left).has_left
    assert left.entries(NOW + FORGET_LEFT_S + 1, NOW_MS) == []
    silent = heard(event("worker-heartbeat", NOW))
    assert len(silent.entries(NOW + FORGET_S - 1, NOW_MS)) == 1
    assert silent.entries(NOW + FORGET_S + 1, NOW_MS) == []


def test_another_listener_goes_on_with_who_fell_silent_before_it_came() -> None:
    gone = Entry("drain.2@here", 9, NOW_MS - 60_000, False, 40, 1, [Running("t9", "sweep", NOW_MS - 61_000)])
    known = Entry("drain.1@here", 7, NOW_MS - 4_000, False, 3, 2, [])
    roster = heard(event("worker-heartbeat", NOW, processed=5))
    roster.adopt([gone, known], NOW, NOW_MS)
    first, second = roster.entries(NOW, NOW_MS)
    assert (first.processed, first.failed, first.heard_ms) == (5, 2, NOW_MS)
    assert second == gone


def test_a_roll_is_read_as_it_was_written() -> None:
    running = [Running("t9", "sweep", NOW_MS)]
    roll = Roll(NOW_MS, "here:1", [Entry("a@b", 1, NOW_MS, True, 2, 3, running)])
    assert Roll.unpack(roll.pack().decode()) == roll
