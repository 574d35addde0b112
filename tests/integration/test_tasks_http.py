"""`/tasks`: intents and background work in Celery's words, and the audit."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.enums import SaleStatus
from tasks.background import queue
from tasks.context import Context
from tasks.intents import submit
from tests.integration.conftest import Account, MakeAccount
from tests.support.pages import pages
from tests.support.problems import BAD_CURSORS, BAD_LIMITS, assert_problem
from tests.support.shop import SaleUnderTest, Shop


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale of 2 units."""
    return shop.open_sale(2)


def task(client: FlaskClient, task_id: object, who: Account) -> dict[str, Any]:
    answer = client.get(f"/api/v1/tasks/{task_id}", headers=who.headers)
    assert answer.status_code == 200, answer.data
    found: dict[str, Any] = answer.get_json()
    return found


def test_an_intent_is_a_task_of_the_same_id(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account
) -> None:
    intent = sale.submit(shopper.id)
    before = task(client, intent["id"], shopper)
    assert (before["task_id"], before["kind"], before["state"]) == (intent["id"], "intent", "PENDING")
    assert (before["finished_at"], before["attempts"], before["result"]) == (None, 0, None)
    sale.drain()
    after = task(client, intent["id"], shopper)
    assert (after["state"], after["attempts"], after["error"]) == ("SUCCESS", 1, None)
    assert after["result"]["status"] == "held"
    assert after["finished_at"] is not None


def test_every_status_has_its_state(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale(1)
    people = shop.shoppers(3)
    ids = sale.line_up(people)
    sale.leave(people[2], ids[2])
    assert [task(client, one, admin)["state"] for one in ids] == ["PENDING", "PENDING", "REVOKED"]
    sale.drain()
    assert [task(client, one, admin)["state"] for one in ids] == ["SUCCESS", "STARTED", "REVOKED"]
    sale.move(SaleStatus.CANCELLED)
    sale.drain()
    rejected = task(client, ids[1], admin)
    assert (rejected["state"], rejected["error"]) == ("FAILURE", "sale_cancelled")


def test_a_task_is_seen_by_its_owner_and_admins(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account, make_account: MakeAccount
) -> None:
    intent = sale.submit(shopper.id)["id"]
    assert_problem(client.get(f"/api/v1/tasks/{intent}", headers=make_account().headers), 404)
    assert_problem(client.get(f"/api/v1/tasks/{intent}"), 401)
    assert_problem(client.get(f"/api/v1/tasks/{uuid.uuid4()}", headers=shopper.headers), 404)


def listed(client: FlaskClient, admin: Account, query: str) -> list[dict[str, Any]]:
    """Read the whole list, two at a time."""
    return pages(client, f"/api/v1/tasks?limit=2&{query}", admin.headers)


def test_the_list_of_a_sale_shows_line_and_ledger(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    first = sale.line_up(shop.shoppers(3))
    sale.drain()
    second = sale.line_up(shop.shoppers(2))
    found = listed(client, admin, f"kind=intent&sale_id={sale.id}")
    assert [one["task_id"] for one in found] == [str(one) for one in (first + second)[::-1]]
    for state, count in (("PENDING", 2), ("SUCCESS", 2), ("STARTED", 1), ("FAILURE", 0)):
        narrowed = listed(client, admin, f"kind=intent&sale_id={sale.id}&state={state}")
        assert [one["state"] for one in narrowed] == [state] * count


def test_who_left_a_long_line_is_found_in_it_and_ends_no_list(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "LINE_PAGE", 2)
    people = shop.shoppers(7)
    ids = sale.line_up(people)
    for gone in (1, 4, 5):
        sale.leave(people[gone], ids[gone])
    for state, places in (("PENDING", (6, 3, 2, 0)), ("REVOKED", (5, 4, 1))):
        found = listed(client, admin, f"kind=intent&sale_id={sale.id}&state={state}")
        assert [one["task_id"] for one in found] == [str(ids[place]) for place in places]
    sale.drain()
    found = listed(client, admin, f"kind=intent&sale_id={sale.id}&state=REVOKED")
    assert [one["task_id"] for one in found] == [str(ids[place]) for place in (5, 4, 1)]


def test_the_whole_list_mixes_intents_and_background_tasks(
    client: FlaskClient, context: Context, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    sale.line_up(shop.shoppers(2))
    sale.drain()
    asked = [
        queue.ask_for(context, kind, sale_id=sale.id if kind == "audit" else None).id
        for kind in ("audit", "purge")
    ]
    found = listed(client, admin, "")
    assert [one["kind"] for one in found] == ["purge", "audit", "intent", "intent"]
    assert [one["task_id"] for one in found[:2]] == [str(one) for one in asked[::-1]]
    assert [one["kind"] for one in listed(client, admin, "kind=audit")] == ["audit"]
    assert [one["kind"] for one in listed(client, admin, "state=PENDING")] == ["purge", "audit"]


def test_a_bad_list_is_refused(client: FlaskClient, sale: SaleUnderTest, admin: Account) -> None:
    for base in ("/api/v1/tasks?", f"/api/v1/tasks?kind=intent&sale_id={sale.id}"):
        for cursor in BAD_CURSORS:
            assert_problem(client.get(f"{base}&cursor={cursor}", headers=admin.headers), 422)
        for limit in BAD_LIMITS:
            assert_problem(client.get(f"{base}&limit={limit}", headers=admin.headers), 422)
    for query in ("state=pending", "sale_id=x", "kind="):
        assert_problem(client.get(f"/api/v1/tasks?{query}", headers=admin.headers), 422)


def test_an_audit_may_be_asked_for_and_polled(
    client: FlaskClient, context: Context, sale: SaleUnderTest, admin: Account
) -> None:
    assert_problem(client.post(f"/api/v1/sales/{uuid.uuid4()}/audit", headers=admin.headers), 404)
    answer = client.post(f"/api/v1/sales/{sale.id}/audit", headers=admin.headers)
    assert answer.status_code == 202
    queue.run(context, uuid.UUID(answer.get_json()["task_id"]))
    done = client.get(answer.headers["Location"], headers=admin.headers).get_json()
    assert (done["state"], done["result"]["ok"]) == ("SUCCESS", True)


def test_an_audit_may_be_made_now(client: FlaskClient, sale: SaleUnderTest, admin: Account) -> None:
    path = f"/api/v1/sales/{sale.id}/audit"
    assert_problem(client.get(f"/api/v1/sales/{uuid.uuid4()}/audit", headers=admin.headers), 404)
    assert client.get(path, headers=admin.headers).get_json()["ok"]
