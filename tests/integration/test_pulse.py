"""The pulse of a sale: one sample a second from all workers together, bounded, gone with the live state."""

from collections.abc import Iterator
from functools import partial

import pytest

from models.enums import SaleStatus
from models.live.keys import SaleKeys
from models.live.pulse import MOST_SAMPLES
from tasks.agenda import read_agenda
from tasks.context import Context
from tasks.runtime.periodic import Periodic
from tasks.sales.pulse import take_pulses
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from tests.support.threads import at_once


@pytest.fixture
def other(stores: Stores, clean: None) -> Iterator[Context]:  # noqa: ARG001
    """Another process' parts."""
    with context_over(plain_settings(stores)) as made:
        yield made


def seconds_of(sale: SaleUnderTest) -> list[int]:
    return [one.at_ms // 1_000 for one in sale.context.live.pulse.read(sale.id)]


def test_two_workers_take_one_sample_a_second(shop: Shop, other: Context) -> None:
    sale = shop.open_sale(3)
    timers = [
        Periodic("pulse", partial(take_pulses, context, [sale.id]), 0.05) for context in (shop.context, other)
    ]
    for timer in timers:
        timer.start()
    eventually(lambda: len(seconds_of(sale)) >= 4)
    for timer in timers:
        timer.stop()
    seconds = seconds_of(sale)
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))


def test_of_many_who_want_the_sample_of_a_second_one_takes_it(shop: Shop) -> None:
    sale = shop.open_sale(3)
    taken = at_once(*[lambda: sale.context.live.pulse.take(sale.id)] * 8)
    assert sum(taken) == len(set(seconds_of(sale))) <= 2  # the second may have ended meanwhile


def test_a_sample_holds_the_figures_of_its_moment(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=3)
    sale.line_up(shop.shoppers(4))
    assert sale.context.live.pulse.take(sale.id)
    [sample] = sale.context.live.pulse.read(sale.id)
    assert (sample.last_ticket, sample.now_serving) == (7, 3)
    assert (sample.available, sample.held, sample.sold) == (0, 2, 0)
    assert (sample.waiting, sample.standby) == (4, 1)


def test_samples_are_bounded_and_end_by_themselves(shop: Shop) -> None:
    sale = shop.open_sale(1)
    client, key = shop.context.live.client, SaleKeys.of(sale.id).pulse
    client.rpush(key, *["1|0|0|1|0|0|0|0"] * (MOST_SAMPLES + 20))
    assert sale.context.live.pulse.take(sale.id)
    assert client.llen(key) == MOST_SAMPLES
    assert 0 < int(client.pttl(key)) <= 3_600_000  # type: ignore[arg-type]


def test_a_pulse_disturbs_neither_the_live_state_nor_the_audit(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=3)
    before = sale.look().fields
    assert sale.context.live.pulse.take(sale.id)
    assert sale.look().fields == before
    audit = sale.audit()
    assert (audit.ok, audit.in_flight) == (True, False)


def test_the_pulse_of_what_moves_is_taken_and_of_nothing_else(shop: Shop) -> None:
    lobby, running, paused = shop.lobby(1), shop.open_sale(1), shop.open_sale(1)
    coming, drained = shop.scheduled_sale(1), shop.open_sale(1)
    paused.move(SaleStatus.PAUSED)
    drained.move(SaleStatus.ENDED)
    shop.sweep()
    assert take_pulses(shop.context, read_agenda(shop.context.database).moving_sales) == 3
    assert [bool(seconds_of(sale)) for sale in (lobby, running, paused, coming, drained)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_sale_without_a_live_side_has_no_pulse(shop: Shop) -> None:
    sale = shop.open_sale(1)
    assert sale.context.live.pulse.take(sale.id)
    shop.context.live.drop(sale.id)
    assert not shop.context.live.client.keys(f"*{sale.id}*")
    assert not sale.context.live.pulse.take(sale.id)
    assert seconds_of(sale) == []
