"""`/sales/{id}/intents` and `/intents`: the contract's answers, and no ticket for what is refused."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.enums import SaleStatus
from tests.integration.conftest import Account, MakeAccount, MakeApp
from tests.support.pages import pages
from tests.support.problems import BAD_CURSORS, BAD_LIMITS, NOT_IDS, RAW_BODIES, assert_problem
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

QUANTITIES: list[Any] = [0, -1, 1.0, 1.5, "1", "", None, True, [], {}, 10**7 + 1, 2**31, 10**30]
FLAGS: list[Any] = [0, 1, "true", None, [], {}]
BAD_BODIES: list[dict[str, Any]] = [
    *({"quantity": one} for one in QUANTITIES),
    *({"accept_fewer": one} for one in FLAGS),
]
BAD_KEYS = ("", " ", "a b", "x" * 129, "tab\there", "é")


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale of 5 units."""
    return shop.open_sale(5, limit=2)


@pytest.fixture
def untouched(sale: SaleUnderTest) -> Iterator[SaleUnderTest]:
    """A sale that must have given out no ticket when the test is over."""
    yield sale
    assert (sale.look().number("last_ticket"), sale.look().line_length) == (0, 0)


def submit(
    client: FlaskClient, sale: SaleUnderTest | str, who: Account | None, body: Any = None, **headers: str
) -> TestResponse:
    sale_id = sale if isinstance(sale, str) else sale.id
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | (who.headers if who else {})
    return client.post(
        f"/api/v1/sales/{sale_id}/intents",
        data=json.dumps(body or {}),  # the app's own JSON would refuse the biggest numbers
        content_type="application/json",
        headers=sent,
    )


def test_an_accepted_intent_tells_its_place(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account
) -> None:
    answer = submit(client, sale, shopper, {"quantity": 2, "accept_fewer": True})
    assert answer.status_code == 202
    intent = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/intents/{intent['id']}"
    assert (intent["ticket"], intent["status"], intent["position"]) == (1, "queued", 1)
    assert (intent["quantity"], intent["accept_fewer"], intent["sale_id"]) == (2, True, str(sale.id))
    assert client.get(answer.headers["Location"], headers=shopper.headers).get_json()["id"] == intent["id"]


def test_an_empty_body_asks_for_one(client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> None:
    answer = client.post(f"/api/v1/sales/{sale.id}/intents", headers=shopper.headers)
    assert (answer.status_code, answer.get_json()["quantity"]) == (202, 1)


@pytest.mark.parametrize("name", RAW_BODIES)
def test_a_body_that_is_no_intent_request_gets_no_ticket(
    client: FlaskClient, untouched: SaleUnderTest, shopper: Account, name: str
) -> None:
    answer = client.post(
        f"/api/v1/sales/{untouched.id}/intents",
        data=RAW_BODIES[name],
        content_type="application/json",
        headers=shopper.headers,
    )
    assert_problem(answer, 400, 413, 422)


@pytest.mark.parametrize("body", BAD_BODIES, ids=json.dumps)
def test_an_intent_request_of_the_wrong_kind_gets_no_ticket(
    client: FlaskClient, untouched: SaleUnderTest, shopper: Account, body: dict[str, Any]
) -> None:
    told = assert_problem(submit(client, untouched, shopper, body), 400, 422)
    assert told["status"] == 400 or set(told["errors"]) == set(body)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_gets_no_ticket(
    client: FlaskClient, untouched: SaleUnderTest, shopper: Account, key: str
) -> None:
    assert_problem(submit(client, untouched, shopper, Idempotency_Key=key), 400, code="bad_idempotency_key")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_another_media_type_gets_no_ticket(
    client: FlaskClient, untouched: SaleUnderTest, shopper: Account, kind: str
) -> None:
    answer = client.post(
        f"/api/v1/sales/{untouched.id}/intents", data=b"{}", content_type=kind, headers=shopper.headers
    )
    assert_problem(answer, 415)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "x" * 9_000, "Bearer a.b.c"]
)
def test_nobody_gets_no_ticket(client: FlaskClient, untouched: SaleUnderTest, authorization: str) -> None:
    answer = client.post(
        f"/api/v1/sales/{untouched.id}/intents", json={}, headers={"Authorization": authorization}
    )
    assert_problem(answer, 401, code="unauthenticated")


def test_a_refresh_token_gets_no_ticket(
    client: FlaskClient, untouched: SaleUnderTest, shopper: Account
) -> None:
    answer = client.post(f"/api/v1/sales/{untouched.id}/intents", json={}, headers=shopper.refresh_headers)
    assert_problem(answer, 401)


@pytest.mark.parametrize("sale_id", NOT_IDS)
def test_what_is_no_id_is_not_found(client: FlaskClient, shopper: Account, sale_id: str) -> None:
    assert_problem(submit(client, sale_id, shopper), 404)
    for method, path in (("GET", "intents"), ("DELETE", "intents"), ("GET", "orders"), ("GET", "tasks")):
        answer = client.open(f"/api/v1/{path}/{sale_id}", method=method, headers=shopper.headers)
        assert_problem(answer, 404)


def test_an_unknown_sale_is_not_found(client: FlaskClient, shopper: Account) -> None:
    assert_problem(submit(client, str(uuid.uuid4()), shopper), 404, code="no_such_sale")


def test_a_second_intent_is_told_the_first(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account
) -> None:
    first = submit(client, sale, shopper).get_json()
    told = assert_problem(submit(client, sale, shopper), 409, code="already_in_line")
    assert told["intent"]["id"] == first["id"]
    assert sale.look().number("last_ticket") == 1


def test_the_same_key_gives_the_same_intent(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account
) -> None:
    first = submit(client, sale, shopper, Idempotency_Key="k")
    again = submit(client, sale, shopper, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json()["id"] == again.get_json()["id"]
    reused = submit(client, sale, shopper, {"quantity": 2}, Idempotency_Key="k")
    assert_problem(reused, 422, code="idempotency_key_reused")


def test_the_same_key_after_the_verdict_gives_the_verdict(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account
) -> None:
    submit(client, sale, shopper, Idempotency_Key="k")
    sale.drain()
    again = submit(client, sale, shopper, Idempotency_Key="k")
    assert (again.status_code, again.get_json()["status"]) == (202, "held")


def test_more_than_the_limit_is_refused(
    client: FlaskClient, untouched: SaleUnderTest, shopper: Account
) -> None:
    assert_problem(submit(client, untouched, shopper, {"quantity": 3}), 409, code="limit_reached")


def test_a_sale_that_does_not_sell_says_why(client: FlaskClient, shop: Shop, shopper: Account) -> None:
    scheduled, paused, ended, cancelled = (shop.scheduled_sale(), *(shop.open_sale() for _ in range(3)))
    paused.move(SaleStatus.PAUSED)
    ended.move(SaleStatus.ENDED)
    cancelled.move(SaleStatus.CANCELLED)
    for sale, status, code in (
        (scheduled, 409, "not_open"),
        (paused, 409, "not_open"),
        (ended, 410, "sale_over"),
        (cancelled, 410, "sale_over"),
    ):
        assert_problem(submit(client, sale, shopper), status, code=code)
        assert sale.look().number("last_ticket") == 0


def test_without_redis_there_is_no_ticket(
    make_app: MakeApp, untouched: SaleUnderTest, shopper: Account, stores: Stores
) -> None:
    client = make_app(redis_url=f"unix://{stores.place}/nobody.sock?db=0").test_client()
    assert_problem(submit(client, untouched, shopper), 503, code="line_unavailable")


def test_an_intent_is_its_owners_and_the_admins(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account, admin: Account, make_account: MakeAccount
) -> None:
    path = submit(client, sale, shopper).headers["Location"]
    stranger = make_account()
    for _ in ("in line", "decided"):
        assert client.get(path, headers=shopper.headers).status_code == 200
        assert client.get(path, headers=admin.headers).status_code == 200
        assert_problem(client.get(path, headers=stranger.headers), 404)
        assert_problem(client.get(path), 401)
        sale.drain()


def test_leaving_is_the_owners_alone_and_once(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account, admin: Account
) -> None:
    path = submit(client, sale, shopper).headers["Location"]
    assert_problem(client.delete(path, headers=admin.headers), 404)
    for _ in ("in line", "left", "settled"):
        answer = client.delete(path, headers=shopper.headers)
        assert (answer.status_code, answer.get_json()["status"]) == (200, "left")
        sale.drain()


def test_leaving_too_late_is_told(client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> None:
    path = submit(client, sale, shopper).headers["Location"]
    sale.drain()
    assert_problem(client.delete(path, headers=shopper.headers), 409, code="already_decided")


@pytest.mark.parametrize("decided", [0, 4, 9])
def test_a_list_over_line_and_ledger_is_whole_and_without_doubles(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account, decided: int
) -> None:
    people = shop.shoppers(9)
    sale.line_up(people[:decided])
    sale.drain()
    sale.line_up(people[decided:])
    for limit in (1, 3, 4, 200):
        found = pages(client, f"/api/v1/intents?sale_id={sale.id}&limit={limit}", admin.headers)
        assert [one["ticket"] for one in found] == list(range(9, 0, -1)), limit


def test_a_page_read_while_the_line_moves_doubles_nobody(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, admin: Account
) -> None:
    sale.line_up(shop.shoppers(6))
    path = f"/api/v1/intents?sale_id={sale.id}&limit=2"
    first = client.get(path, headers=admin.headers).get_json()
    sale.drain()
    sale.line_up(shop.shoppers(3))
    rest = pages(client, path, admin.headers, cursor=first["next_cursor"])
    assert [one["ticket"] for one in first["items"] + rest] == [6, 5, 4, 3, 2, 1]


def test_a_shopper_lists_the_own_intents_only(
    client: FlaskClient, shop: Shop, sale: SaleUnderTest, shopper: Account
) -> None:
    sale.line_up(shop.shoppers(2))
    mine = submit(client, sale, shopper).get_json()["id"]
    sale.line_up(shop.shoppers(2))
    for path in (f"/api/v1/intents?sale_id={sale.id}&limit=1", "/api/v1/intents?limit=1"):
        if "sale_id" not in path:
            sale.drain()
        assert [one["id"] for one in pages(client, path, shopper.headers)] == [mine]


@pytest.mark.parametrize("path", ["/api/v1/intents?sale_id={sale}", "/api/v1/intents?", "/api/v1/orders?"])
def test_a_bad_page_is_refused(client: FlaskClient, sale: SaleUnderTest, shopper: Account, path: str) -> None:
    base = path.format(sale=sale.id)
    for cursor in BAD_CURSORS:
        assert_problem(client.get(f"{base}&cursor={cursor}", headers=shopper.headers), 422)
    for limit in BAD_LIMITS:
        assert_problem(client.get(f"{base}&limit={limit}", headers=shopper.headers), 422)


def test_a_list_of_an_unknown_sale_is_not_found(client: FlaskClient, shopper: Account) -> None:
    answer = client.get(f"/api/v1/intents?sale_id={uuid.uuid4()}", headers=shopper.headers)
    assert_problem(answer, 404, code="no_such_sale")
    assert_problem(client.get("/api/v1/intents?sale_id=x", headers=shopper.headers), 422)


def test_who_comes_and_goes_too_often_is_told_how_long_to_wait(
    client: FlaskClient, sale: SaleUnderTest, shopper: Account
) -> None:
    for _ in range(4):
        client.delete(submit(client, sale, shopper).headers["Location"], headers=shopper.headers)
    refused = submit(client, sale, shopper)
    assert_problem(refused, 429, code="too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 30
