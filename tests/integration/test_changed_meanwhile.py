"""Changes are judged by what is there when they are made, and made only to what was seen, if one asks so."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from models.enums import SaleStatus
from models.errors import AllocationTooSmall, LineUnavailable
from models.tables.catalogue import MAX_ALLOCATION, Adjustment, Product
from tasks.context import Context
from tasks.products.changes import archive_product, change_product
from tasks.runtime.admin_log import Actor
from tasks.sales.lifecycle import change_sale, change_units
from tests.integration.conftest import Account, MakeAccount
from tests.integration.test_products_routes import PRODUCTS, make
from tests.integration.test_sales_http import good
from tests.support.away import away
from tests.support.problems import assert_problem
from tests.support.shop import SaleUnderTest, Shop
from tests.support.threads import at_once

EUR = {"amount_minor": 500, "currency": "EUR"}


@pytest.fixture
def euro(client: FlaskClient, admin: Account) -> str:
    """A product in another currency than the shop's."""
    return str(make(client, admin, name="Vase", list_price=EUR)["id"])


def patch(
    client: FlaskClient, admin: Account, sale: SaleUnderTest, *, seen: str = "", **body: Any
) -> TestResponse:
    headers = admin.headers | ({"If-Match": seen} if seen else {})
    return client.patch(f"/api/v1/sales/{sale.id}", json=body, headers=headers)


def units(
    client: FlaskClient, admin: Account, sale: SaleUnderTest, change: Any, **headers: str
) -> TestResponse:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"change": change}
    return client.post(f"/api/v1/sales/{sale.id}/units", json=body, headers=admin.headers | more)


# Clones by the clock


def test_a_clone_without_times_keeps_its_models_clock(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    body = good(shop) | {"opens_at": "2026-07-01T18:00:00Z", "closes_at": "2026-07-01T20:00:00Z"}
    model = client.post("/api/v1/sales", json=body, headers=admin.headers).get_json()
    zone = ZoneInfo("Europe/Berlin")
    path = f"/api/v1/sales/{model['id']}/clone"
    answer = client.post(path, json={"time_zone": "Europe/Berlin"}, headers=admin.headers)
    assert answer.status_code == 201, answer.data
    told = [datetime.fromisoformat(answer.get_json()[name]) for name in ("opens_at", "closes_at")]
    assert [f"{at.astimezone(zone):%H:%M}" for at in told] == ["20:00", "22:00"]
    assert told[0] > datetime.now(UTC)
    assert answer.headers["ETag"]
    plain = client.post(path, json={}, headers=admin.headers).get_json()
    assert plain["opens_at"].endswith("T18:00:00.000Z")


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "Europe"},
        {"time_zone": ""},
        {"time_zone": 5},
        {"time_zone": None},
        {"opens_at": "2030-01-01T10:00:00Z"},
        {"closes_at": "2030-01-01T10:00:00Z"},
        {"lobby_opens_at": "2030-01-01T10:00:00Z"},
        {"opens_at": "2030-01-01T10:00:00Z", "closes_at": "2030-01-01T09:00:00Z"},
    ],
    ids=str,
)
def test_no_other_time_of_a_clone_is_taken(
    client: FlaskClient, shop: Shop, admin: Account, body: dict[str, Any]
) -> None:
    sale = shop.scheduled_sale()
    assert_problem(client.post(f"/api/v1/sales/{sale.id}/clone", json=body, headers=admin.headers), 422)
    assert len(client.get("/api/v1/sales").get_json()["items"]) == 1


# Products and the sales that sell them


@pytest.mark.parametrize("status", ["scheduled", "open", "paused"])
def test_a_currency_stays_while_a_sale_sells_for_it(
    client: FlaskClient, shop: Shop, admin: Account, status: str
) -> None:
    sale = shop.scheduled_sale() if status == "scheduled" else shop.open_sale()
    if status == "paused":
        sale.move(SaleStatus.PAUSED)
    one = f"{PRODUCTS}/{sale.row().product_id}"
    refused = client.patch(one, json={"list_price": EUR, "name": "Vase"}, headers=admin.headers)
    assert_problem(refused, 409, code="product_in_use")
    told = client.get(one).get_json()
    assert (told["name"], told["list_price"]["currency"]) == ("Kettle", "USD")
    dearer = {"amount_minor": 9_999, "currency": "USD"}
    assert client.patch(one, json={"list_price": dearer}, headers=admin.headers).status_code == 200
    assert patch(client, admin, sale, price={"amount_minor": 1, "currency": "USD"}).status_code == 200


def test_a_currency_changes_once_the_sales_are_over(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale()
    sale.move(SaleStatus.ENDED)
    one = f"{PRODUCTS}/{sale.row().product_id}"
    assert client.patch(one, json={"list_price": EUR}, headers=admin.headers).status_code == 200


def test_a_sale_whose_product_has_another_currency_by_now_can_be_changed(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    """As sales are that were made before this was refused."""
    sale = shop.open_sale()
    sale.sql("UPDATE products SET currency = 'EUR'")
    price = {"amount_minor": 700, "currency": "USD"}
    answer = patch(client, admin, sale, price=price, allocation=12, hold_seconds=60)
    assert (answer.status_code, answer.get_json()["price"], answer.get_json()["allocation"]) == (
        200,
        price,
        12,
    )
    one = f"{PRODUCTS}/{sale.row().product_id}"
    back = {"amount_minor": 500, "currency": "USD"}
    assert client.patch(one, json={"list_price": back}, headers=admin.headers).status_code == 200


def test_an_unknown_or_archived_product_is_not_taken(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale, gone = shop.scheduled_sale(), shop.product()
    archive_product(shop.context, gone)
    for product_id in (uuid.uuid4(), gone):
        assert_problem(patch(client, admin, sale, product_id=str(product_id)), 404, code="not_found")
    assert sale.row().revision == 1


def test_a_price_is_judged_by_the_product_that_is_sold_afterwards(
    client: FlaskClient, shop: Shop, admin: Account, euro: str
) -> None:
    sale = shop.scheduled_sale()
    alone = patch(client, admin, sale, product_id=euro)
    assert_problem(alone, 422)
    assert list(alone.get_json(force=True)["errors"]) == ["price"]
    assert_problem(patch(client, admin, sale, price=EUR), 422)
    dollars = {"amount_minor": 500, "currency": "USD"}
    assert_problem(patch(client, admin, sale, product_id=euro, price=dollars), 422)
    both = patch(client, admin, sale, product_id=euro, price=EUR)
    assert (both.status_code, both.get_json()["product"]["name"], both.get_json()["price"]) == (
        200,
        "Vase",
        EUR,
    )


def test_the_product_of_an_opened_sale_is_fixed_and_its_own_is_no_change(
    client: FlaskClient, shop: Shop, admin: Account, euro: str
) -> None:
    sale = shop.open_sale()
    for product_id in (euro, str(uuid.uuid4())):
        refused = patch(client, admin, sale, product_id=product_id)
        assert_problem(refused, 422)
        assert list(refused.get_json(force=True)["errors"]) == ["product_id"]
    assert patch(client, admin, sale, product_id=str(sale.row().product_id)).status_code == 200


@pytest.mark.parametrize("round_", range(8))
def test_a_sale_and_its_product_never_come_to_differ_in_a_race(shop: Shop, round_: int) -> None:
    """One of both is refused, whichever is first; by archiving, likewise."""
    product_id, taken = shop.product(), shop.scheduled_sale()
    euros = {"list_price_minor": 1, "currency": "EUR"}
    other = (
        (lambda: change_product(shop.context, product_id, euros))
        if round_ % 2
        else (lambda: archive_product(shop.context, product_id))
    )
    at_once(lambda: change_sale(shop.context, taken.id, {"product_id": product_id}), other)
    with shop.context.database.transaction() as session:
        product = session.get_one(Product, product_id)
    if taken.row().product_id == product_id:
        assert (product.currency, product.archived_at) == ("USD", None)


def test_times_that_are_changed_singly_are_judged_with_those_that_stay(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    row = (sale := shop.scheduled_sale(opens_in_s=3600)).row()
    hour = timedelta(hours=1)
    lobby = row.opens_at - hour / 2
    assert patch(client, admin, sale, lobby_opens_at=lobby.isoformat()).status_code == 200
    for body, field in (
        ({"opens_at": row.closes_at}, "closes_at"),
        ({"closes_at": row.opens_at}, "closes_at"),
        ({"opens_at": lobby - hour / 4}, "lobby_opens_at"),
        ({"lobby_opens_at": row.opens_at + hour / 4}, "lobby_opens_at"),
    ):
        refused = patch(client, admin, sale, **{name: at.isoformat() for name, at in body.items()})
        assert_problem(refused, 422)
        assert list(refused.get_json(force=True)["errors"]) == [field]


def test_a_cut_that_the_live_side_refuses_leaves_the_other_settings_too(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(10)
    sale.line_up(shop.shoppers(6))
    context.live.claim(sale.id, 10)
    with pytest.raises(AllocationTooSmall):
        sale.change(allocation=5, price_minor=1, hold_seconds=9)
    row = sale.row()
    assert (row.allocation, row.price_minor, row.hold_seconds) == (10, 1_999, 600)
    assert sale.look().number("price_minor") == 1_999
    sale.change(allocation=6, price_minor=1, hold_seconds=9)
    row = sale.row()
    assert (row.allocation, row.price_minor, row.hold_seconds) == (6, 1, 9)
    assert (sale.look().number("allocation"), sale.look().number("price_minor")) == (6, 1)


# What was seen


def settings_tag(client: FlaskClient, path: str) -> str:
    """The part of an answer's tag that a change expects; the rest is of the figures."""
    return re.sub(r"\+\w+", "", client.get(path).headers["ETag"])


def test_every_answer_on_a_sale_names_what_it_shows_and_a_change_names_another(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    made = client.post("/api/v1/sales", json=good(shop), headers=admin.headers)
    path, tags = made.headers["Location"], [made.headers["ETag"]]
    assert settings_tag(client, path) == tags[0]
    for method, at, body in (
        ("PATCH", path, {"allocation": 7}),
        ("PATCH", path, {"price": {"amount_minor": 1, "currency": "USD"}}),
        ("POST", f"{path}/units", {"change": 3}),
        ("POST", f"{path}/open", None),
        ("POST", f"{path}/pause", None),
    ):
        answer = client.open(at, method=method, json=body, headers=admin.headers)
        assert answer.status_code == 200, answer.data
        tags.append(answer.headers["ETag"])
        assert settings_tag(client, path) == tags[-1]
    assert len(set(tags)) == len(tags)
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def test_shoppers_do_not_move_the_tag_that_a_change_expects(client: FlaskClient, shop: Shop) -> None:
    sale = shop.open_sale()
    path = f"/api/v1/sales/{sale.id}"
    before = settings_tag(client, path)
    sale.line_up(shop.shoppers(3))
    sale.drain()
    assert client.get(path).get_json()["held"] == 3
    assert settings_tag(client, path) == before


def test_a_change_of_what_was_seen_before_another_is_refused(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale(10)
    path = f"/api/v1/sales/{sale.id}"
    seen = client.get(path).headers["ETag"]
    first = patch(client, admin, sale, seen=seen, allocation=15)
    assert first.status_code == 200
    second = patch(client, admin, sale, seen=seen, allocation=15, hold_seconds=9)
    assert_problem(second, 412, code="precondition_failed")
    assert second.headers["ETag"] == first.headers["ETag"]
    for path_of in ("pause", "end", "units"):
        body = {"change": 1} if path_of == "units" else None
        told = client.post(f"{path}/{path_of}", json=body, headers=admin.headers | {"If-Match": seen})
        assert_problem(told, 412, code="precondition_failed")
    row = sale.row()
    assert (row.allocation, row.hold_seconds, row.status) == (15, 600, "open")
    again = patch(client, admin, sale, seen=second.headers["ETag"], allocation=20)
    assert (again.status_code, again.get_json()["allocation"]) == (200, 20)


@pytest.mark.parametrize("seen", ["*", '"x", {}', '{},"y"', " {} ", 'W/"x" , {}'])
def test_a_change_of_anything_or_of_one_of_several_is_made(
    client: FlaskClient, shop: Shop, admin: Account, seen: str
) -> None:
    sale = shop.open_sale()
    tag = client.get(f"/api/v1/sales/{sale.id}").headers["ETag"]
    assert patch(client, admin, sale, seen=seen.format(tag), hold_seconds=9).status_code == 200


def test_a_weak_tag_fits_nothing(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale()
    tag = client.get(f"/api/v1/sales/{sale.id}").headers["ETag"]
    assert_problem(patch(client, admin, sale, seen=f"W/{tag}", hold_seconds=9), 412)


@pytest.mark.parametrize(
    "seen", ["1.10.1999", '"', '"a" "b"', "'a'", '"a",*', "W/x", '"ä b"', ",", '"a' * 999]
)
def test_a_malformed_if_match_is_told(client: FlaskClient, shop: Shop, admin: Account, seen: str) -> None:
    sale = shop.open_sale()
    assert_problem(patch(client, admin, sale, seen=seen, hold_seconds=9), 400, code="bad_if_match")
    one = f"{PRODUCTS}/{sale.row().product_id}"
    for method, body in (("PATCH", {}), ("DELETE", None)):
        answer = client.open(one, method=method, json=body, headers=admin.headers | {"If-Match": seen})
        assert_problem(answer, 400, code="bad_if_match")
    assert sale.row().hold_seconds == 600


def test_of_many_who_saw_the_same_one_changes_it(shop: Shop, client: FlaskClient, admin: Account) -> None:
    sale = shop.open_sale(10)
    app = client.application
    seen = client.get(f"/api/v1/sales/{sale.id}").headers["ETag"]
    told = at_once(
        *(
            lambda units=11 + n: patch(app.test_client(), admin, sale, seen=seen, allocation=units)
            for n in range(6)
        )
    )
    assert sorted(one.status_code for one in told) == [200, *[412] * 5]
    [made] = [one.get_json()["allocation"] for one in told if one.status_code == 200]
    assert sale.row().allocation == made == sale.look().number("allocation")


def test_what_was_seen_while_the_live_side_was_behind_fits_no_more(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    """A raise that is in the ledger and not shown yet would be lost by a change of what is shown."""
    sale = shop.open_sale(10)
    with pytest.raises(LineUnavailable):
        SaleUnderTest(away(shop.context, "adjust"), sale.id).change(allocation=15)
    shown = client.get(f"/api/v1/sales/{sale.id}")
    assert shown.get_json()["allocation"] == 10
    assert_problem(patch(client, admin, sale, seen=shown.headers["ETag"], allocation=12), 412)
    shop.sweep()
    assert sale.row().allocation == 15


def test_products_are_changed_as_they_were_seen(client: FlaskClient, admin: Account) -> None:
    made = client.post(PRODUCTS, json={"name": "Lamp", "list_price": EUR}, headers=admin.headers)
    one, seen = f"{PRODUCTS}/{made.get_json()['id']}", made.headers["ETag"]
    assert settings_tag(client, one) == seen
    if_seen = admin.headers | {"If-Match": seen}
    first = client.patch(one, json={"name": "Lamp 2"}, headers=if_seen)
    assert first.status_code == 200
    assert settings_tag(client, one) == first.headers["ETag"] != seen
    for method, body in (("PATCH", {"name": "Lamp 3"}), ("DELETE", None)):
        told = client.open(one, method=method, json=body, headers=if_seen)
        assert_problem(told, 412, code="precondition_failed")
        assert told.headers["ETag"] == first.headers["ETag"]
    assert client.get(one).get_json()["name"] == "Lamp 2"
    assert (
        client.patch(one, json={"name": "Lamp 4"}, headers=admin.headers | {"If-Match": "*"}).status_code
        == 200
    )
    assert client.patch(one, json={"name": "Lamp 5"}, headers=admin.headers).status_code == 200
    last = client.get(one).headers["ETag"]
    assert client.delete(one, headers=admin.headers | {"If-Match": last}).status_code == 204


# So many more, so many fewer


def test_what_several_ask_for_adds_up(shop: Shop) -> None:
    sale = shop.open_sale(10)
    asked = [5, -3, 7, 1, -2, 4, 9, -1]
    at_once(*(partial(change_units, shop.context, sale.id, n) for n in asked))
    assert sale.row().allocation == sale.look().number("allocation") == 10 + sum(asked)
    assert sale.audit().ok


def test_a_double_click_counts_once(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale, app = shop.open_sale(10), client.application
    told = at_once(*[lambda: units(app.test_client(), admin, sale, 10, Idempotency_Key="once")] * 4)
    assert [one.status_code for one in told] == [200] * 4
    seen = client.get(f"/api/v1/sales/{sale.id}").headers["ETag"]
    assert units(client, admin, sale, -1, Idempotency_Key="other").get_json()["allocation"] == 19
    repeated = units(client, admin, sale, 10, Idempotency_Key="once", If_Match=seen)
    assert (repeated.status_code, repeated.get_json()["allocation"]) == (200, 19)


def test_a_key_of_another_sale_or_number_is_refused(
    client: FlaskClient, shop: Shop, admin: Account, make_account: MakeAccount
) -> None:
    sale, other = shop.open_sale(10), shop.open_sale(10)
    assert units(client, admin, sale, 1, Idempotency_Key="k").status_code == 200
    assert_problem(units(client, admin, sale, 2, Idempotency_Key="k"), 422, code="idempotency_key_reused")
    assert_problem(units(client, admin, other, 1, Idempotency_Key="k"), 422, code="idempotency_key_reused")
    assert_problem(units(client, admin, sale, 1, Idempotency_Key="k k"), 400, code="bad_idempotency_key")
    second = make_account("admin")
    assert units(client, second, sale, 2, Idempotency_Key="k").get_json()["allocation"] == 13
    told = at_once(
        *(
            lambda s=s: units(client.application.test_client(), admin, s, 4, Idempotency_Key="r")
            for s in (sale, other)
        )
    )
    assert sorted(one.status_code for one in told) == [200, 422]


def test_a_cut_below_what_is_taken_is_refused_and_stays_refused(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.drained_sale(10, asked=6)
    assert_problem(units(client, admin, sale, -5, Idempotency_Key="k"), 409, code="allocation_too_small")
    assert_problem(units(client, admin, sale, -11), 409, code="allocation_too_small")
    assert units(client, admin, sale, -4).get_json()["allocation"] == 6
    sale.move(SaleStatus.ENDED)
    assert_problem(units(client, admin, sale, 1), 409, code="illegal_transition")


def test_a_cut_that_the_live_side_refused_is_refused_again_by_its_key(
    client: FlaskClient, shop: Shop, context: Context, admin: Account
) -> None:
    sale = shop.open_sale(10)
    sale.line_up(shop.shoppers(6))
    context.live.claim(sale.id, 10)
    for _ in range(2):
        assert_problem(units(client, admin, sale, -5, Idempotency_Key="k"), 409, code="allocation_too_small")
    assert sale.row().allocation == sale.look().number("allocation") == 10


@pytest.mark.parametrize(
    "change", [0, 1.5, "10", None, True, MAX_ALLOCATION + 1, -MAX_ALLOCATION - 1, [], {}]
)
def test_no_other_number_is_a_change(client: FlaskClient, shop: Shop, admin: Account, change: Any) -> None:
    sale = shop.open_sale(10)
    assert_problem(units(client, admin, sale, change), 422)
    assert sale.row().allocation == 10


def test_more_than_there_can_be_is_refused(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale(10)
    refused = units(client, admin, sale, MAX_ALLOCATION - 9)
    assert_problem(refused, 422)
    assert list(refused.get_json(force=True)["errors"]) == ["change"]
    assert units(client, admin, sale, MAX_ALLOCATION - 10).status_code == 200


def test_a_change_that_was_cut_off_is_finished_by_its_key(shop: Shop) -> None:
    sale, by = shop.open_sale(10), Actor(shop.admin())
    with pytest.raises(LineUnavailable):
        change_units(away(shop.context, "adjust"), sale.id, 5, key="k", by=by)
    assert change_units(shop.context, sale.id, 5, key="k", by=by).allocation == 15
    with shop.context.database.transaction() as session:
        states = session.scalars(select(Adjustment.state).where(Adjustment.sale_id == sale.id)).all()
    assert (list(states), sale.look().number("allocation")) == (["applied"], 15)
