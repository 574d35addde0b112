"""Strong mode: Redis is emptied or goes back in time, and everybody who was told stands there again."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from models.audit.checks import Check
from models.enums import SaleStatus
from models.errors import AlreadyInLine, LineUnavailable
from tasks.context import Context
from tests.integration.test_sales_rebuild import Snapshot
from tests.support.contexts import context_over, plain_settings
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop


@pytest.fixture
def strong(stores: Stores, clean: None) -> Iterator[Shop]:  # noqa: ARG001
    with context_over(replace(plain_settings(stores), intent_journal="postgres")) as context:
        yield Shop(context)


def recovered(shop: Shop, sale: SaleUnderTest) -> None:
    """Sweep until the sale was stopped and rebuilt, as sweeps do within seconds."""
    shop.sweep()
    assert sale.row().status == SaleStatus.PAUSED
    sale.sql("UPDATE sales SET stopped_at = now() - interval '2 s' WHERE id = :sale_id")
    shop.sweep()


def broken(sale: SaleUnderTest) -> list[Check]:
    return [one for one in sale.audit().checks if not one.ok]


def told(sale: SaleUnderTest, intents: list[str]) -> list[int]:
    return [sale.context.live.find_each(sale.id, intents)[one].intent.ticket for one in intents]


def test_an_emptied_redis_loses_nobody(strong: Shop) -> None:
    sale, users = strong.open_sale(3), strong.shoppers(6)
    sale.submit(users[0])
    sale.drain()
    answers = [sale.submit(user, key=f"k{user}") for user in users[1:]]
    sale.leave(users[2], UUID(answers[1]["id"]))
    sale.context.live.client.flushdb()
    recovered(strong, sale)
    assert sale.row().status == SaleStatus.OPEN
    assert told(sale, [one["id"] for one in answers]) == [2, 3, 4, 5, 6]
    assert sale.submit(users[1], key=f"k{users[1]}")["id"] == answers[0]["id"]
    with pytest.raises(AlreadyInLine):
        sale.submit(users[3])
    assert not broken(sale)
    assert sale.submit(strong.shopper())["ticket"] == 7
    sale.drain()
    assert sale.statuses() == ["held", "held", "left", "held", "standby", "standby", "standby"]
    assert not broken(sale)


@pytest.mark.parametrize("order", ["fifo", "draw"])
@pytest.mark.parametrize("is_open", [False, True])
def test_a_lobby_is_whole_again(strong: Shop, order: str, is_open: bool) -> None:
    sale, users = strong.lobby(3, order=order), strong.shoppers(8)
    answers = [sale.submit(user) for user in users]
    sale.leave(users[0], UUID(answers[0]["id"]))
    strong.sweep()
    if is_open:
        sale.move(SaleStatus.OPEN)
        later = sale.submit(strong.shopper())
        assert later["ticket"] == 8
    sale.context.live.client.flushdb()
    recovered(strong, sale)
    assert sale.look().line_length == 7 + is_open
    if not is_open:
        assert sale.row().status == SaleStatus.SCHEDULED
        sale.move(SaleStatus.OPEN)
    sale.drain()
    assert sorted(sale.statuses()) == ["held"] * 3 + ["standby"] * (4 + is_open)
    assert not broken(sale)


def test_a_redis_that_went_back_gives_no_ticket_twice_and_the_sale_goes_on(strong: Shop) -> None:
    sale, users = strong.open_sale(9), strong.shoppers(4)
    sale.submit(users[0])
    lagging = Snapshot(sale)
    tickets = [sale.submit(user)["ticket"] for user in users[1:3]]
    lagging.restore()
    with pytest.raises(LineUnavailable):
        sale.submit(users[3])
    recovered(strong, sale)
    tickets.append(sale.submit(users[3])["ticket"])
    assert len(set(tickets)) == 3
    sale.drain()
    assert [one.user_id for one in sale.intents()] == users
    assert not broken(sale)


def test_whose_claim_got_lost_stands_by_before_the_line(strong: Shop) -> None:
    sale, users = strong.open_sale(9), strong.shoppers(4)
    for user in users:
        sale.submit(user)
    live = sale.context.live
    live.claim(sale.id, 1)
    sale.drain()  # the others; the first one's claim is never stored
    live.client.flushdb()
    recovered(strong, sale)
    sale.drain()
    assert sale.statuses() == ["held"] * 4
    assert not broken(sale)


def test_without_a_journal_it_goes_on_by_itself_where_everybody_was_decided(
    shop: Shop, context: Context
) -> None:
    decided, waited = shop.open_sale(2), shop.open_sale(2)
    for sale in (decided, waited):
        sale.line_up(shop.shoppers(2))
        sale.drain()
    waited.line_up(shop.shoppers(1))
    shop.sweep()
    context.live.client.flushdb()
    for sale in (decided, waited):
        recovered(shop, sale)
    assert decided.submit(shop.shopper())["ticket"] == 3
    assert waited.row().status == SaleStatus.PAUSED
