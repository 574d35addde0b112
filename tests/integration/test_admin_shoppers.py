"""Finding shoppers, and banning them: out of everything within two seconds, and let in again."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, update

from models.enums import OrderStatus
from models.tables.accounts import User
from tasks.background import queue
from tests.integration.conftest import PASSWORD, Account, MakeAccount
from tests.support.paying import Till
from tests.support.polling import eventually
from tests.support.shop import Shop

SHOPPERS = "/api/v1/admin/shoppers"


def found(client: FlaskClient, admin: Account, **query: Any) -> list[str]:
    answer = client.get(SHOPPERS, query_string=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return [one["email"] for one in answer.get_json()["items"]]


def ban(client: FlaskClient, admin: Account, who: Account, reason: str | None = None) -> dict[str, Any]:
    answer = client.post(f"{SHOPPERS}/{who.id}/ban", json={"reason": reason}, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def log_in(client: FlaskClient, who: Account) -> Any:
    return client.post("/api/v1/auth/login", json={"email": who.email, "password": PASSWORD})


@pytest.mark.parametrize("depths", [(500,), ()], ids=["among the newest", "by the index"])
def test_a_part_of_a_name_pages_through_the_newest_accounts(
    client: FlaskClient, shop: Shop, admin: Account, monkeypatch: pytest.MonkeyPatch, depths: tuple[int, ...]
) -> None:
    monkeypatch.setattr("models.queries.paging.DEPTHS", depths)
    people = shop.shoppers(4)
    with shop.context.database.transaction() as session:
        for at, person in enumerate(people[:3]):
            changed = {"name": "王伟", "created_at": func.now() + timedelta(hours=at)}
            session.execute(update(User).where(User.id == person).values(**changed))
    query, seen = {"query": "王伟", "limit": 1}, []
    while (page := client.get(SHOPPERS, query_string=query, headers=admin.headers).get_json())["items"]:
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [str(one) for one in reversed(people[:3])]


def test_a_ban_ends_every_log_in_here_and_in_other_processes(
    client: FlaskClient, make_app: Any, admin: Account, shopper: Account
) -> None:
    elsewhere: FlaskClient = make_app().test_client()
    assert elsewhere.get("/api/v1/me", headers=shopper.headers).status_code == 200
    told = ban(client, admin, shopper, "bots")
    assert (told["ban_reason"], told["banned_at"] is not None) == ("bots", True)
    assert client.get("/api/v1/me", headers=shopper.headers).status_code == 401
    eventually(lambda: elsewhere.get("/api/v1/me", headers=shopper.headers).status_code == 401)
    assert client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers).status_code == 401
    refused = log_in(client, shopper)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "banned")
    assert found(client, admin, banned="true") == [shopper.email]


def test_who_does_not_know_the_password_does_not_learn_of_the_ban(
    client: FlaskClient, admin: Account, shopper: Account
) -> None:
    ban(client, admin, shopper)
    wrong = client.post("/api/v1/auth/login", json={"email": shopper.email, "password": "wrong" * 4})
    assert (wrong.status_code, wrong.get_json()["code"]) == (401, "bad_credentials")


def test_a_banned_shopper_leaves_every_line_and_gives_holds_up_but_keeps_what_is_paid(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account
) -> None:
    paid, held, line = shop.open_sale(1), shop.open_sale(1), shop.open_sale(1)
    for sale in (paid, held):
        sale.submit(shopper.id)
        sale.drain()
    Till.over(shop.context).pay(paid.orders()[0])
    waiting = held.submit(shop.shopper())
    held.drain()
    line.submit(shopper.id)
    ban(client, admin, shopper)
    shop.work_off()
    shop.sweep()
    for sale in (held, line):
        sale.drain()
    assert line.statuses() == ["left"]
    assert [order.status for order in held.orders() if order.user_id == shopper.id] == [OrderStatus.CANCELLED]
    assert held.statuses() == ["held", "held"], waiting
    assert [order.status for order in paid.orders()] == [OrderStatus.PAID]
    assert all(sale.audit().ok for sale in (held, line))


def test_an_unbanned_shopper_may_log_in_again(client: FlaskClient, admin: Account, shopper: Account) -> None:
    ban(client, admin, shopper)
    answer = client.post(f"{SHOPPERS}/{shopper.id}/unban", headers=admin.headers)
    assert answer.get_json()["banned_at"] is None
    assert log_in(client, shopper).status_code == 200
    assert client.get("/api/v1/me", headers=shopper.headers).status_code == 401


def test_admins_cannot_be_banned(client: FlaskClient, admin: Account, make_account: MakeAccount) -> None:
    other = make_account("admin")
    refused = client.post(f"{SHOPPERS}/{other.id}/ban", json={}, headers=admin.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "cannot_ban")
    assert client.post(f"{SHOPPERS}/{uuid.uuid4()}/ban", json={}, headers=admin.headers).status_code == 404


def test_a_ban_and_its_end_are_logged(client: FlaskClient, admin: Account, shopper: Account) -> None:
    ban(client, admin, shopper, "bots")
    client.post(f"{SHOPPERS}/{shopper.id}/unban", headers=admin.headers)
    client.post(f"{SHOPPERS}/{shopper.id}/unban", headers=admin.headers)
    query = {"subject_id": str(shopper.id)}
    log = client.get("/api/v1/admin/log", query_string=query, headers=admin.headers).get_json()["items"]
    assert [(one["deed"], one["details"]) for one in log] == [
        ("unbanned", {}),
        ("banned", {"reason": "bots"}),
    ]


def test_a_failed_background_task_is_tried_again_on_demand(
    app: Flask, client: FlaskClient, shop: Shop, admin: Account
) -> None:
    assert app
    task = queue.ask_for(shop.context, "audit", sale_id=None)
    for _ in range(queue.MOST_ATTEMPTS):
        queue.run(shop.context, task.id)
    path = f"/api/v1/tasks/{task.id}"
    assert client.get(path, headers=admin.headers).get_json()["state"] == "FAILURE"
    answer = client.post(f"{path}/retry", headers=admin.headers)
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["attempts"]) == (
        202,
        "RETRY",
        0,
    )
    again = client.post(f"{path}/retry", headers=admin.headers)
    assert (again.status_code, again.get_json()["code"]) == (409, "not_failed")
