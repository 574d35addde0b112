"""The control room is for admins; each of its pages says so when there is nothing, and bears any name."""

import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from models.tables.accounts import User
from models.tables.catalogue import Product
from tests.integration.conftest import Account
from tests.integration.control_pages import in_german, is_harmless
from tests.integration.test_pages_shown import BROWSER, read, sign_in
from tests.support.shop import Shop

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def paths(app: Flask) -> list[str]:
    """Every page of the control room, with an id that nothing has."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]
    assert all((rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"} for rule in rules)
    adapter = app.url_map.bind("")
    return [adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, uuid.uuid4())) for rule in rules]


def test_every_page_is_refused_to_others_with_a_way_to_log_in(
    app: Flask, client: FlaskClient, shopper: Account
) -> None:
    asked = paths(app)
    assert len(asked) >= 12
    for path in asked:
        page = read(client, path, 401)
        assert f'href="/login?next={path}"' in page
    sign_in(client, shopper)
    assert [client.get(path, headers=BROWSER).status_code for path in asked] == [403] * len(asked)


def test_what_is_not_there_is_told_in_a_page(client: FlaskClient, app: Flask, admin: Account) -> None:
    sign_in(client, admin)
    of_nothing = [path for path in paths(app) if path.count("-") >= 4]
    assert len(of_nothing) >= 6
    for path in of_nothing:
        assert "There is nothing here" in read(client, path, 404)


@pytest.mark.parametrize(
    ("path", "words", "german"),
    [
        ("/admin", "No sales yet", "Noch keine Verkäufe"),
        ("/admin/sales/new", "There is no product yet", "Es gibt noch kein Produkt"),
        ("/admin/products", "No products yet", "Noch keine Produkte"),
        ("/admin/compare", "No sales yet", "Noch keine Verkäufe"),
        ("/admin/orders", "No orders yet", "Noch keine Bestellungen"),
        ("/admin/orders?query=nothing", "Nothing found", "Nichts gefunden"),
        ("/admin/shoppers?query=nothing", "Nothing found", "Nichts gefunden"),
        ("/admin/tasks", "No tasks yet", "Noch keine Aufgaben"),
        ("/admin/log", "Nothing was done yet", "Noch ist nichts geschehen"),
    ],
)
def test_an_empty_page_says_so_in_the_visitors_language(
    client: FlaskClient, admin: Account, path: str, words: str, german: str
) -> None:
    sign_in(client, admin)
    assert words in read(client, path)
    assert german in in_german(client, path)


@pytest.mark.parametrize(
    "query", ["status=lost", "cursor=nonsense", "limit=0", "sale_id=not-an-id", "query=%00"]
)
def test_an_address_that_asks_for_what_cannot_be_is_told_in_a_page(
    client: FlaskClient, admin: Account, query: str
) -> None:
    sign_in(client, admin)
    assert "That did not work" in read(client, f"/admin/orders?{query}", 422)


def test_a_field_that_was_left_empty_asks_for_nothing(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    shop.drained_sale(asked=1)
    sign_in(client, admin)
    assert "Kettle" in read(client, "/admin/orders?query=&sale_id=&status=&cursor=")


def test_names_that_are_markup_stay_names_everywhere(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account
) -> None:
    sale = shop.open_sale(1)
    sale.line_up([shopper.id])
    sale.drain()
    with shop.context.database.transaction() as session:
        session.execute(update(Product).values(name=HOSTILE, description=HOSTILE, image_url=HOSTILE))
        session.execute(update(User).where(User.id == shopper.id).values(name=HOSTILE[:100]))
    renamed = {"name": f"{HOSTILE} once more"}
    product = sale.row().product_id
    assert client.patch(f"/api/v1/products/{product}", json=renamed, headers=admin.headers).status_code == 200
    ban = {"reason": HOSTILE}
    path = f"/api/v1/admin/shoppers/{shopper.id}/ban"
    assert client.post(path, json=ban, headers=admin.headers).status_code == 200
    sign_in(client, admin)
    [order], [intent] = sale.orders(), sale.intents()
    shown = [
        "/admin",
        "/admin/sales/new",
        f"/admin/sales/{sale.id}/edit",
        f"/admin/sales/{sale.id}/clone",
        "/admin/products",
        f"/admin/products/{product}/edit",
        "/admin/orders?query=" + shopper.email,
        f"/admin/orders/{order.id}",
        "/admin/shoppers?banned=true",
        f"/admin/shoppers/{shopper.id}",
        "/admin/tasks",
        f"/admin/tasks/{intent.id}",
        "/admin/log",
        f"/admin/sales/{sale.id}/report",
        f"/admin/compare?a={sale.id}&b={sale.id}",
    ]
    assert [path for path in shown if not is_harmless(read(client, path))] == []
    assert "&lt;script&gt;alert(1)" in read(client, "/admin/log")
