"""The admins' log: each action leaves one entry with its actor, and what fails leaves none."""

import uuid
from typing import Any

from flask.testing import FlaskClient

from tests.integration.conftest import Account
from tests.support.shop import Shop

LOG = "/api/v1/admin/log"


def entries(client: FlaskClient, admin: Account, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(LOG, query_string=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def test_every_verb_on_a_sale_is_logged_with_who_did_it(
    client: FlaskClient, shop: Shop, admin: Account, make_account: Any
) -> None:
    other, sale = make_account("admin"), shop.scheduled_sale()
    for verb, who in (("open", admin), ("pause", other), ("resume", admin), ("end", other)):
        assert client.post(f"/api/v1/sales/{sale.id}/{verb}", headers=who.headers).status_code == 200
    found = entries(client, admin, subject_id=sale.id)
    assert [(one["deed"], one["actor"]["email"]) for one in reversed(found)] == [
        ("opened", admin.email),
        ("paused", other.email),
        ("resumed", admin.email),
        ("ended", other.email),
    ]
    assert [one["deed"] for one in entries(client, admin, actor_id=other.id)] == ["ended", "paused"]


def test_a_change_is_logged_with_what_was_before_and_what_is_now(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale(5)
    price = {"amount_minor": 999, "currency": "USD"}
    body = {"price": price, "allocation": 7, "admission": {"rate_per_second": 3}}
    assert client.patch(f"/api/v1/sales/{sale.id}", json=body, headers=admin.headers).status_code == 200
    [entry] = entries(client, admin, subject_id=sale.id)
    assert (entry["deed"], entry["subject_kind"]) == ("changed", "sale")
    assert entry["details"] == {
        "price_minor": [1999, 999],
        "allocation": [5, 7],
        "rate_per_second": [None, 3],
    }


def test_what_is_refused_is_not_logged(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale()
    assert client.post(f"/api/v1/sales/{sale.id}/resume", headers=admin.headers).status_code == 409
    assert (
        client.patch(
            f"/api/v1/sales/{sale.id}", json={"closes_at": "2001-01-01T00:00:00Z"}, headers=admin.headers
        ).status_code
        == 422
    )
    assert entries(client, admin) == []


def test_what_the_platform_does_by_itself_is_not_logged(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.scheduled_sale(opens_in_s=-1)
    shop.sweep()
    assert sale.row().status == "open"
    assert entries(client, admin) == []


def test_deeds_on_products_are_logged(client: FlaskClient, admin: Account) -> None:
    body = {"name": "Lamp", "list_price": {"amount_minor": 500, "currency": "USD"}}
    product = client.post("/api/v1/products", json=body, headers=admin.headers).get_json()
    path = f"/api/v1/products/{product['id']}"
    client.patch(path, json={"name": "Lantern"}, headers=admin.headers)
    client.delete(path, headers=admin.headers)
    found = entries(client, admin, subject_id=product["id"])
    assert [one["deed"] for one in found] == ["archived", "changed", "created"]
    assert found[1]["details"] == {"name": ["Lamp", "Lantern"]}


def test_an_action_by_the_command_line_has_no_actor(
    app: Any, client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale()
    result = app.test_cli_runner().invoke(args=["sales", "rebuild", str(sale.id)])
    assert result.exit_code == 0, result.output
    [entry] = entries(client, admin, subject_id=sale.id)
    assert (entry["deed"], entry["actor"], entry["details"]) == ("rebuilt", None, {"dropped": 0})


def test_the_log_is_paged(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.scheduled_sale()
    for verb in ("open", "pause", "resume"):
        client.post(f"/api/v1/sales/{sale.id}/{verb}", headers=admin.headers)
    first = client.get(LOG, query_string={"limit": 2}, headers=admin.headers).get_json()
    rest = client.get(LOG, query_string={"cursor": first["next_cursor"]}, headers=admin.headers).get_json()
    assert [one["deed"] for one in first["items"] + rest["items"]] == ["resumed", "paused", "opened"]
    assert rest["next_cursor"] is None
    assert client.get(LOG, query_string={"cursor": "x"}, headers=admin.headers).status_code == 422


def test_a_clone_has_the_settings_of_its_model_and_times_of_its_own(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    model = shop.scheduled_sale(7, limit=3, rate_per_second=5, max_open_holds=4, hold_seconds=60)
    times = {"opens_at": "2030-01-01T10:00:00Z", "closes_at": "2030-01-01T11:00:00Z"}
    path = f"/api/v1/sales/{model.id}/clone"
    answer = client.post(path, json=times, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    clone, of_model = answer.get_json(), client.get(f"/api/v1/sales/{model.id}").get_json()
    same = ("price", "allocation", "per_shopper_limit", "hold_seconds")
    assert {name: clone[name] for name in same} == {name: of_model[name] for name in same}
    assert clone["admission"]["rate_per_second"] == 5
    assert (clone["status"], clone["opens_at"]) == ("scheduled", "2030-01-01T10:00:00.000Z")
    [entry] = entries(client, admin, subject_id=clone["id"])
    assert (entry["deed"], entry["details"]["model_id"]) == ("cloned", str(model.id))
    assert (
        client.post(f"/api/v1/sales/{uuid.uuid4()}/clone", json=times, headers=admin.headers).status_code
        == 404
    )
    backwards = {"opens_at": times["closes_at"], "closes_at": times["opens_at"]}
    assert client.post(path, json=backwards, headers=admin.headers).status_code == 422
