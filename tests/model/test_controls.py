"""Positive controls: each planted bug is found, or the test that misses it is worth nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from models import ledger
from models.audit import audit_sale
from models.live.records import Claim, Decision, Submission
from tasks.intents.drain import finish_claim
from tests.model import bugs_money
from tests.model.bugs import BUGS, BY_CHANCE, BY_INTERLEAVING, PERSISTED_TOO_LATE, PERSISTED_TWICE
from tests.model.bugs_money import BY_WALKING, MONEY_BUGS, RACES
from tests.model.interleaver_money import MoneyInterleaver
from tests.model.planting import (
    PopsFirst,
    SettlesFirst,
    caught,
    caught_by_the_interleaver,
    caught_by_the_machine,
    caught_by_walking,
    forgetful,
    plant,
    take_only,
)
from tests.model.play import World
from tests.model.playing import new_stage
from tests.model.races import race

_STORE_ORDERS = ledger._store_orders


def seldom(names: Iterable[str], *often: str) -> list[Any]:
    """Plant all of these before a release, and a few of them, of different kinds, in every run."""
    return [name if name in often else pytest.param(name, marks=pytest.mark.release) for name in names]


# Of the bugs in one script or function, the first.
FIRST: Final = {bug.where: name for name, bug in reversed((BUGS | MONEY_BUGS).items())}.values()


@pytest.mark.parametrize("name", seldom(BUGS | MONEY_BUGS, *FIRST))
def test_the_model_finds_that(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bug = {**BUGS, **MONEY_BUGS}[name]
    given: dict[str, Any] = {"units": bug.units, "most_holds": bug.most_holds, "has_draw": bug.has_draw}
    take_only(world, bug.steps, **given)
    plant(monkeypatch, bug)
    assert caught(lambda: take_only(world, bug.steps, **given))


@pytest.mark.parametrize("name", seldom(BY_CHANCE, "the line is popped at its end"))
def test_the_machine_comes_upon_that(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant(monkeypatch, BUGS[name])
    assert caught_by_the_machine(world)


@pytest.mark.parametrize(
    "name", seldom(BY_INTERLEAVING, "the line goes before standby", "a settled claim forgets who stands by")
)
def test_the_interleaver_finds_that(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant(monkeypatch, BUGS[name])
    assert caught_by_the_interleaver(world)


@pytest.mark.parametrize(
    "name",
    seldom(RACES, "an ended hold takes what was sold again", "who was refunded meanwhile is noted as home"),
)
def test_a_race_shows_that(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    situation, bug = RACES[name]
    plant(monkeypatch, bug)
    assert caught(lambda: race(world, situation))


@pytest.mark.parametrize("name", seldom(bugs_money.BY_INTERLEAVING, "a charge has a new name each time"))
def test_the_interleaver_finds_at_the_till_that(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plant(monkeypatch, MONEY_BUGS[name])
    assert caught_by_the_interleaver(world, MoneyInterleaver)


@pytest.mark.parametrize("name", seldom(BY_WALKING, "the same success counts twice"))
def test_a_walk_comes_upon_that(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant(monkeypatch, MONEY_BUGS[name])
    assert caught_by_walking(world)


def test_settling_before_persisting_is_found(world: World) -> None:
    assert caught_by_the_interleaver(world, SettlesFirst)


def test_popping_and_deciding_in_two_calls_is_found(world: World) -> None:
    assert caught_by_the_interleaver(world, PopsFirst)


def test_counting_adopted_orders_again_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    take_only(world, PERSISTED_TWICE, units=2)
    monkeypatch.setattr(ledger, "_store_orders", _count_again)
    assert caught(lambda: take_only(world, PERSISTED_TWICE, units=2))
    assert caught_by_the_interleaver(world)


def _count_again(connection: Connection, sale_id: UUID, claim: Claim, held: Sequence[Decision]) -> int:
    """Count the units of orders whether or not they were stored before."""
    _STORE_ORDERS(connection, sale_id, claim, held)
    return sum(one.granted for one in held)


def test_letting_a_claim_from_before_a_rebuild_write_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_only(world, PERSISTED_TOO_LATE)
    unfenced = str(ledger._MOVE_STOCK).replace("AND epoch = :epoch", "AND :epoch <> ''")
    monkeypatch.setattr(ledger, "_MOVE_STOCK", text(unfenced))
    assert caught(lambda: take_only(world, PERSISTED_TOO_LATE))


@pytest.mark.parametrize("is_planted", [False, True])
def test_forgetting_the_units_that_come_back_is_found(world: World, is_planted: bool) -> None:
    stage = new_stage(world, units=2)
    if is_planted:
        forgetful(stage.live)
    sent = [Submission(stage.intent_id(at), user, 1, False) for at, user in enumerate(world.people[:2])]
    stage.live.submit(stage.sale_id, stage.context.sale_cache.by_id(stage.sale_id).epoch, sent)
    claim = stage.live.claim(stage.sale_id, 2).claim
    assert claim is not None
    refused = tuple(replace(one, outcome="sold_out", granted=0) for one in claim.decisions)
    with stage.context.database.connection() as connection:
        ledger.persist_claim(connection, stage.sale_id, replace(claim, decisions=refused))
    assert finish_claim(stage.context, stage.sale_id, claim)
    checks = {
        one.name: one.ok for one in audit_sale(stage.context.database, stage.live, stage.sale_id).checks
    }
    assert checks["stores_agree"] is not is_planted
