"""A charge of another amount or currency than was asked for never pays, and goes back by its own amount."""

import time
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from models.tables.orders import Order
from models.tables.sandbox import SandboxCharge
from tasks.context import Context
from tasks.payments.webhooks import take_webhook
from tasks.providers.port import Charged, Outcome, State
from tasks.providers.sandbox.signature import HEADER, sign, webhook_secret
from tasks.providers.stripe.amounts import in_units_of_stripe
from tasks.providers.stripe.states import charged_of
from tests.integration.test_payments_lives import abandoned, figures, sold
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.answers import Object
from tests.support.paying import NO, OK, SILENCE, WAIT, Till
from tests.support.shop import Shop
from tests.support.stripe_till import StripeTill

WRONG = [Charged(Fraction(1_998), "USD"), Charged(Fraction(2_000), "USD"), Charged(Fraction(1_999), "EUR")]


@pytest.fixture
def stripe(shop: Shop) -> Iterator[StripeTill]:
    with FakeStripe() as fake:
        yield StripeTill.at(shop.context, fake)


def charged(one: Charged) -> Outcome:
    return Outcome(State.SUCCEEDED, charged=one)


def sandbox_charge(context: Context, order: Order) -> SandboxCharge:
    with context.database.transaction() as session:
        return session.scalars(select(SandboxCharge).where(SandboxCharge.order_id == order.id)).one()


def finish(till: Till, order: Order) -> None:
    """Let workers do all that is to be done."""
    for payment in till.payments(order):
        till.drive(payment.id)
    till.drive_refunds()


@pytest.mark.parametrize("said", WRONG, ids=str)
def test_a_wrong_charge_pays_nothing_and_goes_back_whole(shop: Shop, till: Till, said: Charged) -> None:
    sale, [order] = sold(shop)
    till.provider.charges = deque([charged(said), OK])
    with capture_logs() as logs:
        wrong = till.pay(order)
    assert [one["charged"] for one in logs if one["event"] == "wrong_charge"] == [
        f"{said.amount_minor} {said.currency}"
    ]
    assert till.story(order)[-1] == ("held", "wrong_charge")
    assert figures(sale) == (2, 1, 0)
    finish(till, order)
    [refund] = till.refunds()
    assert (refund.cause, refund.status) == ("wrong_charge", "succeeded")
    assert Charged(Fraction(refund.amount_minor), refund.currency) == said
    assert till.story(order)[-1] == ("held", "wrong_charge_refunded")
    till.pay(order)  # it can still be paid, rightly
    assert till.order(order)["status"] == "paid"
    assert [(one.id == wrong, one.status) for one in till.payments(order)] == [
        (True, "refunded"),
        (False, "succeeded"),
    ]
    assert figures(sale) == (2, 0, 1)


def test_the_right_charge_pays(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges = deque([charged(Charged(Fraction(1_999), "USD"))])
    till.pay(order)
    assert till.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


@pytest.mark.parametrize("said", WRONG, ids=str)
def test_a_wrong_charge_that_comes_late_is_never_held_again(shop: Shop, till: Till, said: Charged) -> None:
    sale, [order] = sold(shop)
    abandoned(shop, till, order)
    till.hear(till.payments(order)[0].id, charged(said))
    finish(till, order)
    assert till.story(order)[-2:] == [("expired", "wrong_charge"), ("expired", "wrong_charge_refunded")]
    assert figures(sale) == (3, 0, 0)


def test_a_wrong_charge_after_a_decline_or_beside_a_paid_one_goes_back(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges = deque([NO, OK])
    declined = till.pay(order)
    till.pay(order)
    till.hear(declined, charged(WRONG[0]))
    finish(till, order)
    assert till.order(order)["status"] == "paid"
    assert [(one.cause, one.amount_minor) for one in till.refunds()] == [("wrong_charge", 1_998)]
    assert figures(sale) == (2, 0, 1)


def test_a_wrong_word_on_what_is_paid_changes_nothing(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order)
    till.hear(payment_id, charged(WRONG[1]))
    finish(till, order)
    assert (till.order(order)["status"], till.refunds()) == ("paid", [])
    assert figures(sale) == (2, 0, 1)


def test_a_charge_that_could_not_be_ended_in_time_is_compared_too(shop: Shop, till: Till) -> None:
    _, [order] = sold(shop)
    till.provider.charges, till.provider.cancels = deque([SILENCE]), deque([charged(WRONG[2])])
    payment_id = till.pay(order)
    till.lose_patience(payment_id)
    till.drive(payment_id)
    assert till.story(order)[-1] == ("held", "wrong_charge")


def test_the_sandbox_that_charges_too_much_gives_it_back(shop: Shop) -> None:
    sale, [order] = sold(shop)
    till = Till(shop.context, Till.over(shop.context).provider)
    payment_id = till.begin(order, method="sandbox_wrong_amount")
    till.drive(payment_id)
    assert till.story(order)[-1] == ("held", "wrong_charge")
    finish(till, order)
    row = sandbox_charge(shop.context, order)
    assert (row.amount_minor, row.refunded_minor) == (2_000, 2_000)
    assert figures(sale) == (2, 1, 0)


def event(order: Order, payment_id: Any, **changes: Any) -> dict[str, Any]:
    data = {
        "payment_id": str(payment_id),
        "order_id": str(order.id),
        "ref": "sbx_ch_1",
        "amount_minor": 1_999,
        "currency": "USD",
        "state": "succeeded",
        "code": None,
    }
    return {"id": "sbx_evt_1", "type": "charge.succeeded", "created": 1, "data": data | changes}


@pytest.mark.parametrize(
    "change", [{"amount_minor": 1}, {"amount_minor": 199_900}, {"currency": "EUR"}], ids=str
)
def test_a_sandbox_webhook_that_tells_of_another_amount_is_only_a_bell(
    shop: Shop, change: dict[str, Any]
) -> None:
    sale, [order] = sold(shop)
    till = Till(shop.context, Till.over(shop.context).provider)
    payment_id = till.begin(order, method="sandbox_timeout")
    body = orjson.dumps(event(order, payment_id, **change))
    secret = webhook_secret(shop.context.settings.payments, shop.context.settings.secret_key)
    with capture_logs() as logs:
        assert take_webhook(shop.context, "sandbox", body, {HEADER: sign(secret, body, int(time.time()))})
    assert [one["said_by"] for one in logs if one["event"] == "wrong_charge"] == ["webhook"]
    assert till.order(order)["status"] == "paying"
    till.drive(payment_id)  # the books know of no charge
    assert till.order(order)["status"] == "paying"
    assert figures(sale) == (2, 1, 0)


def test_books_that_have_another_charge_under_the_id_pay_nothing(shop: Shop) -> None:
    sale, [order] = sold(shop)
    till = Till(shop.context, Till.over(shop.context).provider)
    payment_id = till.begin(order, method="sandbox_timeout_charged")
    till.drive(payment_id)
    sale.sql("UPDATE sandbox_charges SET amount_minor = 1")
    with capture_logs() as logs:
        till.drive(payment_id)
    assert "provider_knows_another_charge" in [one["event"] for one in logs]
    assert till.order(order)["status"] == "paying"
    till.lose_patience(payment_id, pin=True)
    till.drive(payment_id)
    assert till.story(order)[-1] == ("held", "payment_unanswered")


def tampered(till: StripeTill, **changes: Any) -> Object:
    """The webhook of the newest success, and Stripe's books with it, as if another amount had been taken."""
    [intent] = till.fake.books.intents.values()
    intent.update(changes)
    told = next(one for one in reversed(till.fake.books.events) if one["type"] == "payment_intent.succeeded")
    told["data"]["object"].update(changes)
    return told


AT_STRIPE: list[dict[str, Any]] = [
    {"amount": 1_998},
    {"amount": 199_900},
    {"currency": "eur"},
    {"amount_received": 1_000},
    {"amount_received": 0},
]


@pytest.mark.parametrize("changes", AT_STRIPE, ids=str)
def test_stripe_that_took_another_amount_gives_it_back(
    shop: Shop, stripe: StripeTill, changes: dict[str, Any]
) -> None:
    sale, [order] = sold(shop)
    payment_id = stripe.pay(order, "ctoken_card_3ds")
    stripe.fake.books.go_on(stripe.ref(payment_id))
    webhook = tampered(stripe, **changes)
    with capture_logs() as logs:
        stripe.take(webhook)
    assert [one["said_by"] for one in logs if one["event"] == "wrong_charge"] == ["webhook"]
    assert stripe.order(order)["status"] == "paying"
    stripe.drive(payment_id)
    assert stripe.story(order)[-1] == ("held", "wrong_charge")
    finish(stripe, order)
    assert stripe.story(order)[-1] == ("held", "wrong_charge_refunded")
    assert stripe.payment(payment_id).status == "refunded"
    stripe.pay(order)
    assert stripe.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


def test_a_stripe_webhook_alone_that_tells_of_another_amount_is_only_a_bell(
    shop: Shop, stripe: StripeTill
) -> None:
    sale, [order] = sold(shop)
    payment_id = stripe.pay(order, "ctoken_card_3ds")
    stripe.fake.books.go_on(stripe.ref(payment_id))
    webhook = tampered(stripe, amount=1)
    [intent] = stripe.fake.books.intents.values()
    intent["amount"] = 1_999
    stripe.take(webhook)
    assert stripe.order(order)["status"] == "paying"
    stripe.drive(payment_id)
    assert (stripe.order(order)["status"], stripe.refunds()) == ("paid", [])
    assert figures(sale) == (2, 0, 1)


def test_a_pending_word_is_not_compared(shop: Shop, till: Till) -> None:
    _, [order] = sold(shop)
    till.provider.charges = deque([WAIT])
    till.pay(order)
    assert till.order(order)["status"] == "paying"


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD", "ISK", "UGX", "MGA", "BHD"])
def test_what_stripe_took_is_read_in_our_units(currency: str) -> None:
    taken = in_units_of_stripe(12_300, currency)
    read = charged_of({"amount": taken, "currency": currency.lower()})
    assert read == Charged(Fraction(12_300), currency)
    assert charged_of({"amount": 12_345, "currency": "isk"}) == Charged(Fraction(12_345, 100), "ISK")
    assert charged_of({"status": "succeeded"}) is None
