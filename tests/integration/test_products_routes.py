"""Products: who may do what with them, and how they are listed."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models.enums import SaleStatus
from models.tables.catalogue import Product, Sale
from tests.integration.conftest import Account
from tests.support.pages import pages
from web.http.services import Services

PRODUCTS = "/api/v1/products"
LAMP: dict[str, Any] = {"name": "Lamp", "list_price": {"amount_minor": 1999, "currency": "USD"}}


def make(client: FlaskClient, admin: Account, **changes: Any) -> dict[str, Any]:
    answer = client.post(PRODUCTS, json={**LAMP, **changes}, headers=admin.headers)
    assert answer.status_code == 201
    made: dict[str, Any] = answer.get_json()
    return made


def put_on_sale(parts: Services, product_id: str, status: SaleStatus) -> None:
    now = datetime.now(UTC)
    with parts.database.transaction() as session:
        session.add(
            Sale(
                product_id=uuid.UUID(product_id),
                status=status,
                price_minor=1,
                currency="USD",
                allocation=1,
                opens_at=now,
                closes_at=now + timedelta(hours=1),
            )
        )


def test_a_product_is_shown_as_it_was_made(client: FlaskClient, admin: Account) -> None:
    made = make(client, admin, description="Bright", image_url="/static/lamp.svg")
    assert made == {
        "id": made["id"],
        "name": "Lamp",
        "description": "Bright",
        "image_url": "/static/lamp.svg",
        "list_price": {"amount_minor": 1999, "currency": "USD"},
    }
    assert client.get(f"{PRODUCTS}/{made['id']}").get_json() == made
    assert client.get(PRODUCTS).get_json() == {"items": [made], "next_cursor": None}


@pytest.mark.parametrize("field", ["name", "description", "image_url"])
def test_what_shoppers_are_shown_is_what_it_looks_like(
    client: FlaskClient, admin: Account, field: str
) -> None:
    one = f"{PRODUCTS}/{make(client, admin)['id']}"
    for text in ("/L\u202eamp", "/L\u0085amp", "/\u200bLamp"):
        for method, path, body in (("POST", PRODUCTS, LAMP), ("PATCH", one, {})):
            answer = client.open(path, method=method, json={**body, field: text}, headers=admin.headers)
            assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_a_patch_changes_what_it_names(client: FlaskClient, admin: Account) -> None:
    made = make(client, admin, image_url="https://example.com/lamp.png")
    one = f"{PRODUCTS}/{made['id']}"
    price = {"amount_minor": 0, "currency": "EUR"}
    answer = client.patch(one, json={"list_price": price, "image_url": None}, headers=admin.headers)
    assert (answer.status_code, answer.get_json()) == (200, {**made, "list_price": price, "image_url": None})
    assert client.patch(one, json={}, headers=admin.headers).get_json() == answer.get_json()


def test_an_archived_product_is_gone(client: FlaskClient, admin: Account) -> None:
    one = f"{PRODUCTS}/{make(client, admin)['id']}"
    assert client.delete(one, headers=admin.headers).status_code == 204
    assert client.get(PRODUCTS).get_json()["items"] == []
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.open(
            one, method=method, json={} if method == "PATCH" else None, headers=admin.headers
        )
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("status", [SaleStatus.SCHEDULED, SaleStatus.OPEN, SaleStatus.PAUSED])
def test_a_product_on_sale_stays(
    client: FlaskClient, admin: Account, parts: Services, status: SaleStatus
) -> None:
    made = make(client, admin)
    put_on_sale(parts, made["id"], status)
    answer = client.delete(f"{PRODUCTS}/{made['id']}", headers=admin.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "product_in_use")
    assert client.get(f"{PRODUCTS}/{made['id']}").status_code == 200


@pytest.mark.parametrize("status", [SaleStatus.ENDED, SaleStatus.CANCELLED])
def test_a_product_whose_sales_are_over_may_go(
    client: FlaskClient, admin: Account, parts: Services, status: SaleStatus
) -> None:
    made = make(client, admin)
    put_on_sale(parts, made["id"], status)
    assert client.delete(f"{PRODUCTS}/{made['id']}", headers=admin.headers).status_code == 204


def test_pages_meet_every_product_once_newest_first(
    client: FlaskClient, admin: Account, parts: Services
) -> None:
    made = [make(client, admin, name=f"Lamp {number}")["id"] for number in range(7)]
    with parts.database.transaction() as session:  # made at one instant, so that only the id tells them apart
        session.execute(update(Product).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    seen = [item["id"] for item in pages(client, f"{PRODUCTS}?limit=3", {})]
    assert seen == sorted(made, reverse=True)


def test_a_row_that_comes_in_between_shifts_no_page(client: FlaskClient, admin: Account) -> None:
    old = [make(client, admin)["id"] for _ in range(4)][::-1]
    first = client.get(PRODUCTS, query_string={"limit": "2"}).get_json()
    make(client, admin)
    second = client.get(PRODUCTS, query_string={"cursor": first["next_cursor"]}).get_json()
    assert [item["id"] for item in first["items"] + second["items"]] == old


def test_a_page_that_ends_with_the_last_row_names_no_next(client: FlaskClient, admin: Account) -> None:
    for _ in range(2):
        make(client, admin)
    assert client.get(PRODUCTS, query_string={"limit": "2"}).get_json()["next_cursor"] is None
