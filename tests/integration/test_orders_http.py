"""`/orders`: what was granted, to whom it belongs."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import Account, MakeAccount
from tests.support.pages import pages
from tests.support.problems import assert_problem
from tests.support.shop import PRICE_MINOR, SaleUnderTest, Shop


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale of 5 units, two a shopper."""
    return shop.open_sale(5, limit=2)


def bought(sale: SaleUnderTest, who: Account, quantity: int = 1) -> str:
    """Have somebody buy; returns the order's path."""
    intent = sale.submit(who.id, quantity=quantity)["id"]
    sale.drain()
    (order,) = [one for one in sale.orders() if one.intent_id == UUID(intent)]
    return f"/api/v1/orders/{order.id}"


def test_an_order_tells_what_is_owed(client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> None:
    order = client.get(bought(sale, shopper, 2), headers=shopper.headers).get_json()
    assert (order["quantity"], order["status"], order["sale_id"]) == (2, "held", str(sale.id))
    assert order["unit_price"] == {"amount_minor": PRICE_MINOR, "currency": "USD"}
    assert order["total"] == {"amount_minor": 2 * PRICE_MINOR, "currency": "USD"}
    assert [one["status"] for one in order["history"]] == ["held"]
    assert order["paid_at"] is None
    assert order["expires_at"] > order["created_at"]


def test_a_shopper_lists_the_own_orders_and_an_admin_all(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account, admin: Account, make_account: MakeAccount
) -> None:
    mine, others = bought(sale, shopper), bought(sale, make_account())
    listed = {
        who.id: client.get("/api/v1/orders", headers=who.headers).get_json() for who in (shopper, admin)
    }
    assert [one["id"] for one in listed[shopper.id]["items"]] == [mine.rpartition("/")[2]]
    assert [one["id"] for one in listed[admin.id]["items"]] == [
        path.rpartition("/")[2] for path in (others, mine)
    ]


def test_pages_of_orders_are_whole_and_without_doubles(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    sale.line_up(shop.shoppers(5))
    sale.drain()
    found = [one["id"] for one in pages(client, "/api/v1/orders?limit=2", admin.headers)]
    assert sorted(found) == sorted(str(order.id) for order in sale.orders())


def test_orders_are_narrowed_by_sale_and_status(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, shopper: Account
) -> None:
    bought(sale, shopper)
    other = shop.open_sale()
    for query, expected in (
        (f"sale_id={sale.id}", 1),
        (f"sale_id={other.id}", 0),
        ("status=held", 1),
        ("status=paid", 0),
    ):
        page = client.get(f"/api/v1/orders?{query}", headers=shopper.headers).get_json()
        assert len(page["items"]) == expected, query
    for query in ("status=lost", "sale_id=x"):
        assert_problem(client.get(f"/api/v1/orders?{query}", headers=shopper.headers), 422)


def test_a_hold_is_given_up_by_its_owner_once(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account, make_account: MakeAccount
) -> None:
    path = bought(sale, shopper)
    assert_problem(client.post(f"{path}/cancel", headers=make_account().headers), 404)
    answer = client.post(f"{path}/cancel", headers=shopper.headers)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")
    assert [one["status"] for one in answer.get_json()["history"]] == ["held", "cancelled"]
    assert_problem(client.post(f"{path}/cancel", headers=shopper.headers), 409)
    assert (sale.row().held, sale.look().number("available")) == (0, 5)
    assert sale.audit().ok
