"""A rebuild lays the whole live side as it was, from the ledger alone, and leaves nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from models.enums import SaleStatus
from models.errors import NoSuchSale
from models.live.keys import SaleKeys
from tasks.orders.holds import cancel_order
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.support.paying import Till
from tests.support.shop import SaleUnderTest, Shop

# What a rebuild resets: the epoch, traces of work, and the pace as it was observed.
ANEW = ("epoch", "moves", "bell_ms", "pace_start_ms", "pace_count", "pace_milli", "bucket", "bucket_ms")


def live_side(sale: SaleUnderTest) -> dict[str, Any]:
    """Read everything that is in Redis about a sale."""
    keys, client = SaleKeys.of(sale.id), sale.context.live.client
    state = cast(dict[str, str], client.hgetall(keys.state))
    hashes = {
        name: client.hgetall(getattr(keys, name))
        for name in ("intents", "active", "units", "claimed", "adjustments", "holds", "sold", "late")
    }
    return {
        **hashes,
        "state": {name: value for name, value in state.items() if name not in ANEW},
        "line": client.lrange(keys.line, 0, -1),
        "claims": client.zrange(keys.claims, 0, -1),
        "standby": client.zrange(keys.standby, 0, -1, withscores=True),
        "needs": client.zrange(keys.needs, 0, -1, withscores=True),
        "lobby": client.zrange(keys.lobby, 0, -1, withscores=True),
        "departed": client.lrange(keys.departed, 0, -1),
    }


def litter(sale: SaleUnderTest) -> None:
    """Leave in every key what the ledger knows nothing of."""
    keys, client = SaleKeys.of(sale.id), sale.context.live.client
    for listed in (keys.line, keys.departed):
        client.rpush(listed, "ghost")
    for scored in (keys.claims, keys.standby, keys.lobby, keys.needs):
        client.zadd(scored, {"ghost": 1})
    others = (keys.line, keys.departed, keys.claims, keys.standby, keys.lobby, keys.needs)
    for key in set(keys.whole_state()) - set(others):
        client.hset(key, "ghost", "1")


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """A sale of 7 units: held, paying and paid; three stand by, one of whom holds too."""
    sale, till = shop.open_sale(7, limit=5), Till.over(shop.context)
    people = shop.shoppers(4)
    for user, quantity in zip(people, (1, 2, 3, 1), strict=True):
        sale.submit(user, quantity=quantity)
    sale.drain()
    orders = {order.user_id: order for order in sale.orders()}
    till.begin(orders[people[1]])
    till.pay(orders[people[2]])
    till.begin(orders[people[3]])
    for user, quantity in ((people[0], 3), (shop.shopper(), 4), (shop.shopper(), 2)):
        sale.submit(user, quantity=quantity, accept_fewer=False)
    sale.drain()
    assert sale.statuses() == ["held"] * 4 + ["standby"] * 3
    return sale


@pytest.mark.parametrize("is_lost", [True, False], ids=["redis-lost", "redis-littered"])
def test_a_rebuilt_live_side_is_as_it_was(shop: Shop, sale: SaleUnderTest, is_lost: bool) -> None:
    before = live_side(sale)
    assert [len(before[name]) for name in ("holds", "sold", "standby", "units")] == [3, 1, 3, 6]
    if is_lost:
        shop.context.live.client.flushdb()
    else:
        litter(sale)
    rebuild_sale(shop.context, sale.id)
    assert live_side(sale) == before
    assert sale.audit().ok


def test_a_rebuilt_line_knows_who_would_do_with_fewer(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=2, limit=4)
    sale.submit(shop.shopper(), quantity=4, accept_fewer=True)
    sale.submit(shop.shopper(), quantity=2)
    sale.drain()
    assert sale.statuses()[2:] == ["standby"] * 2
    before = live_side(sale)
    shop.context.live.client.flushdb()
    rebuild_sale(shop.context, sale.id)
    assert live_side(sale) == before
    needs = [sale.look().number(f"standby_{which}_need") for which in ("min", "max")]
    assert needs == [1, 2]
    cancel_order(shop.context, sale.orders()[0].user_id, sale.orders()[0].id)
    sale.drain()
    assert sale.statuses()[2:] == ["held", "standby"]


def test_a_rebuild_begins_a_new_epoch_and_the_sweeps_take_the_sale_up_again(shop: Shop) -> None:
    sale = shop.open_sale(2)
    sale.move(SaleStatus.ENDED)
    shop.sweep()
    before = sale.row()
    assert before.drained_at is not None
    rebuild_sale(shop.context, sale.id)
    after = sale.row()
    assert (after.drained_at, sale.look().fields["epoch"]) == (None, after.epoch)
    assert after.epoch != before.epoch


def test_a_rebuild_closes_what_is_pending_of_its_sale_and_nothing_else(shop: Shop) -> None:
    sale, other = shop.open_sale(9), shop.open_sale(9)
    sale.change(allocation=8)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    sale.sql("UPDATE adjustments SET finished_at = :at WHERE sale_id = :sale_id", at=long_ago)
    for one in (sale, other):
        for units in (-2, 3):
            one.sql(PENDING, units=units)
    sale.sql("UPDATE sales SET allocation = allocation + 3 WHERE id = :sale_id")
    rebuild_sale(shop.context, sale.id)
    assert adjustments(sale) == [(-2, "refused", False), (-1, "applied", True), (3, "applied", False)]
    assert adjustments(other) == [(-2, "pending", False), (3, "pending", False)]
    assert sale.look().number("allocation") == sale.row().allocation == 11


PENDING = "INSERT INTO adjustments (id, sale_id, units) VALUES (gen_random_uuid(), :sale_id, :units)"


def adjustments(sale: SaleUnderTest) -> list[tuple[int, str, bool]]:
    """List a sale's adjustments: units, state, and whether it was finished long ago."""
    with sale.context.database.connection() as connection:
        rows = connection.exec_driver_sql(
            "SELECT units, state, coalesce(finished_at < now() - interval '1 hour', false)"
            " FROM adjustments WHERE sale_id = %(sale_id)s ORDER BY units",
            {"sale_id": sale.id},
        )
        return [tuple(row) for row in rows]


def test_there_is_nothing_to_rebuild_of_no_sale(shop: Shop) -> None:
    with pytest.raises(NoSuchSale):
        rebuild_sale(shop.context, shop.product())
