"""Stripe's races: crashes at each step, many workers at once, and storms in which all is lost or doubled."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select

from models.errors import FlashSaleError
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.payments.refunds import request_refund, run_refund
from tasks.providers.port import Charge
from tests.integration.test_payments_lives import figures, sold
from tests.integration.test_payments_races import Crash, crash_at, go_on
from tests.support.fake_stripe import FakeStripe, faults
from tests.support.shop import Shop
from tests.support.stripe_till import StripeTill
from tests.support.threads import at_once

__all__ = ["crash_at"]  # a fixture

METHODS = ("pm_card_ok", "ctoken_card_3ds", "pm_card_insufficient", "payment_element", "pm_bank")
STEPS = 50  # of a storm
ROUNDS = 3  # of many workers
LOST = 0.25  # of all requests

T = TypeVar("T")


@pytest.fixture
def till(shop: Shop) -> Iterator[StripeTill]:
    with FakeStripe() as fake:
        yield StripeTill.at(shop.context, fake)


@pytest.mark.parametrize("step", ["payment_begun", "charged", "charge_noted", "ended", "released"])
def test_a_crash_at_a_step_of_paying_charges_once(
    shop: Shop,
    till: StripeTill,
    crash_at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    sale, [order] = sold(shop)
    crash_at(step)
    with pytest.raises(Crash):
        till.pay(order)
    monkeypatch.undo()
    go_on(shop, till, order)
    assert till.story(order) == [("held", None), ("paying", None), ("paid", None)]
    assert len(till.fake.books.charges) == 1
    assert figures(sale) == (2, 0, 1)


@pytest.mark.parametrize("step", ["refund_asked", "refunded", "charge_noted", "ended", "released"])
def test_a_crash_at_a_step_of_a_refund_gives_back_once(
    shop: Shop,
    till: StripeTill,
    crash_at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    crash_at(step)
    with pytest.raises(Crash):
        refund(till, order)
    monkeypatch.undo()
    go_on(shop, till, order)
    assert till.order(order)["status"] == "refunded"
    assert len(till.fake.books.refunds) == 1
    assert figures(sale) == (3, 0, 0)


def refund(till: StripeTill, order: Order) -> None:
    request_refund(till.context, order.id, by=None)
    till.drive_refunds()


def test_one_payment_driven_by_many_workers_and_told_by_many_webhooks_is_one_charge(
    shop: Shop, till: StripeTill
) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order, method="pm_card_ok")
    at_once(*[lambda: till.drive(payment_id)] * 6)
    at_once(*[lambda: till.take_last("payment_intent.succeeded")] * 6)
    till.drive(payment_id)
    assert till.story(order) == [("held", None), ("paying", None), ("paid", None)]
    assert len(till.fake.books.charges) == 1
    assert figures(sale) == (2, 0, 1)


@pytest.mark.parametrize("method", ["pm_card_ok", "ctoken_card_3ds"])
def test_of_paying_and_losing_patience_at_once_one_wins(shop: Shop, till: StripeTill, method: str) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order, method=method)
    charge, cancel = till.context.providers.named("stripe").charge, till.drive
    till.lose_patience(payment_id)
    sent = charge_of(till, payment_id)
    at_once(
        lambda: charge(sent), lambda: cancel(payment_id), lambda: charge(sent), lambda: cancel(payment_id)
    )
    till.drive(payment_id)
    is_paid = till.order(order)["status"] == "paid"
    assert len(till.fake.books.charges) == int(is_paid)
    assert figures(sale) == ((2, 0, 1) if is_paid else (2, 1, 0))


def charge_of(till: StripeTill, payment_id: UUID) -> Charge:
    one = till.payment(payment_id)
    return Charge(one.id, one.order_id, one.amount_minor, one.currency, one.method, one.ref)


def test_a_refund_driven_by_many_workers_goes_back_once(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    request_refund(till.context, order.id, by=None)
    [asked] = till.refunds()
    at_once(*[lambda: run_refund(till.context, asked.id)] * 6)
    run_refund(till.context, asked.id)
    assert till.order(order)["status"] == "refunded"
    assert len(till.fake.books.refunds) == 1
    shop.sweep()
    assert figures(sale) == (3, 0, 0)


class Storm:
    """Shoppers, workers, webhooks, an impatient clock and a bad network, in an order that a seed decides."""

    def __init__(self, shop: Shop, till: StripeTill, seed: int) -> None:
        self.shop, self.till = shop, till
        self.books = till.fake.books
        self.dice = random.Random(seed)
        self.secrets: set[str] = set()
        self.sale, _ = sold(shop, units=10, buyers=14)
        till.fake.faults.chance = self.fault

    def fault(self, _: str) -> str:
        return self.dice.choice(faults.EVERY) if self.dice.random() < LOST else ""

    @property
    def orders(self) -> list[Order]:
        """All orders that there are by now, in ticket order."""
        return sorted(self.sale.orders(), key=lambda one: one.intent_id)

    def run(self, steps: int) -> None:
        often, seldom = (
            (self.begin, self.drive, self.act, self.tell),
            (self.hurry, self.give_back, self.sweep),
        )
        for _ in range(steps):
            try:
                self.dice.choice(often if self.dice.random() < 0.8 else seldom)()
            except FlashSaleError:
                continue  # what cannot be done now is a choice of the dice like any other
            self.check()

    def begin(self) -> None:
        held = [one for one in self.orders if one.status == "held"]
        for order in self.some(held):
            self.till.begin(order, method=self.dice.choice(METHODS))

    def drive(self) -> None:
        for payment_id in self.some(self.open_payments()):
            self.till.drive(payment_id)
        if self.dice.random() < 0.5:
            self.till.drive_refunds()

    def act(self) -> None:
        """A bank does something, or a shopper with a client secret from before, or the same again."""
        with self.till.context.database.transaction() as session:
            told = session.scalars(select(Payment.client_secret).where(Payment.client_secret.is_not(None)))
            self.secrets |= {secret for secret in told if secret}
        for intent in self.some(list(self.books.intents.values())):
            status, is_told = intent["status"], intent["client_secret"] in self.secrets
            if status == "requires_payment_method" and is_told:
                self.books.enter(intent["id"], self.dice.choice(METHODS[:3]))
            elif status == "processing" or (status == "requires_action" and is_told):
                self.books.go_on(intent["id"], is_fine=self.dice.random() < 0.5)

    def tell(self) -> None:
        """A webhook comes: any, however old, and perhaps again."""
        for event in self.some(self.books.events):
            self.till.take(event)

    def hurry(self) -> None:
        """Time passes for one of the payments."""
        for payment_id in self.some(self.open_payments()):
            self.till.lose_patience(payment_id, pin=self.dice.random() < 0.3)

    def give_back(self) -> None:
        request_refund(self.till.context, self.dice.choice(self.orders).id, by=None)

    def sweep(self) -> None:
        if self.dice.random() < 0.2:
            self.till.end_hold(self.dice.choice(self.orders))
        self.shop.sweep()
        self.sale.drain()

    def calm(self) -> None:
        """Let the network be whole, every webhook come twice, and everybody do what is due."""
        self.till.speaks()
        events = list(self.books.events) * 2
        self.dice.shuffle(events)
        for event in events:
            self.till.take(event)
        for name, intent in list(self.books.intents.items()):
            if intent["status"] == "processing":
                self.books.go_on(name)
        for _ in range(4):
            for payment_id in self.open_payments():
                self.till.lose_patience(payment_id)
                self.till.drive(payment_id)
            self.till.drive_refunds()
            self.shop.sweep()
            self.sale.drain()

    def check(self) -> None:
        """At no moment has an order two charges."""
        charged = [self.books.intents[name]["metadata"]["order_id"] for name in self.books.charges]
        assert len(charged) == len(set(charged))

    def check_all(self) -> None:
        """What Stripe keeps is what was paid for, to the unit and to the cent."""
        self.check()
        kept_charges = [name for name in self.books.charges if self.books.left_of(name)]
        kept = {self.books.intents[name]["metadata"]["order_id"] for name in kept_charges}
        orders = {str(one.id): self.till.order(one) for one in self.sale.orders()}
        assert kept == {name for name, one in orders.items() if one["status"] == "paid"}
        assert not [one for one in orders.values() if one["status"] == "paying"]
        assert self.open_payments() == []
        assert {one.status for one in self.till.refunds()} <= {"succeeded"}
        assert self.sale.audit().ok
        figures(self.sale)

    def open_payments(self) -> list[UUID]:
        """The payments of which something is still to come, oldest first."""
        still_open = select(Payment.id).where(Payment.finished_at.is_(None)).order_by(Payment.created_at)
        with self.till.context.database.transaction() as session:
            return list(session.scalars(still_open))

    def some(self, things: list[T]) -> list[T]:
        return self.dice.sample(things, min(len(things), self.dice.randint(1, 3)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.release)])
def test_in_a_storm_an_order_is_charged_at_most_once_and_what_is_kept_is_paid_for(
    shop: Shop, till: StripeTill, seed: int, times: int
) -> None:
    storm = Storm(shop, till, seed)
    storm.run(times * STEPS)
    storm.calm()
    storm.check_all()


@pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.release)])
def test_in_a_storm_of_many_workers_an_order_is_charged_at_most_once(
    shop: Shop, till: StripeTill, times: int
) -> None:
    storm = Storm(shop, till, seed=99)
    for _ in range(times * ROUNDS):
        for order in storm.orders:
            try:
                till.begin(order, method=storm.dice.choice(METHODS))
            except FlashSaleError:
                continue
        payments = storm.open_payments()
        deeds: list[Callable[[], object]] = [partial(till.drive, one) for one in payments * 2]
        deeds += [partial(till.take, one) for one in storm.some(till.fake.books.events) * 2]
        at_once(*deeds, storm.act, storm.hurry)
        storm.check()
    storm.calm()
    storm.check_all()
