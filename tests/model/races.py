"""Races of money: situations in which two act, and every step at which one may come between.

One takes so many steps, the other takes all of its, then the first goes on, or dies. Played both ways round,
these are all orders of two workers' accesses to the stores with one switch, and all places where one can die.
"""

from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

from models.ids import order_id_of
from tasks.orders.holds import expire_due, release_pending
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.payments.refunds import request_refund, run_refund
from tests.model.interleaver_money import MoneyInterleaver, quietly
from tests.model.offline import check
from tests.model.play import World
from tests.model.playing import new_stage
from tests.model.stepping import Worker, undivided

Act = Callable[[], object]
Acts = tuple[Act, Act]


class Racing(MoneyInterleaver):
    """A till at which exactly what is wanted happens; what comes of it, `rest` brings to its end."""

    def buy(self, people: int = 1) -> None:
        """Have some ask for a unit, and get their verdicts."""
        self.submit_these([(user, 1) for user in self.people[:people]])
        self.drain()

    def drain(self) -> None:
        """Have everybody decided."""
        while next(self.workers[0]) != "idle":
            pass

    def begin_payment(self, method: str) -> UUID:
        """Have the one hold be paid."""
        begin_payment(self.stage.context, UUID(self.people[0]), self.order_id, method=method)
        return UUID(self.payments()[-1][0])

    def pay_too_late(self, *, is_home: bool = True) -> Act:
        """Have a charge succeed after its hold expired; returns what a worker does about that.

        The unit is home, or the live side has not heard of the hold's end.
        """
        payment_id = self.begin_payment("sandbox_slow:3600")
        run_payment(self.stage.context, payment_id)
        self.stage.end_patience(str(payment_id), is_unpinned=True)
        self.expire()
        run_payment(self.stage.context, payment_id)
        expire_due(self.stage.context)
        if is_home:
            release_pending(self.stage.context)
        self.get_webhook(self.webhooks()[-1])
        return partial(run_payment, self.stage.context, payment_id)

    def expire(self) -> None:
        """Have the deadlines of all holds be over, and a worker notice."""
        self.stage.end_deadline(list(self.orders()))
        expire_due(self.stage.context)

    @property
    def order_id(self) -> UUID:
        """The order that was bought first."""
        return UUID(order_id_of(self.stage.intent_id(1)))


def two_resolve_a_late_charge(shop: Racing) -> Acts:
    """Two workers are rung for a late charge, and the unit is free."""
    shop.buy()
    resolve = shop.pay_too_late()
    return resolve, resolve


def two_give_a_late_charge_back(shop: Racing) -> Acts:
    """Two workers are rung for a late charge, and another stands by for the unit."""
    shop.buy(people=2)
    resolve = shop.pay_too_late()
    return resolve, resolve


def a_unit_comes_free_meanwhile(shop: Racing) -> Acts:
    """A late charge finds no unit; then one comes free, and another worker finds that."""
    shop.buy()
    resolve = shop.pay_too_late()
    shop.submit_these([(shop.people[1], 1)])
    shop.drain()

    def free_and_resolve() -> None:
        with undivided():
            shop.expire()
            release_pending(shop.stage.context)
        resolve()

    return resolve, free_and_resolve


def a_hold_comes_home_late(shop: Racing) -> Acts:
    """One brings an ended hold home; meanwhile its shopper's charge comes and is sold a unit."""
    shop.buy()
    resolve = shop.pay_too_late(is_home=False)
    return partial(release_pending, shop.stage.context), resolve


def a_refund_overtakes_the_sale(shop: Racing) -> Acts:
    """One tells the live side that an order is paid; meanwhile it is refunded, and that is not heard of."""
    shop.buy()
    payment_id = shop.begin_payment("sandbox_ok")
    shop.stage.live.lose("request", "sell")
    run_payment(shop.stage.context, payment_id)
    request_refund(shop.stage.context, shop.order_id, by=None)
    (refund_id,) = shop.refunds()
    shop.stage.live.lose("request", "release")
    return partial(release_pending, shop.stage.context), partial(run_refund, shop.stage.context, refund_id)


def the_live_side_is_rebuilt(shop: Racing) -> Acts:
    """A late charge is resolved; meanwhile others ask for the unit, and the live state is rebuilt."""
    shop.buy()
    resolve = shop.pay_too_late()

    def rebuild_it() -> None:
        with undivided():
            shop.submit_these([(shop.people[1], 1)])
            shop.drain()
            shop.rebuild()
            shop.submit_these([(shop.people[2], 1)])
            shop.drain()

    return resolve, rebuild_it


def a_hold_expires_while_it_is_paid(shop: Racing) -> Acts:
    """A payment begins and is driven; meanwhile the deadline passes, and another stands by."""
    shop.buy(people=2)

    def pay() -> None:
        context, user = shop.stage.context, UUID(shop.people[0])
        begin_payment(context, user, shop.order_id, method="sandbox_ok")
        with undivided():
            payment_id = UUID(shop.payments()[-1][0])
        run_payment(context, payment_id)

    def expire() -> None:
        with undivided():
            shop.expire()
        release_pending(shop.stage.context)

    return pay, expire


def a_webhook_comes_while_the_provider_is_asked(shop: Racing) -> Acts:
    """A worker asks the provider; meanwhile its webhook tells the same."""
    shop.buy()
    payment_id = shop.begin_payment("sandbox_timeout_charged")
    run_payment(shop.stage.context, payment_id)  # the answer is lost
    hear = partial(shop.get_webhook, shop.webhooks()[-1])
    return partial(run_payment, shop.stage.context, payment_id), hear


SITUATIONS: Final = (
    two_resolve_a_late_charge,
    two_give_a_late_charge_back,
    a_unit_comes_free_meanwhile,
    a_hold_comes_home_late,
    a_refund_overtakes_the_sale,
    the_live_side_is_rebuilt,
    a_hold_expires_while_it_is_paid,
    a_webhook_comes_while_the_provider_is_asked,
)
Situation = Callable[[Racing], Acts]


def race(world: World, situation: Situation, *, is_swapped: bool = False, dies: bool = False) -> int:
    """Play a situation with every switch from the one to the other; returns how many there were."""
    at = 0
    while _play(world, situation, at, is_swapped=is_swapped, dies=dies):
        at += 1
    return at


def _play(world: World, situation: Situation, at: int, *, is_swapped: bool, dies: bool) -> bool:
    """Let one come between after so many steps of the other; says whether the other had so many."""
    stage = new_stage(world, units=1)
    shop = Racing(stage, world.people, seed=at, units=1)
    acts = situation(shop)
    shop.errands = [Worker(partial(quietly, act)) for act in (acts[::-1] if is_swapped else acts)]
    try:
        is_played = _take_turns(*shop.errands, at=at, dies=dies)
    finally:
        shop.stop()
    shop.rest()
    check(stage, shop.history)
    return is_played


def _take_turns(first: Worker, second: Worker, *, at: int, dies: bool) -> bool:
    for _ in range(at):
        if first.is_over:
            return False
        first.go_on()
    while not second.is_over:
        second.go_on()
    while not first.is_over:
        first.kill() if dies else first.go_on()
    return True
