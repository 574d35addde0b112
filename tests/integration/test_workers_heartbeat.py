"""Heartbeats of real workers: who is there and at what, and who was killed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import pytest
from celery import Celery
from flask.testing import FlaskClient
from sqlalchemy import text

from models.live.workers import FORGET_LEFT_MS, FORGET_MS, Beat, Running
from tasks.background.workforce import show_workforce
from tasks.context import Context
from tasks.runtime.celery_app import QUEUES
from tasks.runtime.measures import SUM, TASK, TASKS
from tests.integration.conftest import Account
from tests.support.contexts import RememberingBell, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.workers import Worker
from web.http.services import Services
from workers.heartbeat import Heartbeat

PATH = "/api/v1/admin/workers"
SOON_S = 15.0  # from a worker's death until it is shown: 8 s by design, and what a busy machine takes

Hire = Callable[[str], Worker]


@pytest.fixture
def hire(stores: Stores, clean: None) -> Iterator[Hire]:  # noqa: ARG001
    """Workers of a queue, ready; they end with the test."""
    with ExitStack() as ending:

        def make(queue: str) -> Worker:
            worker = Worker(stores, queue=queue)
            ending.callback(worker.end)
            eventually(lambda: worker.is_ready)
            return worker

        yield make


@pytest.fixture
def told(client: FlaskClient, admin: Account) -> Callable[[], dict[str, Any]]:
    """What an admin is told of the workers."""

    def ask() -> dict[str, Any]:
        answer = client.get(PATH, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.get_json())

    return ask


def state_of(worker: Worker, workforce: dict[str, Any]) -> str | None:
    """How a worker is; None where nobody knows it."""
    states = {one["name"]: one["state"] for one in workforce["workers"]}
    return states.get(f"{worker.name}@tests")


def test_workers_are_shown_and_who_was_killed_is_gone_within_seconds_whoever_is_left(
    hire: Hire, told: Any
) -> None:
    left, *killed = (hire(queue) for queue in ("payments", "background", "drain"))
    eventually(lambda: {state_of(one, told()) for one in (left, *killed)} == {"idle"}, told=told)
    for one in killed:
        one.send(signal.SIGKILL)
    eventually(lambda: {state_of(one, told()) for one in killed} == {"gone"}, SOON_S, told=told)
    assert state_of(left, told()) == "idle"
    assert told()["is_heard"]


def test_a_worker_that_is_told_to_end_says_goodbye(hire: Hire, told: Any) -> None:
    ending = hire("drain")
    eventually(lambda: state_of(ending, told()) == "idle", told=told)
    ending.send(signal.SIGTERM)
    eventually(lambda: state_of(ending, told()) == "stopped", told=told)


def test_what_a_worker_is_at_is_shown_while_it_is_at_it(
    stores: Stores, shop: Shop, hire: Hire, told: Any
) -> None:
    hire("background")
    busy = hire("drain")
    sale = shop.open_sale(3)
    sale.line_up(shop.shoppers(2))
    with shop.context.database.transaction() as session:  # the ledger's row is taken, so that a claim waits
        session.execute(text("SELECT 1 FROM sales WHERE id = :id FOR UPDATE"), {"id": sale.id})
        heard_bell(plain_settings(stores)).ring(sale.id)
        eventually(lambda: state_of(busy, told()) == "busy", told=told)
        [worker] = [one for one in told()["workers"] if one["name"] == f"{busy.name}@tests"]
        assert [task["name"] for task in worker["running"]] == ["drain_sale"]
    eventually(lambda: state_of(busy, told()) == "idle", told=told)
    eventually(lambda: shop.context.live.figures.read()[1].get(f"{TASKS}|drain,drain_sale,success"))
    eventually(lambda: shop.context.live.figures.read()[0])
    name = f"{busy.name}@tests"
    eventually(lambda: {one["name"]: one["processed"] for one in told()["workers"]}[name])


def test_where_no_worker_is_heard_none_is_called_gone_or_ready(parts: Services, told: Any) -> None:
    live = parts.context.live
    at_ms = live.now_ms() - 30_000
    for beat in (
        Beat("gone@here", 1, ["drain"], at_ms - 30_000, False, 5, 0, []),
        Beat("heard@here", 2, ["drain"], at_ms - 500, False, 5, 1, [Running("t1", "sweep", at_ms - 700)]),
        Beat("left@here", 3, ["drain"], at_ms - 600, True, 5, 0, []),
    ):
        live.workers.note(beat)
    told_now = told()
    assert not told_now["is_heard"]
    assert told_now["heard_at"] == told_now["workers"][1]["heard_at"]
    assert [one["state"] for one in told_now["workers"]] == ["gone", "unknown", "stopped"]


def test_the_page_says_when_no_worker_is_heard(client: FlaskClient, admin: Account, parts: Services) -> None:
    live = parts.context.live
    said = 'id="deaf" role="status">No worker was heard'
    assert said in client.get("/admin/workers", headers=admin.headers).text
    live.workers.note(Beat("drain.1@here", 1, ["drain"], live.now_ms(), False, 5, 0, []))
    assert said not in client.get("/admin/workers", headers=admin.headers).text


def test_a_heartbeat_tells_of_tasks_from_their_beginning_to_their_end(context: Context) -> None:
    heartbeat, app = Heartbeat(context.live, context.measures), Celery("tests")
    heartbeat.introduce("drain.1@here", ["drain"])
    heartbeat.listen()
    at_work: list[Beat] = []

    @app.task(name="look")
    def look() -> None:
        heartbeat.beat()
        at_work.extend(context.live.workers.read())
        raise ValueError("It breaks.")

    done = look.apply()
    heartbeat.beat()
    [before], [after] = at_work, context.live.workers.read()
    _, measured = context.live.figures.read()
    assert (measured[f"{TASKS}|,look,failure"], measured[f"{TASK}|look|{SUM}"] > 0) == (1, True)
    assert [(task.task_id, task.name) for task in before.running] == [(done.id, "look")]
    assert before.running[0].since_ms <= before.heard_ms
    assert (before.processed, before.failed) == (1, 0)
    assert (after.running, after.processed, after.failed) == ([], 1, 1)
    assert (after.name, after.queues, after.has_left) == ("drain.1@here", ["drain"], False)
    heartbeat.leave()
    [last] = context.live.workers.read()
    assert last.has_left


@pytest.mark.parametrize(("has_left", "forgotten_ms"), [(False, FORGET_MS), (True, FORGET_LEFT_MS)])
def test_who_was_silent_for_long_is_forgotten(context: Context, has_left: bool, forgotten_ms: int) -> None:
    workers, now_ms = context.live.workers, context.live.now_ms()
    workers.note(Beat("silent@here", 1, ["drain"], now_ms, has_left, 5, 0, []))
    workers.note(Beat("other@here", 2, ["drain"], now_ms + forgotten_ms, False, 5, 0, []))
    assert [one.name for one in workers.read()] == ["other@here", "silent@here"]
    workers.note(Beat("other@here", 2, ["drain"], now_ms + forgotten_ms + 1, False, 5, 0, []))
    assert [one.name for one in workers.read()] == ["other@here"]


def test_queues_are_counted_at_the_broker(stores: Stores, context: Context) -> None:
    bell = heard_bell(plain_settings(stores))
    heard = replace(context, bell=bell)
    before = waiting(show_workforce(heard))
    for _ in range(3):
        bell.ring_for_webhooks()
    workforce = show_workforce(heard)
    assert waiting(workforce) == before | {"payments": before["payments"] + 3}
    assert workforce["broker"] == {"is_reachable": True}
    assert (workforce["is_heard"], workforce["heard_at"], workforce["workers"]) == (False, None, [])


def test_a_broker_that_is_away_is_told_and_asked_only_once(context: Context) -> None:
    bell = AwayBell()
    workforce = show_workforce(replace(context, bell=bell))
    assert workforce["broker"] == {"is_reachable": False}
    assert (set(waiting(workforce).values()), workforce["unacknowledged"]) == ({None}, None)
    assert bell.asked == [QUEUES[0]]


def waiting(workforce: dict[str, Any]) -> dict[str, Any]:
    return {queue["name"]: queue["waiting"] for queue in workforce["queues"]}


class AwayBell(RememberingBell):
    """A bell whose broker does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def unheard(self, queue: str) -> int | None:
        self.asked.append(queue)
        return None
