"""Redis lost, or older than the ledger: the sale stops, is rebuilt, and goes on where the ledger stands."""

import pytest

from models.enums import SaleStatus
from models.errors import LineUnavailable
from models.live.keys import SaleKeys
from tasks.context import Context
from tasks.intents.drain import finish_claim
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.support.contexts import context_over
from tests.support.shop import SaleUnderTest, Shop


class Snapshot:
    """The live state of a sale as it was, to be put back later: an old copy of Redis' disk."""

    def __init__(self, sale: SaleUnderTest) -> None:
        self._client = sale.context.live.client
        keys = SaleKeys.of(sale.id).whole_state()
        self._kept = {key: self._raw("DUMP", key) for key in keys}

    def restore(self) -> None:
        for key, packed in self._kept.items():
            self._client.delete(key)
            if packed is not None:
                self._client.execute_command("RESTORE", key, 0, packed)  # type: ignore[no-untyped-call]

    def _raw(self, *command: str) -> bytes | None:
        found: bytes | None = self._client.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
        return found


def go_on(sale: SaleUnderTest) -> None:
    """What a person does after the alarm: rebuild, resume."""
    rebuild_sale(sale.context, sale.id)
    if sale.row().status == "paused":
        sale.move(SaleStatus.OPEN)


def test_an_emptied_redis_stops_the_sale(shop: Shop, context: Context) -> None:
    sale = shop.drained_sale(5, asked=3, limit=2)
    context.live.client.flushdb()
    with pytest.raises(LineUnavailable):
        sale.submit(shop.shopper())
    shop.sweep()
    assert sale.row().status == "paused"


def test_a_rebuilt_sale_goes_on_where_the_ledger_stands(shop: Shop, context: Context) -> None:
    sale = shop.drained_sale(5, asked=3, limit=2)
    context.live.client.flushdb()
    shop.sweep()
    go_on(sale)
    look = sale.look()
    assert (look.number("allocation"), look.number("available"), look.number("held")) == (5, 2, 3)
    assert sale.audit().ok
    tickets = [sale.submit(user)["ticket"] for user in shop.shoppers(4)]
    assert tickets == [4, 5, 6, 7]
    sale.drain()
    assert [one.ticket for one in sale.intents() if one.status == "held"] == [1, 2, 3, 4, 5]
    assert sale.audit().ok


def test_an_older_redis_stops_the_sale(shop: Shop) -> None:
    sale = shop.drained_sale(9, asked=3, limit=2)
    old = Snapshot(sale)
    sale.line_up(shop.shoppers(4))
    sale.drain()
    old.restore()
    assert sale.look().number("last_ticket") == 3
    shop.sweep()
    assert sale.row().status == "paused"
    shop.sweep()
    assert sale.look().fields["status"] == "paused"


def test_an_older_redis_stops_the_sale_although_new_tickets_hide_its_age(shop: Shop) -> None:
    sale = shop.drained_sale(9, asked=3, limit=2)
    old = Snapshot(sale)
    sale.line_up(shop.shoppers(2))
    sale.drain()
    old.restore()
    sale.line_up(shop.shoppers(4))
    shop.sweep()
    assert sale.row().status == "paused"


def test_what_an_older_redis_decides_again_is_not_written(shop: Shop) -> None:
    sale = shop.drained_sale(5, asked=3, limit=2)
    old = Snapshot(sale)
    first = sale.line_up(shop.shoppers(2))
    sale.drain()
    old.restore()
    sale.line_up(shop.shoppers(2))
    sale.drain()
    assert [one.id for one in sale.intents()][3:] == first
    assert len(sale.orders()) == sale.row().held == 5
    assert (sale.row().status, sale.look().fields["status"]) == ("paused", "paused")


def test_after_a_rebuild_of_an_older_redis_tickets_are_dense(shop: Shop) -> None:
    sale = shop.drained_sale(9, asked=3, limit=2)
    old = Snapshot(sale)
    sale.line_up(shop.shoppers(4))
    sale.drain()
    old.restore()
    shop.sweep()
    go_on(sale)
    assert [sale.submit(user)["ticket"] for user in shop.shoppers(3)] == [8, 9, 10]
    sale.drain()
    assert [one.ticket for one in sale.intents()] == list(range(1, 11))
    assert sale.row().held == 9
    assert sale.audit().ok


def test_a_claim_from_before_a_rebuild_writes_nothing(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(9)
    sale.line_up(shop.shoppers(3))
    claim = context.live.claim(sale.id, 10).claim
    assert claim is not None
    go_on(sale)
    assert not finish_claim(context, sale.id, claim)
    assert sale.intents() == []
    look = sale.look()
    assert (sale.row().held, look.number("held"), look.number("available")) == (0, 0, 9)
    assert sale.audit().ok


def test_a_rebuild_says_how_many_it_dropped(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(9)
    sale.line_up(shop.shoppers(4))
    assert rebuild_sale(context, sale.id) == 4
    assert sale.look().line_length == 0


def test_a_place_in_a_rebuilt_line_can_be_given_up(shop: Shop) -> None:
    sale = shop.open_sale(9)
    ann = shop.shopper()
    sale.line_up(shop.shoppers(1))
    go_on(sale)
    with context_over(shop.context.settings) as elsewhere:
        (mine,) = SaleUnderTest(elsewhere, sale.id).line_up([ann])
    assert sale.leave(ann, mine)["status"] == "left"
