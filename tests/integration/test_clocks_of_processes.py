"""The clock of all processes is set while they run, and the servers' is right: everything goes on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.set_clock import SetClock, can_set_clocks
from tests.support.shop import Shop
from tests.support.workers import Worker

HOUR_S = 3_600
pytestmark = pytest.mark.skipif(not can_set_clocks(), reason="there is no C compiler")


@pytest.fixture
def clock(tmp_path: Path) -> SetClock:
    return SetClock(tmp_path)


@pytest.fixture
def workers(stores: Stores, clean: None, clock: SetClock) -> Iterator[list[Worker]]:  # noqa: ARG001
    """A worker of each queue that a sale needs, and beat, on the clock that is set."""
    with ExitStack() as ending:
        made = []
        for queue in ("drain", "background"):
            made.append(Worker(stores, queue=queue, variables=clock.environment))
            ending.callback(made[-1].end)
        ending.callback(Worker(stores, is_beat=True, variables=clock.environment).end)
        eventually(lambda: all(worker.is_ready for worker in made))
        yield made


def test_sales_open_are_drained_audited_and_their_holds_expire(
    workers: list[Worker], shop: Shop, clock: SetClock
) -> None:
    for ahead_s in (-HOUR_S, HOUR_S):
        clock.set(ahead_s)
        everything_takes_place(shop, lambda: [worker.text for worker in workers])


def everything_takes_place(shop: Shop, told: Callable[[], object]) -> None:
    """See a sale open by itself, and another's line be drained, its holds expire and its books be audited."""
    scheduled = shop.scheduled_sale(5, opens_in_s=1)
    sale = shop.open_sale(2, hold_seconds=1)
    sale.line_up(shop.shoppers(3))
    eventually(lambda: scheduled.row().status == "open", told=told)
    eventually(lambda: sale.statuses() == ["held"] * 3, told=told)
    eventually(lambda: [order.status for order in sale.orders()] == ["expired"] * 3, told=told)
    eventually(lambda: sale.look().number("audited_ms") > 0, told=told)
