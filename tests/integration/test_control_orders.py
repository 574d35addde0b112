"""The control room's orders: the search, and one with all that became of it."""

import re

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import Account, MakeAccount
from tests.integration.control_pages import every_page, in_german, rows, text_of
from tests.integration.test_pages_shown import read, sign_in
from tests.support.paying import NO, SILENCE, ScriptedProvider, Till
from tests.support.shop import SaleUnderTest, Shop


@pytest.fixture
def sale(shop: Shop, shopper: Account, make_account: MakeAccount) -> SaleUnderTest:
    """A sale of which two shoppers hold a unit each."""
    sale = shop.open_sale(5)
    sale.line_up([shopper.id, make_account().id])
    sale.drain()
    return sale


def actions(page: str) -> list[str]:
    """What can be done on the page."""
    return re.findall(r'data-action="([^"]+)"', page)


def test_orders_are_found_by_number_shopper_sale_and_state(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account, shopper: Account
) -> None:
    mine = next(one for one in sale.orders() if one.user_id == shopper.id)
    receipt = Till.over(shop.context)
    receipt.pay(mine)
    number = receipt.order(mine)["receipt_number"]
    other = shop.open_sale()
    sign_in(client, admin)
    for query in (str(mine.id)[-8:], str(mine.id), number, shopper.email[:12].upper()):
        [row] = rows(read(client, f"/admin/orders?query={query}"))
        assert row.startswith(f"{str(mine.id)[-8:]} Kettle {shopper.email} 1 $19.99 Paid {number}")
    assert len(rows(read(client, f"/admin/orders?sale_id={sale.id}"))) == 2
    assert rows(read(client, f"/admin/orders?sale_id={other.id}")) == []
    assert len(rows(read(client, "/admin/orders?status=held"))) == 1
    assert len(every_page(client, "/admin/orders?limit=1")) == 2


def test_the_export_has_the_filters_of_the_page(
    client: FlaskClient, sale: SaleUnderTest, admin: Account, shopper: Account
) -> None:
    sign_in(client, admin)
    page = read(client, f"/admin/orders?query={shopper.email}&status=held&sale_id=&cursor=")
    found = re.search(r'href="(/api/v1/admin/orders.csv[^"]*)"', page)
    assert found is not None
    csv = client.get(found[1].replace("&amp;", "&"))
    assert csv.status_code == 200, csv.text
    assert len(csv.text.splitlines()) == 1 + 1 < len(sale.orders()) + 1


def test_a_held_order_is_told_with_its_history_and_offers_no_refund(
    client: FlaskClient, sale: SaleUnderTest, admin: Account
) -> None:
    order = sale.orders()[0]
    sign_in(client, admin)
    page = read(client, f"/admin/orders/{order.id}")
    assert actions(page) == []
    assert "Nobody has tried to pay." in page
    assert f'data-moving="/api/v1/orders/{order.id}" data-field="status" data-seen="held"' in page


def test_a_declined_payment_is_told_with_its_code_and_what_the_shopper_reads(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    provider = ScriptedProvider()
    provider.charges.extendleft([NO])
    order = sale.orders()[0]
    Till.over(shop.context, provider).pay(order)
    sign_in(client, admin)
    page = read(client, f"/admin/orders/{order.id}")
    assert "card_declined" in page
    assert "The shopper reads: “The card was declined." in text_of(page)
    assert any("Declined" in row and "sandbox_ok" in row for row in rows(page))


def test_a_paid_order_can_be_refunded_once_and_its_page_comes_again_meanwhile(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    till, order = Till.over(shop.context, ScriptedProvider()), sale.orders()[0]
    till.pay(order)
    sign_in(client, admin)
    path, refund = f"/admin/orders/{order.id}", f"/api/v1/orders/{order.id}/refund"
    assert actions(read(client, path)) == [f"POST {refund}"]
    asked = client.post(refund, json={"reason": "broken"}, headers=admin.headers)
    assert asked.status_code == 202
    pending = read(client, path)
    assert actions(pending) == []
    assert f'data-moving="/api/v1/tasks/{till.refunds()[0].id}"' in pending
    till.drive_refunds()
    done = read(client, path)
    assert "data-moving" not in done
    assert any("An admin asked for it broken" in row and "Given back" in row for row in rows(done))
    assert any(admin.email in row and "refund asked for" in row for row in rows(done))
    assert "Von der Verwaltung veranlasst" in in_german(client, path)


def test_a_refund_that_the_provider_refused_can_be_asked_for_again(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    provider = ScriptedProvider()
    provider.refunds.extendleft([NO])
    till, order = Till.over(shop.context, provider), sale.orders()[0]
    till.pay(order)
    refund = f"/api/v1/orders/{order.id}/refund"
    client.post(refund, json={}, headers=admin.headers)
    till.drive_refunds()
    sign_in(client, admin)
    page = read(client, f"/admin/orders/{order.id}")
    assert actions(page) == [f"POST {refund}"]
    assert any("Refused by the provider" in row for row in rows(page))


def test_a_payment_under_way_is_shown_as_such(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    provider = ScriptedProvider()
    provider.charges.extendleft([SILENCE])
    order = sale.orders()[0]
    Till.over(shop.context, provider).pay(order)
    sign_in(client, admin)
    page = read(client, f"/admin/orders/{order.id}")
    assert 'data-seen="paying"' in page
    assert any("Under way" in row for row in rows(page))
