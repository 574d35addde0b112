"""The pace with real workers: decisions a second and open holds stay in bounds, with one worker or four."""

from bisect import bisect_left, bisect_right

import pytest

from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from tests.support.workers import working

RATE = 50  # decisions a second
BURST_S = 0.25  # for so long decisions may have gathered
ASKED = 120


def decided_at(sale: SaleUnderTest) -> list[float]:
    """Seconds on Redis' clock, ascending."""
    return sorted(intent.decided_at.timestamp() for intent in sale.intents() if intent.decided_at)


@pytest.mark.parametrize("count", [1, 4])
def test_no_second_has_more_decisions_than_the_rate_allows(shop: Shop, stores: Stores, count: int) -> None:
    sale = shop.open_sale(units=500, rate_per_second=RATE)
    sale.line_up(shop.shoppers(ASKED))
    with working(stores, count):
        eventually(lambda: len(sale.intents()) == ASKED, told=sale.look)
    times = decided_at(sale)
    for start in times:
        within = bisect_right(times, start + 1.0) - bisect_left(times, start)
        assert within <= RATE * (1 + BURST_S) + 1
    assert sale.audit().ok


def test_open_holds_never_exceed_their_bound(shop: Shop, stores: Stores) -> None:
    sale = shop.open_sale(units=60, max_open_holds=7, hold_seconds=1)
    sale.line_up(shop.shoppers(30))
    seen: list[int] = []

    def all_decided() -> bool:
        seen.append(sale.look().number("open_holds"))
        return len(sale.intents()) == 30

    with working(stores, 2):
        eventually(all_decided, told=sale.look)
    assert max(seen) == 7
    assert sale.audit().ok
