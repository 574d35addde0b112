"""Keys for programs: what they open, what they do not, and how soon a revoked one is refused everywhere."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from models.tables.accounts import ApiKey
from tests.integration.conftest import Account, MakeApp
from tests.oracle.routes import ID
from tests.support.polling import eventually
from tests.support.problems import assert_problem
from tests.support.shop import SaleUnderTest, Shop
from web.http.services import Services

KEYS = "/api/v1/admin/api-keys"
LOG = "/api/v1/admin/log"
DEADLINE_S = 10.0


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale."""
    return shop.open_sale(5)


def make(client: FlaskClient, by: Account, staff_role: str = "operator", **more: Any) -> dict[str, Any]:
    asked = {"name": "Nightly report", "staff_role": staff_role, **more}
    answer = client.post(KEYS, json=asked, headers=by.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_does_what_its_role_may_and_the_log_names_it(
    client: FlaskClient, admin: Account, sale: SaleUnderTest
) -> None:
    made = make(client, admin)
    headers = bearer(made["key"])
    assert client.post(f"/api/v1/sales/{sale.id}/pause", headers=headers).status_code == 200
    refused = client.post(f"/api/v1/orders/{ID}/refund", json={}, headers=headers)
    assert assert_problem(refused, 403, code="forbidden")["permission"] == "money.refund"
    entry = client.get(LOG, headers=headers).get_json()["items"][0]
    assert (entry["deed"], entry["subject_id"]) == ("paused", str(sale.id))
    assert entry["key"] == {"id": made["id"], "name": "Nightly report"}
    assert entry["actor"] == {"id": str(admin.id), "email": admin.email}
    [made_entry] = client.get(f"{LOG}?subject_kind=key", headers=headers).get_json()["items"]
    assert (made_entry["deed"], made_entry["subject_id"], made_entry["key"]) == ("created", made["id"], None)
    assert made["key"] not in str(made_entry)


def test_a_key_is_told_once_and_kept_as_a_digest(
    client: FlaskClient, parts: Services, admin: Account
) -> None:
    made = make(client, admin)
    assert made["key"].startswith("fsk_")
    assert len(made["key"]) > 40
    [listed] = client.get(KEYS, headers=admin.headers).get_json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert listed["beginning"] == made["key"][:12]
    with parts.database.transaction() as session:
        row = session.scalars(select(ApiKey)).one()
        assert all(made["key"] not in str(getattr(row, name.key)) for name in ApiKey.__table__.columns)


def test_a_key_is_no_shopper_and_manages_neither_staff_nor_keys(
    client: FlaskClient, admin: Account, sale: SaleUnderTest
) -> None:
    headers = bearer(make(client, admin, "owner")["key"])
    for method, path, asked in (
        ("POST", f"/api/v1/sales/{sale.id}/intents", {}),
        ("POST", f"/api/v1/orders/{ID}/payments", {"method": "sandbox_ok"}),
        ("POST", f"/api/v1/orders/{ID}/cancel", {}),
        ("DELETE", f"/api/v1/intents/{ID}", None),
        ("GET", f"/api/v1/sales/{sale.id}/standing", None),
        ("GET", "/api/v1/me", None),
        ("GET", "/admin", None),
    ):
        refused = client.open(path, method=method, json=asked, headers=headers)
        assert_problem(refused, 403, code="not_for_keys")
    for path in (KEYS, "/api/v1/admin/staff", "/api/v1/admin/staff/invitations"):
        assert_problem(client.get(path, headers=headers), 403, code="forbidden")
    for path in ("/orders", "/account"):
        assert client.get(path, headers=headers).status_code == 303


def test_a_key_sees_what_staff_see_of_shoppers(
    client: FlaskClient, admin: Account, shopper: Account, sale: SaleUnderTest
) -> None:
    headers = bearer(make(client, admin, "viewer")["key"])
    intent = sale.submit(shopper.id)["id"]
    sale.drain()
    for path in (f"/intents/{intent}", "/intents", f"/tasks/{intent}", "/orders"):
        assert client.get(f"/api/v1{path}", headers=headers).status_code == 200, path
    receipt = client.get(f"/api/v1/orders/{sale.orders()[0].id}/receipt", headers=headers)
    assert_problem(receipt, 403, code="forbidden")


@pytest.mark.parametrize("change", ["none", "revoked_at", "expires_at"])
def test_a_key_that_does_not_count_is_a_401(
    client: FlaskClient, parts: Services, admin: Account, change: str
) -> None:
    key = make(client, admin)["key"]
    if change == "none":
        key = f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}"
    else:
        with parts.database.transaction() as session:
            session.execute(update(ApiKey).values({change: func.now() - timedelta(seconds=1)}))
    refused = client.get(LOG, headers=bearer(key))
    told = assert_problem(refused, 401, code="unauthenticated")
    assert told["detail"] == "The key is unknown, was revoked or has expired."


def test_a_revoked_key_is_refused_everywhere_soon(
    client: FlaskClient, make_app: MakeApp, admin: Account
) -> None:
    other = make_app().test_client()  # another process
    made = make(client, admin)
    headers = bearer(made["key"])
    assert other.get(LOG, headers=headers).status_code == 200
    assert client.get(LOG, headers=headers).status_code == 200
    assert client.delete(f"{KEYS}/{made['id']}", headers=admin.headers).status_code == 204
    assert client.get(LOG, headers=headers).status_code == 401
    eventually(lambda: other.get(LOG, headers=headers).status_code == 401, DEADLINE_S)
    assert client.delete(f"{KEYS}/{made['id']}", headers=admin.headers).status_code == 204
    assert_problem(client.delete(f"{KEYS}/{ID}", headers=admin.headers), 404)


def test_when_a_key_was_used_is_noted_once_a_minute(
    client: FlaskClient, parts: Services, admin: Account
) -> None:
    made = make(client, admin)
    digests = parts.keys._known

    def use() -> datetime | None:
        digests.clear()
        assert client.get(LOG, headers=bearer(made["key"])).status_code == 200
        with parts.database.transaction() as session:
            return session.scalar(select(ApiKey.last_used_at))

    first = use()
    assert first is not None
    assert use() == first
    with parts.database.transaction() as session:
        session.execute(update(ApiKey).values(last_used_at=first - timedelta(seconds=61)))
    again = use()
    assert again is not None
    assert again > first


def test_each_key_has_the_limit_of_an_account(
    client: FlaskClient, make_app: MakeApp, parts: Services, admin: Account
) -> None:
    rates = replace(parts.settings.rate_limits, api="2/hour")
    limited = make_app(rate_limits=rates).test_client()
    for key in (make(client, admin)["key"], make(client, admin)["key"]):
        codes = [limited.get(LOG, headers=bearer(key)).status_code for _ in range(3)]
        assert codes == [200, 200, 429]


def test_a_key_cannot_have_expired_before_it_begins(client: FlaskClient, admin: Account) -> None:
    asked = {"name": "Late", "staff_role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}
    refused = client.post(KEYS, json=asked, headers=admin.headers)
    assert "expires_at" in assert_problem(refused, 422, code="invalid_fields")["errors"]
    until = datetime.now(UTC) + timedelta(days=1)
    assert make(client, admin, expires_at=until.isoformat())["expires_at"] is not None
