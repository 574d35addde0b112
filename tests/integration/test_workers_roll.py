"""The roll of the workers, by real workers' own events: who is there and at what, and who was killed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import text

from models.live.workers import Entry, Roll, Running
from tasks.background.workforce import show_workforce
from tasks.context import Context
from tasks.runtime.celery_app import QUEUES
from tests.integration.conftest import Account
from tests.support.contexts import RememberingBell, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.workers import Worker
from web.http.services import Services

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


def is_known(worker: Worker, told: Any) -> bool:
    """Whether it was heard of."""
    return state_of(worker, told()) is not None


def test_workers_are_shown_and_one_that_was_killed_is_gone_within_seconds(hire: Hire, told: Any) -> None:
    listening, killed = hire("background"), hire("drain")
    eventually(lambda: state_of(listening, told()) == state_of(killed, told()) == "idle", told=told)
    killed.send(signal.SIGKILL)
    eventually(lambda: state_of(killed, told()) == "gone", SOON_S, told=told)
    assert state_of(listening, told()) != "gone"
    assert told()["is_heard"]


def test_a_worker_that_is_told_to_end_says_goodbye(hire: Hire, told: Any) -> None:
    hire("background")
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
    name = f"{busy.name}@tests"
    eventually(lambda: {one["name"]: one["processed"] for one in told()["workers"]}[name])


def test_another_listener_goes_on_when_one_is_killed(hire: Hire, told: Any) -> None:
    first = hire("background")
    eventually(lambda: state_of(first, told()) in ("idle", "busy"), told=told)
    second = hire("background")
    eventually(lambda: state_of(second, told()) in ("idle", "busy"), told=told)
    first.send(signal.SIGKILL)
    eventually(lambda: state_of(first, told()) == "gone", told=told)
    assert told()["is_heard"]


def test_listeners_that_died_leave_nothing_in_the_broker(stores: Stores, hire: Hire, told: Any) -> None:
    for _ in range(3):
        listening = hire("background")
        eventually(partial(is_known, listening, told), told=told)
        listening.send(signal.SIGKILL)
        listening.process.wait()
    last = hire("background")
    eventually(lambda: state_of(last, told()), told=told)
    with redis.Redis(unix_socket_path=str(stores.redis.socket_path), db=1, decode_responses=True) as broker:
        kept = {key: broker.type(key) for key in broker.scan_iter("*celeryev*")}
        assert "list" not in kept.values()
        assert kept.get("_kombu.binding.celeryev") == "set"
        assert broker.scard("_kombu.binding.celeryev") == 1


def test_where_nobody_listens_no_worker_is_called_gone_or_ready(parts: Services, told: Any) -> None:
    live = parts.context.live
    now_ms = live.now_ms()
    at_ms = now_ms - 60_000
    workers = [
        Entry("gone@here", 1, at_ms - 30_000, False, 5, 0, []),
        Entry("heard@here", 2, at_ms - 500, False, 5, 1, [Running("t1", "sweep", at_ms - 700)]),
        Entry("left@here", 3, at_ms - 500, True, 5, 0, []),
    ]
    live.roll.write(Roll(at_ms, "elsewhere:1", workers))
    told_now = told()
    assert not told_now["is_heard"]
    assert [one["state"] for one in told_now["workers"]] == ["gone", "unknown", "stopped"]


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


@pytest.mark.parametrize("path", [PATH, "/admin/workers"])
def test_only_admins_see_the_workers(
    client: FlaskClient, admin: Account, shopper: Account, path: str
) -> None:
    assert client.get(path).status_code == 401
    assert client.get(path, headers=shopper.headers).status_code == 403
    assert client.get(path, headers=admin.headers).status_code == 200
