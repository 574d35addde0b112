"""Reading changes nothing, a cookie alone neither, and the control room is for admins: every route."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from models.live.keys import SaleKeys
from models.tables.rows import metadata
from tests.integration.conftest import Account
from tests.integration.test_pages_shown import BROWSER, sign_in
from tests.support.shop import SaleUnderTest, Shop
from web.http.services import Services

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
NO_PAGES = ("/ws", "/static/", "/docs", "/healthz", "/readyz", "/metrics")
# What anybody may ask for, and what is guarded by something else than the access cookie.
OPEN = {
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/session"),
    ("POST", "/session/refresh"),
    ("DELETE", "/session"),
    ("POST", "/language"),
    ("POST", "/api/v1/payments/webhooks/<string:provider>"),
    ("POST", "/api/v1/auth/verify"),  # these and the next rest on a token that was mailed, or mail one
    ("POST", "/api/v1/auth/verify/resend"),
    ("POST", "/api/v1/auth/password/forgot"),
    ("POST", "/api/v1/auth/password/reset"),
    ("POST", "/api/v1/auth/invitations/look"),
    ("POST", "/api/v1/auth/invitations/accept"),
    ("POST", "/api/v1/order-links"),
    ("POST", "/api/v1/order-links/order/cancel"),
    ("POST", "/api/v1/order-links/order/payments"),
    ("POST", "/unsubscribe/<string:word>"),
}
BEGUN_BY_READING = "/api/v1/me/export"  # a copy that nobody asked for yet is asked for by looking for it


@dataclass(frozen=True, slots=True)
class Scene:
    """A shop where something is going on, and how its ids are named in routes."""

    app: Flask
    parts: Services
    sale: SaleUnderTest
    ids: dict[str, str]

    def routes(self, methods: set[str]) -> Iterator[tuple[str, str, str]]:
        """Every route by method, with its rule and with an address that exists."""
        for rule in self.app.url_map.iter_rules():
            if not rule.rule.startswith(NO_PAGES):
                for method in sorted((rule.methods or set()) & methods):
                    values = {name: self.ids.get(name, str(uuid.uuid4())) for name in rule.arguments}
                    address = self.app.url_map.bind("localhost").build(rule.endpoint, values, method)
                    yield method, rule.rule, address

    def state(self) -> dict[str, Any]:
        """All that is stored: each table, and the sale's live state.

        A sale's mark of accepted tickets is left out: it is noted in the background, a moment after a ticket
        was told.
        """
        mark = "ARRAY['accepted', 'accepted_ticket', 'noted']"
        rows: dict[str, Any] = {}
        with self.parts.database.connection() as connection:
            for table in metadata.sorted_tables:
                row = f"(to_jsonb(t) - {mark})::text"
                query = f"SELECT md5(string_agg({row}, ' ' ORDER BY {row})) FROM {table.name} t"  # noqa: S608
                rows[table.name] = connection.scalar(text(query))
        live = self.parts.live.client.hgetall(SaleKeys.of(self.sale.id).state)
        return rows | {"live": live}


@pytest.fixture
def scene(app: Flask, parts: Services, shopper: Account) -> Scene:
    shop = Shop(parts.context)
    sale = shop.open_sale(3)
    intent = sale.submit(shopper.id)
    sale.drain()
    [order] = sale.orders()
    ids = {
        "sale_id": str(sale.id),
        "product_id": str(sale.row().product_id),
        "intent_id": intent["id"],
        "task_id": intent["id"],
        "order_id": str(order.id),
        "user_id": str(shopper.id),
        "shopper_id": str(shopper.id),
        "provider": "sandbox",
    }
    return Scene(app, parts, sale, ids)


def test_reading_changes_nothing(client: FlaskClient, scene: Scene, admin: Account) -> None:
    sign_in(client, admin)
    routes = [one for one in scene.routes({"GET"}) if one[1] != BEGUN_BY_READING]
    before = scene.state()
    broken = [
        f"{address}: {status}"
        for _method, _rule, address in routes
        if (status := client.get(address, headers=BROWSER).status_code) >= 500
    ]
    assert len(routes) > 25
    assert broken == []
    assert scene.state() == before


def test_nothing_changes_by_a_cookie_alone(client: FlaskClient, scene: Scene, admin: Account) -> None:
    sign_in(client, admin)
    routes = [one for one in scene.routes(CHANGES) if one[:2] not in OPEN]
    before = scene.state()
    answers = {
        (method, rule): client.open(address, method=method, json={}) for method, rule, address in routes
    }
    let_in = {
        route: answer.status_code
        for route, answer in answers.items()
        if (answer.status_code, answer.get_json()["code"]) != (403, "csrf_failed")
    }
    assert len(routes) > 20
    assert let_in == {}
    assert scene.state() == before
