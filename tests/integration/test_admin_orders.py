"""The search over everybody's orders, as a list and as CSV."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import Account, MakeAccount
from tests.support.shop import SaleUnderTest, Shop

ORDERS = "/api/v1/admin/orders"


@pytest.fixture
def sale(shop: Shop, shopper: Account, make_account: MakeAccount) -> SaleUnderTest:
    """A sale of which two shoppers hold a unit each."""
    sale = shop.open_sale(5)
    sale.line_up([shopper.id, make_account().id])
    sale.drain()
    return sale


def found(client: FlaskClient, admin: Account, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(ORDERS, query_string=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_orders_are_found_by_number_shopper_sale_and_status(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account, shopper: Account
) -> None:
    shop.open_sale(1).line_up([shopper.id])
    [mine] = found(client, admin, query=shopper.email)
    assert (mine["shopper"]["id"], mine["item"]) == (str(shopper.id), "Kettle")
    assert found(client, admin, query=mine["id"][-8:]) == [mine]
    assert found(client, admin, query="%") == []
    assert len(found(client, admin, sale_id=sale.id, status="held")) == 2
    assert found(client, admin, status="paid") == []


@pytest.mark.parametrize("depths", [(500,), ()], ids=["among the newest", "by the index"])
def test_a_search_finds_the_newest_orders_of_whom_a_part_of_a_name_means(
    client: FlaskClient, shop: Shop, admin: Account, monkeypatch: pytest.MonkeyPatch, depths: tuple[int, ...]
) -> None:
    monkeypatch.setattr("models.queries.paging.DEPTHS", depths)
    shopper, sale, later = shop.shopper(), shop.open_sale(2), shop.open_sale(1)
    sale.sql("UPDATE users SET name = 'Zoë Çelik' WHERE id = :id", id=shopper)
    for one in (sale, later):
        one.line_up([shopper])
        one.drain()
    sale.line_up([shop.shopper()])
    sale.drain()
    [newest] = later.orders()
    for word in ("ç", "LI", "oë Ç", str(shopper)):
        assert [one["id"] for one in found(client, admin, query=word, limit=1)] == [str(newest.id)], word
    [old] = found(client, admin, query="zoë", limit=1, sale_id=sale.id)
    assert old["shopper"]["id"] == str(shopper)
    assert len(found(client, admin, query="çelik", status="held")) == 2


def test_a_list_is_paged_without_gaps(client: FlaskClient, sale: SaleUnderTest, admin: Account) -> None:
    first = client.get(ORDERS, query_string={"limit": 1}, headers=admin.headers).get_json()
    rest = client.get(ORDERS, query_string={"cursor": first["next_cursor"]}, headers=admin.headers).get_json()
    assert {one["id"] for one in first["items"] + rest["items"]} == {str(one.id) for one in sale.orders()}
    assert rest["next_cursor"] is None


def test_the_export_has_every_order_and_nothing_that_a_spreadsheet_would_run(
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    sale: SaleUnderTest,
    admin: Account,
    shopper: Account,
) -> None:
    monkeypatch.setattr("web.api.admin.orders.ROWS_AT_ONCE", 1)
    sale.sql("UPDATE users SET name = '=cmd|x' WHERE email = :email", email=shopper.email)
    answer = client.get(f"{ORDERS}.csv", headers=admin.headers)
    assert (answer.status_code, answer.content_type) == (200, "text/csv; charset=utf-8")
    assert answer.data.startswith("\ufefforder_id,".encode())
    assert answer.text.count("\ufeff") == 1
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert {row["order_id"] for row in rows} == {str(one.id) for one in sale.orders()}
    assert {row["name"] for row in rows if row["email"] == shopper.email} == {"'=cmd|x"}
    assert {(row["total_minor"], row["currency"], row["paid_at"]) for row in rows} == {("1999", "USD", "")}
