"""Polls that come together make one round trip, each gets its own answer; what is final is remembered."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask.testing import FlaskClient

from models.enums import Role
from models.errors import LedgerUnavailable, LineUnavailable, NotFound
from models.live.records import Found
from models.live.redis import connect
from models.live.store import Live
from tasks.intents import finding, polls
from tasks.intents.polls import Outcome, Shown, polls_of_intents, polls_of_orders
from tests.integration.conftest import MakeAccount
from tests.support.polling import eventually
from tests.support.problems import assert_problem
from tests.support.shop import Shop
from web.http.services import Services

ROLES = (Role.SHOPPER, Role.SHOPPER, Role.ADMIN)


class GatedLive(Live):
    """Counts who is asked for in a round trip, and holds answers back."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(connect(redis_url))
        self.batches: list[int] = []
        self.gate = threading.Event()

    def find_each(self, sale_id: UUID, intent_ids: Sequence[str]) -> dict[str, Found]:
        self.batches.append(len(intent_ids))
        assert self.gate.wait(20)
        return super().find_each(sale_id, intent_ids)


def away(*_: Any, **__: Any) -> Any:
    raise LineUnavailable("away")


def status_of(outcome: Outcome) -> Any:
    return orjson.loads(outcome.packed)["status"] if isinstance(outcome, Shown) else type(outcome)


def test_polls_that_come_together_share_a_round_trip_and_each_gets_the_own_answer(
    shop: Shop, redis_url: str
) -> None:
    sale, people, live = shop.open_sale(1), shop.shoppers(6), GatedLive(redis_url)
    held, standby = sale.line_up(people[:2])
    sale.drain()
    queued = sale.line_up(people[2:])
    unknown = UUID(int=held.int + 1)
    asked = [queued[0], held, standby, unknown, *queued[1:], held]
    reading = polls_of_intents(replace(shop.context, live=live))
    told: dict[int, Outcome] = {}
    for at, one in enumerate(asked):
        assert reading.find_later(one, partial(told.__setitem__, at)) is None
        eventually(lambda: live.batches)
    live.gate.set()
    eventually(lambda: len(told) == len(asked))
    assert live.batches == [1, len(set(asked)) - 1]
    assert [status_of(told[at]) for at in range(len(asked))] == [
        *("queued", "held", "standby", NotFound, "queued", "queued", "queued", "held")
    ]
    owners = dict(zip((held, standby, *queued), people, strict=True))
    shown = [one for one in map(told.get, range(len(asked))) if isinstance(one, Shown)]
    assert [one.owner for one in shown] == [owners[one] for one in asked if one != unknown]


def test_a_verdict_is_remembered_and_stays_its_owners(
    client: FlaskClient,
    parts: Services,
    shop: Shop,
    make_account: MakeAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sale, shopper, other, admin = shop.open_sale(1), *(make_account(role) for role in ROLES)
    [intent] = sale.line_up([shopper.id])
    path = f"/api/v1/intents/{intent}"
    assert client.get(path, headers=shopper.headers).get_json()["status"] == "queued"
    sale.drain()
    verdict = client.get(path, headers=shopper.headers)
    assert verdict.get_json()["status"] == "held"
    monkeypatch.setattr(parts.live, "find_each", away)
    for who in (shopper, admin):
        assert client.get(path, headers=who.headers).get_data() == verdict.get_data()
    assert_problem(client.get(path, headers=other.headers), 404, code="not_found")


def test_who_left_is_remembered_when_the_ledger_knows_it(shop: Shop) -> None:
    """Until then the line tells it, and a rebuild without it would not."""
    sale, [ann] = shop.open_sale(), shop.shoppers(1)
    [intent] = sale.line_up([ann])
    sale.leave(ann, intent)
    reading = polls_of_intents(shop.context)
    before = reading.find(intent)
    sale.drain()
    after = reading.find(intent)
    assert (status_of(before), before.is_final) == ("left", False)
    assert (status_of(after), after.is_final) == ("left", True)
    assert reading.find_later(intent, lambda _: None) is after


def test_only_so_many_verdicts_are_remembered(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "MOST_REMEMBERED", 2)
    sale = shop.open_sale()
    intents = sale.line_up(shop.shoppers(3))
    sale.drain()
    reading = polls_of_intents(shop.context)
    for one in intents:
        reading.find(one)
    monkeypatch.setattr(shop.context.live, "find_each", away)
    monkeypatch.setattr(finding, "stored_intents", lambda *_: {})
    assert [status_of(reading.find(one)) for one in intents[1:]] == ["held", "held"]
    with pytest.raises(LineUnavailable):
        reading.find(intents[0])


def test_while_the_ledger_is_away_those_in_line_are_told_and_the_others_that_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_ledger(*_: Any) -> Any:
        raise LedgerUnavailable("away")

    sale, people = shop.open_sale(), shop.shoppers(2)
    [decided] = sale.line_up(people[:1])
    sale.drain()
    [queued] = sale.line_up(people[1:])
    monkeypatch.setattr(finding, "stored_intents", no_ledger)
    found = finding.find_intents(shop.context, sale.row().number, [decided, queued])
    assert isinstance(found[0], LedgerUnavailable)
    assert isinstance(found[1], finding.Located)
    assert found[1].message["status"] == "queued"


def test_orders_are_polled_together_and_never_remembered(shop: Shop) -> None:
    sale, people = shop.open_sale(), shop.shoppers(2)
    sale.line_up(people)
    sale.drain()
    orders, reading = {one.user_id: one.id for one in sale.orders()}, polls_of_orders(shop.context)
    shown = {who: reading.find(orders[who]) for who in people}
    assert [shown[who].owner for who in people] == people
    sale.sql("UPDATE orders SET status = 'cancelled' WHERE sale_id = :sale_id")
    assert [status_of(shown[who]) for who in people] == ["held", "held"]
    assert [status_of(reading.find(orders[who])) for who in people] == ["cancelled", "cancelled"]
    with pytest.raises(NotFound):
        reading.find(uuid.uuid4())
