"""`/sales/{id}/follow` and `/me/follows`, and the account's page of them."""

import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from models.enums import SaleStatus
from tests.integration.conftest import Account, MakeAccount
from tests.support.shop import Shop


@pytest.fixture
def follow(client: FlaskClient, shopper: Account) -> Callable[[uuid.UUID], int]:
    return lambda sale_id: client.put(f"/api/v1/sales/{sale_id}/follow", headers=shopper.headers).status_code


def listed(client: FlaskClient, account: Account, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/me/follows{query}", headers=account.headers)
    assert answer.status_code == 200
    return [item["sale_id"] for item in answer.get_json()["items"]]


def test_what_is_followed_is_listed_newest_first_until_it_is_not(
    client: FlaskClient, shop: Shop, make_account: MakeAccount, shopper: Account, follow: Callable[..., int]
) -> None:
    sales = [shop.scheduled_sale().id for _ in range(3)]
    assert [follow(sale) for sale in (*sales, sales[0])] == [204] * 4
    expected = [str(sale) for sale in reversed(sales)]
    assert listed(client, shopper) == expected
    first = client.get("/api/v1/me/follows?limit=2", headers=shopper.headers).get_json()
    assert listed(client, shopper, f"?cursor={first['next_cursor']}") == expected[2:]
    [item, *_] = first["items"]
    assert (item["status"], item["product"]["name"]) == (SaleStatus.SCHEDULED, "Kettle")
    for _ in range(2):
        gone = client.delete(f"/api/v1/sales/{sales[1]}/follow", headers=shopper.headers)
        assert gone.status_code == 204
    assert listed(client, shopper) == [expected[0], expected[2]]
    assert listed(client, make_account()) == []


def test_what_cannot_be_followed_is_told(
    client: FlaskClient, shop: Shop, shopper: Account, follow: Callable[..., int]
) -> None:
    sale = shop.scheduled_sale()
    sale.move(SaleStatus.CANCELLED)
    assert follow(sale.id) == 410
    assert follow(uuid.uuid4()) == 404
    assert client.put(f"/api/v1/sales/{sale.id}/follow").status_code == 401
    assert listed(client, shopper) == []
