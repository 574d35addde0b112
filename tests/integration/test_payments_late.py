"""Who paid after the hold had gone, step by step: crashes, rebuilds and the sale's end wrong nobody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from models.enums import SaleStatus
from models.live.records import Regained
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.payments import late
from tasks.runtime.failpoints import Failed, arm
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.integration.test_payments_lives import abandoned, figures, sold
from tests.integration.test_payments_races import go_on
from tests.integration.test_sales_rebuild import Snapshot
from tests.support.paying import OK, Till
from tests.support.shop import SaleUnderTest, Shop

STEPS = ["regain_noted", "held_again", "late_decided"]
Meanwhile = Callable[["Late"], None]


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm("")


@dataclass(frozen=True, slots=True)
class Late:
    """A sale, and the order in it that was paid after its hold had gone."""

    shop: Shop
    sale: SaleUnderTest
    till: Till
    order: Order

    @classmethod
    def of(cls, shop: Shop, *, units: int = 1, buyers: int = 1) -> "Late":
        sale, [order, *_] = sold(shop, units=units, buyers=buyers)
        till = Till.over(shop.context)
        abandoned(shop, till, order)
        till.hear(till.payments(order)[0].id, OK)
        return cls(shop, sale, till, order)

    @property
    def payment(self) -> Payment:
        return self.till.payments(self.order)[0]

    @property
    def status(self) -> object:
        return self.till.order(self.order)["status"]

    def drive(self) -> None:
        """Let a worker decide about the payment."""
        self.till.drive(self.payment.id)

    def crash_at(self, step: str) -> None:
        """Let a worker come to this step, and die there."""
        arm(f"{step}:1:raise")
        with pytest.raises(Failed):
            self.drive()

    def rebuild(self) -> None:
        rebuild_sale(self.shop.context, self.sale.id)

    def end(self) -> None:
        self.sale.move(SaleStatus.ENDED)
        self.settle()

    def cancel(self) -> None:
        self.sale.move(SaleStatus.CANCELLED)
        self.settle()

    def lose_redis(self) -> None:
        self.shop.context.live.client.flushdb()

    def settle(self) -> None:
        """Do what sweeps and drains do."""
        self.shop.sweep()
        self.sale.drain()
        self.shop.sweep()

    def somebody_asks(self) -> str:
        """Have a newcomer ask for a unit; returns the verdict."""
        self.sale.line_up([self.shop.shopper()])
        self.sale.drain()
        return self.sale.statuses()[-1]

    def go_on(self) -> None:
        """Do whatever sweeps and workers do until nothing is left to do about the payment."""
        for _ in range(3):
            go_on(self.shop, self.till, self.order)
            self.till.drive_refunds()
            self.settle()
            if self.payment.status != "late" and all(one.status != "pending" for one in self.till.refunds()):
                return

    def require_one_truth(self) -> None:
        """The money is either the price of a unit or given back, never both, and both stores say so."""
        expected = ("succeeded", "paid") if self.status == "paid" else ("refunded", self.status)
        assert (self.payment.status, self.status) == expected
        assert len(self.till.refunds()) == (0 if self.status == "paid" else 1)
        assert self.payment.regain_asked_at is None
        figures(self.sale)


def seldom(step: str, usual: str, *more: object) -> Any:
    """A crash at this step: in every run if it is the usual one, otherwise before a release."""
    return pytest.param(step, *more, marks=[] if step == usual else pytest.mark.release)


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_a_step_of_holding_again_neither_refunds_nor_doubles(shop: Shop, step: str) -> None:
    one = Late.of(shop, units=3)
    one.crash_at(step)
    one.go_on()
    assert (one.status, one.till.refunds()) == ("paid", [])
    one.require_one_truth()
    assert figures(one.sale) == (2, 0, 1)


def test_what_was_taken_for_who_paid_late_stays_taken_when_the_worker_dies(shop: Shop) -> None:
    one = Late.of(shop, units=3)
    one.crash_at("held_again")
    assert one.sale.look().number("available") == 2
    one.sale.line_up(shop.shoppers(2))
    one.sale.drain()
    one.go_on()
    assert one.status == "paid"
    assert figures(one.sale) == (0, 2, 1)


@pytest.mark.parametrize(
    ("step", "redis"),
    [
        *((step, "there") for step in STEPS),
        *(seldom(step, "held_again", redis) for redis in ("older", "lost") for step in STEPS),
    ],
)
def test_a_rebuild_at_a_step_of_holding_again_passes_nobody_over(shop: Shop, step: str, redis: str) -> None:
    one = Late.of(shop)
    old = Snapshot(one.sale)
    one.crash_at(step)
    before = one.somebody_asks()
    if redis == "lost":
        one.lose_redis()
    elif redis == "older":
        old.restore()
    one.rebuild()
    after = one.somebody_asks()
    one.go_on()
    assert [before, after].count("held") + (one.status == "paid") == 1
    assert (before == "held") == (step == "regain_noted"), "Redis had not been asked, so that a unit was free"
    one.require_one_truth()


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_outlives_a_rebuild_passes_nobody_over(
    shop: Shop, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Late.of(shop)
    verdicts: list[str] = []

    def meanwhile(reached: str) -> None:
        if reached == step and not verdicts:
            verdicts.append(one.somebody_asks())
            one.rebuild()
            verdicts.append(one.somebody_asks())

    monkeypatch.setattr(late, "failpoint", meanwhile)
    one.drive()
    one.go_on()
    assert len(verdicts) == 2
    assert verdicts.count("held") + (one.status == "paid") == 1
    one.require_one_truth()


@pytest.mark.parametrize(
    ("step", "turns"),
    [
        seldom(step, usual, turns)
        for usual, turns in (
            ("held_again", [Late.end]),
            ("held_again", [Late.cancel]),
            ("regain_noted", [Late.rebuild, Late.end]),
            ("held_again", [Late.rebuild, Late.cancel]),
            ("late_decided", [Late.end, Late.rebuild]),
            ("held_again", [Late.cancel, Late.rebuild]),
            ("regain_noted", [Late.cancel, Late.lose_redis, Late.rebuild]),
        )
        for step in STEPS
    ],
    ids=lambda one: one if isinstance(one, str) else "-".join(turn.__name__ for turn in one),
)
def test_a_sale_that_ends_meanwhile_ends_with_one_truth(
    shop: Shop, step: str, turns: list[Meanwhile]
) -> None:
    one = Late.of(shop, units=2)
    one.crash_at(step)
    for turn in turns:
        turn(one)
    one.go_on()
    assert one.status == ("paid" if Late.cancel not in turns else one.status)
    assert Late.cancel not in turns or one.status in ("refunded", "expired")
    one.require_one_truth()
    assert figures(one.sale)[2] == (1 if one.status == "paid" else 0)
    assert one.sale.row().drained_at is not None


def test_a_sale_is_not_done_with_while_redis_may_have_sold_to_who_paid_late(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Late.of(shop)

    def cancelled(reached: str) -> None:
        if reached == "held_again":
            one.cancel()
            assert one.sale.row().drained_at is None

    monkeypatch.setattr(late, "failpoint", cancelled)
    one.drive()
    assert [status for status, _ in one.till.story(one.order)][-1] == "paid"
    monkeypatch.undo()
    one.go_on()
    assert one.status == "refunded"
    assert one.sale.row().drained_at is not None
    one.require_one_truth()


def test_who_stands_by_goes_before_who_paid_late_over_a_rebuild_too(shop: Shop) -> None:
    one = Late.of(shop, units=1, buyers=2)  # the unit is free, and somebody stands by for it
    one.crash_at("held_again")
    one.rebuild()
    one.sale.drain()
    one.go_on()
    assert one.sale.statuses() == ["held", "held"]
    assert one.status == "expired"
    one.require_one_truth()


def test_a_refusal_from_before_a_rebuild_counts_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Late.of(shop)
    assert one.somebody_asks() == "held"
    free = (
        "UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id AND status = 'held'"
    )

    def meanwhile(reached: str) -> None:
        if reached == "held_again":  # refused, since the unit was gone; now it comes home
            one.sale.sql(free)
            one.settle()
            one.rebuild()

    monkeypatch.setattr(late, "failpoint", meanwhile)
    one.drive()
    assert (one.payment.status, one.till.refunds()) == ("late", [])
    monkeypatch.undo()
    one.go_on()
    assert one.status == "paid"
    one.require_one_truth()


def test_two_who_paid_late_get_what_there_is_over_a_rebuild(shop: Shop) -> None:
    sale, orders = sold(shop, units=2, buyers=2)
    till = Till.over(shop.context)
    both = [Late(shop, sale, till, order) for order in orders]
    for one in both:
        abandoned(shop, till, one.order)
        till.hear(one.payment.id, OK)
    for one in both:
        one.crash_at("held_again")
    sale.change(allocation=3)
    both[0].lose_redis()
    both[0].rebuild()
    assert both[0].somebody_asks() == "held"
    assert both[0].somebody_asks() != "held"
    for one in both:
        one.go_on()
        assert one.status == "paid"
        one.require_one_truth()


def test_who_bought_again_meanwhile_is_not_given_more_than_the_limit_by_a_rebuild(shop: Shop) -> None:
    one = Late.of(shop, units=2)
    one.sale.line_up([one.order.user_id])
    one.sale.drain()
    one.crash_at("held_again")
    one.lose_redis()
    one.rebuild()
    one.go_on()
    assert one.status == "expired"
    one.require_one_truth()


def test_one_answer_is_given_to_all_workers_that_ask_for_a_payment(shop: Shop) -> None:
    one = Late.of(shop, units=1, buyers=2)
    ask = partial(
        shop.context.live.hold_again,
        one.sale.id,
        one.sale.row().epoch or "",
        one.payment.id,
        intent_id=str(one.order.intent_id),
        user_id=str(one.order.user_id),
        units=1,
    )
    assert ask() == Regained.OTHERS_FIRST
    one.sale.drain()
    one.sale.sql("UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id")
    one.settle()
    assert one.sale.look().number("available") == 1
    assert ask() == Regained.OTHERS_FIRST
    one.drive()
    one.go_on()
    assert one.status == "expired"
    one.require_one_truth()


def test_a_payment_does_not_ask_again_before_its_old_hold_is_home(shop: Shop) -> None:
    one = Late.of(shop)
    one.sale.sql("UPDATE orders SET released_at = NULL WHERE sale_id = :sale_id")
    one.sale.sql("UPDATE sales SET epoch = 'another' WHERE id = :sale_id")  # so that nothing comes home
    one.drive()
    assert (one.payment.status, one.payment.regain_asked_at) == ("late", None)
