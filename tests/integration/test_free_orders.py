"""What costs nothing: one press pays, no provider is asked for anything, and it comes back like the rest."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from models.enums import SaleStatus
from models.errors import AlreadyPaid, UnknownPaymentMethod
from models.tables.orders import Order
from models.tables.sandbox import SandboxCharge
from tasks.payments.pay import PaymentDesk
from tasks.payments.refunds import refund_orders_of, request_refund
from tests.integration.conftest import Account
from tests.integration.test_orders_http import bought
from tests.integration.test_payments_lives import figures
from tests.support.away import away
from tests.support.fake_stripe import FakeStripe
from tests.support.paying import Till
from tests.support.problems import assert_problem
from tests.support.shop import SaleUnderTest, Shop
from tests.support.stripe_till import StripeTill


@pytest.fixture
def stripe(shop: Shop) -> Iterator[StripeTill]:
    with FakeStripe() as fake:
        yield StripeTill.at(shop.context, fake)


def given(shop: Shop, units: int = 3) -> tuple[SaleUnderTest, Order]:
    """A sale at no price, and a hold of one unit."""
    sale = shop.open_sale(units)
    sale.change(price_minor=0)
    sale.line_up([shop.shopper()])
    sale.drain()
    return sale, sale.orders()[0]


@pytest.mark.parametrize("method", ["free", "pm_card_ok", "payment_element"])
def test_a_free_order_is_paid_at_once_and_stripe_is_asked_nothing(
    shop: Shop, stripe: StripeTill, method: str
) -> None:
    sale, order = given(shop)
    told = PaymentDesk(stripe.context).pay(order.user_id, order.id, method=method, key="k")
    assert (told["status"], told["total"]["amount_minor"]) == ("paid", 0)
    assert [one["status"] for one in told["history"]] == ["held", "paying", "paid"]
    assert told["receipt_number"] is not None
    again = PaymentDesk(stripe.context).pay(order.user_id, order.id, method=method, key="k")
    assert again["status"] == "paid"
    with pytest.raises(AlreadyPaid):
        PaymentDesk(stripe.context).pay(order.user_id, order.id, method=method, key="other")
    assert figures(sale) == (2, 0, 1)
    assert stripe.fake.requests == []


def test_its_refund_gives_the_unit_back_and_asks_nobody(shop: Shop, stripe: StripeTill) -> None:
    sale, order = given(shop)
    PaymentDesk(stripe.context).pay(order.user_id, order.id, method="free")
    request_refund(stripe.context, order.id, by=None, reason="changed")
    stripe.drive_refunds()
    assert stripe.story(order)[-1] == ("refunded", "changed")
    assert figures(sale) == (3, 0, 0)
    assert stripe.fake.requests == []


def test_a_cancelled_sale_takes_free_orders_back(shop: Shop, stripe: StripeTill) -> None:
    sale, order = given(shop)
    PaymentDesk(stripe.context).pay(order.user_id, order.id, method="free")
    sale.move(SaleStatus.CANCELLED)
    assert refund_orders_of(stripe.context, sale.id) == 1
    stripe.drive_refunds()
    assert stripe.order(order)["status"] == "refunded"
    assert stripe.fake.requests == []


def test_the_sandbox_is_asked_nothing_either(
    client: FlaskClient, shop: Shop, shopper: Account, admin: Account
) -> None:
    sale = shop.open_sale(3, limit=2)
    sale.change(price_minor=0)
    path = bought(sale, shopper)
    paid = client.post(f"{path}/payments", json={"method": "free"}, headers=shopper.headers)
    assert (paid.status_code, paid.get_json()["status"]) == (202, "paid")
    receipt = client.get(f"{path}/receipt", headers=shopper.headers).get_json()
    assert receipt["total"] == {"amount_minor": 0, "currency": "USD"}
    assert client.post(f"{path}/refund", json={}, headers=admin.headers).status_code == 202
    Till(shop.context, Till.over(shop.context).provider).drive_refunds()
    assert client.get(path, headers=shopper.headers).get_json()["status"] == "refunded"
    with shop.context.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(SandboxCharge)) == 0
    assert figures(sale) == (3, 0, 0)


def test_what_costs_something_is_not_free(client: FlaskClient, shop: Shop, shopper: Account) -> None:
    path = bought(shop.open_sale(3), shopper)
    refused = client.post(f"{path}/payments", json={"method": "free"}, headers=shopper.headers)
    assert_problem(refused, 422, code="unknown_method")
    assert client.get(path, headers=shopper.headers).get_json()["status"] == "held"


def test_an_unknown_method_is_refused_also_where_nothing_is_asked(shop: Shop) -> None:
    _, order = given(shop)
    with pytest.raises(UnknownPaymentMethod):
        PaymentDesk(shop.context).pay(order.user_id, order.id, method="gold")


def test_who_confirms_while_the_live_side_is_away_has_paid(shop: Shop) -> None:
    sale, order = given(shop)
    apart = away(shop.context, "sell")
    told = PaymentDesk(apart).pay(order.user_id, order.id, method="free")
    assert told["status"] == "paid"
    with pytest.raises(AlreadyPaid):
        PaymentDesk(apart).pay(order.user_id, order.id, method="free")
    shop.sweep()
    assert figures(sale) == (2, 0, 1)
