"""A replica that was behind becomes the master, before a sale opens and after: the cost in each mode."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models.enums import SaleStatus
from models.errors import SaleNotOpen, Unavailable
from models.messages import Message
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.integration.test_redis_by_sentinel import settings_at
from tests.support.contexts import context_over
from tests.support.polling import eventually
from tests.support.sentinels import Watched
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

pytestmark = pytest.mark.release

IN_STEP, BEHIND, UNITS = 20, 40, 30
MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "replicas": {"replicas_required": 1},
    "strong": {"intent_journal": "postgres"},
}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    servers = Watched(tmp_path)
    yield servers
    servers.kill()


def asked(sale: SaleUnderTest, users: list[UUID]) -> list[Message]:
    """Have each ask; returns what those were told who were not refused."""
    told = []
    for user in users:
        try:
            told.append(sale.submit(user))
        except (Unavailable, SaleNotOpen):
            continue
    return told


def goes_on(shop: Shop, sale: SaleUnderTest, user: UUID) -> Message | None:
    """Sweep as workers do, and have somebody ask."""
    try:
        shop.sweep()
        return sale.submit(user)
    except (Unavailable, SaleNotOpen):
        return None


def missing(sale: SaleUnderTest, told: list[Message]) -> int:
    """Count those who were told and stand nowhere any more."""
    known = {str(one.id) for one in sale.intents()}
    known |= sale.context.live.find_each(sale.id, [one["id"] for one in told]).keys()
    return sum(one["id"] not in known for one in told)


@pytest.mark.parametrize("is_open", [False, True], ids=["lobby", "open"])
@pytest.mark.parametrize("mode", MODES)
def test_a_replica_that_lags_takes_over(
    stores: Stores,
    clean: None,  # noqa: ARG001
    watched: Watched,
    *,
    mode: str,
    is_open: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with context_over(settings_at(stores, watched, **MODES[mode])) as context:
        shop = Shop(context)
        sale = shop.open_sale(UNITS) if is_open else shop.lobby(UNITS, order="draw")
        told = asked(sale, shop.shoppers(IN_STEP))
        shop.sweep()
        assert len(told) == IN_STEP
        eventually(watched.is_in_step)
        if is_open and mode != "plain":
            context.live.claim(sale.id, 1)  # which tells that the replica has all of them
        watched.cut_off_replica()
        told += asked(sale, shop.shoppers(BEHIND))
        if is_open and mode != "plain":
            sale.drain()  # of which the replica hears nothing either
        shop.sweep()
        assert len(told) == (IN_STEP if mode == "replicas" else IN_STEP + BEHIND)
        old, began = watched.master, time.monotonic()
        watched.fail_over()
        old.start()  # as the new master's replica, which `replicas` needs
        if mode == "plain":
            by_hand(shop, sale)
        after = eventually(lambda: goes_on(shop, sale, shop.shopper()))
        stood_still_s = time.monotonic() - began
        lost = missing(sale, told)
        with capsys.disabled():
            print(f"{mode}, open: {is_open}: {lost} of {len(told)} lost, {stood_still_s:.1f} s")  # noqa: T201 - it is what is asked for
        assert lost == (len(told) if mode == "plain" else 0)
        assert after is not None
        assert after["ticket"] not in [one["ticket"] for one in told]
        if not is_open:
            sale.move(SaleStatus.OPEN)
        sale.drain()
        assert sale.row().held <= UNITS
        assert not [one for one in sale.audit().checks if not one.ok]


def by_hand(shop: Shop, sale: SaleUnderTest) -> None:
    """What a person does once the sale was stopped; the audit says before how many are gone."""

    def is_stopped() -> bool:
        shop.sweep()
        return sale.row().status == SaleStatus.PAUSED

    eventually(is_stopped)
    whole = next(one for one in sale.audit().checks if one.name == "line_is_whole")
    assert whole.figures["lost_at_least"] == BEHIND
    rebuild_sale(shop.context, sale.id)
    if sale.row().status == SaleStatus.PAUSED:
        sale.move(SaleStatus.OPEN)
