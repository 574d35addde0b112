"""`/sales`: what everybody sees, what admins do, and that nothing sent there breaks anything."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import Account
from tests.support.pages import pages
from tests.support.problems import BAD_CURSORS, BAD_LIMITS, RAW_BODIES, assert_problem
from tests.support.shop import Shop

NOW = datetime.now(UTC)
VERBS = ("open", "pause", "resume", "end", "cancel")
BAD_VALUES: dict[str, list[Any]] = {
    "product_id": ["x", "", 1, None, [], str(uuid.UUID(int=7))[:-1]],
    "allocation": [0, -1, 1.5, "5", None, True, 10**7 + 1, 2**31, 10**30, [], {}],
    "price": [
        1,
        None,
        {},
        {"amount_minor": -1, "currency": "USD"},
        {"amount_minor": 1.5, "currency": "USD"},
        {"amount_minor": 1, "currency": "usd"},
        {"amount_minor": 10**12, "currency": "USD"},
        {"amount_minor": 1, "currency": "EUR"},
    ],
    "opens_at": ["now", "2030-01-01", "2030-01-01T00:00:00", "9999-12-31T23:59:59Z", 5, None, []],
    "closes_at": ["later", "1999-01-01T00:00:00Z", "2030-13-01T00:00:00Z", 1, None, {}],
    "per_shopper_limit": [0, -1, "1", 1.0, None, 10**8],
    "hold_seconds": [0, -1, "60", 604_801, None],
    "requires_verified_email": ["yes", 1, None],
    "admission": [
        1,
        None,
        "fifo",
        {"order": "lifo"},
        {"order": None},
        {"rate_per_second": 0},
        {"rate_per_second": "5"},
        {"max_open_holds": -1},
        {"surprise": 1},
    ],
    "surprise": [1],
    "status": ["open"],
    "held": [0],
}


def good(shop: Shop) -> dict[str, Any]:
    return {
        "product_id": str(shop.product()),
        "allocation": 5,
        "price": {"amount_minor": 1_000, "currency": "USD"},
        "opens_at": (NOW + timedelta(hours=1)).isoformat(),
        "closes_at": (NOW + timedelta(hours=2)).isoformat(),
    }


def count(client: FlaskClient) -> int:
    return len(client.get("/api/v1/sales").get_json()["items"])


def test_an_admin_creates_a_sale_that_everybody_sees(client: FlaskClient, shop: Shop, admin: Account) -> None:
    body = good(shop) | {"requires_verified_email": True}
    answer = client.post("/api/v1/sales", json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.data
    seen = client.get(answer.headers["Location"]).get_json()
    assert (seen["status"], seen["allocation"], seen["available"]) == ("scheduled", 5, 5)
    assert seen["requires_verified_email"] is True
    assert seen["allocation"] == seen["available"] + seen["held"] + seen["sold"]
    assert set(seen["queue"]) == {"waiting", "standby", "last_ticket", "now_serving", "standby_places"}


@pytest.mark.parametrize("field", BAD_VALUES)
def test_no_value_of_a_field_creates_a_sale_or_breaks_anything(
    client: FlaskClient, shop: Shop, admin: Account, field: str
) -> None:
    body = good(shop)
    for value in BAD_VALUES[field]:
        sent = json.dumps({**body, field: value})
        answer = client.post(
            "/api/v1/sales", data=sent, content_type="application/json", headers=admin.headers
        )
        assert_problem(answer, 400, 404, 422)
    assert count(client) == 0


@pytest.mark.parametrize("field", BAD_VALUES)
def test_no_value_of_a_field_changes_a_sale_or_breaks_anything(
    client: FlaskClient, shop: Shop, admin: Account, field: str
) -> None:
    sale = shop.open_sale()
    before = sale.row().revision
    for value in BAD_VALUES[field]:
        if (field, value) == ("allocation", 0):
            continue  # an allocation may be cut to nothing
        answer = client.patch(
            f"/api/v1/sales/{sale.id}",
            data=json.dumps({field: value}),
            content_type="application/json",
            headers=admin.headers,
        )
        assert_problem(answer, 400, 404, 409, 422)
    assert (sale.row().revision, sale.row().allocation) == (before, 10)


@pytest.mark.parametrize("name", RAW_BODIES)
def test_a_body_that_is_no_sale_is_refused(
    client: FlaskClient, shop: Shop, admin: Account, name: str
) -> None:
    sale = shop.open_sale()
    for method, path in (("POST", "/api/v1/sales"), ("PATCH", f"/api/v1/sales/{sale.id}")):
        answer = client.open(
            path,
            method=method,
            data=RAW_BODIES[name],
            content_type="application/json",
            headers=admin.headers,
        )
        assert_problem(answer, 400, 413, 422)


def test_a_sale_is_led_through_its_life(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.scheduled_sale()

    def do(verb: str) -> tuple[int, str]:
        answer = client.post(f"/api/v1/sales/{sale.id}/{verb}", headers=admin.headers)
        told = answer.get_json(force=True)
        return answer.status_code, told.get("code", told["status"])

    assert do("resume") == (409, "illegal_transition")
    assert do("open") == (200, "open")
    assert do("open") == (409, "illegal_transition")
    assert do("pause") == (200, "paused")
    assert do("open") == (409, "illegal_transition")
    assert do("resume") == (200, "open")
    assert do("end") == (200, "ended")
    for verb in VERBS:
        assert do(verb) == (409, "illegal_transition")


def test_verbs_on_no_sale_are_not_found(client: FlaskClient, admin: Account) -> None:
    nowhere = f"/api/v1/sales/{uuid.uuid4()}"
    assert_problem(client.get(nowhere), 404, code="no_such_sale")
    assert_problem(client.patch(nowhere, json={}, headers=admin.headers), 404)
    for verb in VERBS:
        assert_problem(client.post(f"{nowhere}/{verb}", headers=admin.headers), 404, code="no_such_sale")


def test_a_cut_below_what_is_held_is_told(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.drained_sale(5, asked=4)
    cut = client.patch(f"/api/v1/sales/{sale.id}", json={"allocation": 3}, headers=admin.headers)
    assert_problem(cut, 409, code="allocation_too_small")
    raised = client.patch(
        f"/api/v1/sales/{sale.id}", json={"allocation": 8}, headers=admin.headers
    ).get_json()
    assert (raised["allocation"], raised["available"], raised["held"]) == (8, 4, 4)


def test_sales_are_paged_and_narrowed(client: FlaskClient, shop: Shop) -> None:
    made = [str(shop.open_sale().id) for _ in range(4)] + [str(shop.scheduled_sale().id)]
    found = [one["id"] for one in pages(client, "/api/v1/sales?limit=2", {})]
    assert found == made[::-1]
    narrowed = client.get("/api/v1/sales?status=scheduled").get_json()["items"]
    assert [one["id"] for one in narrowed] == made[-1:]


def test_a_bad_list_is_refused(client: FlaskClient) -> None:
    for cursor in BAD_CURSORS:
        assert_problem(client.get(f"/api/v1/sales?cursor={cursor}"), 422)
    for limit in BAD_LIMITS:
        assert_problem(client.get(f"/api/v1/sales?limit={limit}"), 422)
    assert_problem(client.get("/api/v1/sales?status=closed"), 422)
