"""Copies of what is held about somebody: all of it, no secret, nobody else, and not too often."""

from flask.testing import FlaskClient
from sqlalchemy import text

from models.enums import AdminAction, SubjectKind
from tasks.runtime.admin_log import Actor, record_action
from tests.integration.conftest import Account, MakeAccount
from tests.support.paying import Till
from tests.support.shop import Shop

EXPORT = "/api/v1/me/export"


def test_a_copy_has_everything_about_its_account_and_no_secret_and_nobody_else(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account, make_account: MakeAccount
) -> None:
    other, sale, line = make_account(), shop.open_sale(2), shop.open_sale(1)
    for one in (shopper, other):
        sale.submit(one.id)
    sale.drain()
    for order in sale.orders():
        Till.over(shop.context).pay(order)
    line.submit(shopper.id)
    deed = (AdminAction.UNBANNED, SubjectKind.SHOPPER, shopper.id)
    with shop.context.database.transaction() as session:
        record_action(session, Actor(admin.id), *deed, reason="no bot")
    asked = client.get(EXPORT, headers=shopper.headers)
    assert (asked.status_code, asked.get_json()["state"]) == (202, "PENDING")
    shop.work_off()
    polled = client.get(asked.headers["Location"], headers=shopper.headers)
    assert (polled.status_code, polled.get_json()["state"]) == (200, "SUCCESS")
    assert client.get(asked.headers["Location"], headers=other.headers).status_code == 404
    made = client.get(EXPORT, headers=shopper.headers)
    assert made.headers["Content-Disposition"].startswith('attachment; filename="my-data-')
    told = made.get_json()
    assert told["account"][0]["email"] == shopper.email
    assert {one["item"] for one in told["sales"]} == {"Kettle"}
    assert [(one["status"], one["quantity"]) for one in told["orders"]] == [("paid", 1)]
    assert [one["details"] for one in told["done_by_staff"]] == [{"reason": "no bot"}]
    assert {"log_ins", "intents", "order_events", "payments", "receipts", "tasks"} <= told.keys()
    assert [one["sale_id"] for one in told["places_in_line"]] == [str(line.id)]
    secret = {"password_hash", "totp_secret", "newest_jti", "client_secret", "digest"}
    assert secret.isdisjoint(
        name for rows in told.values() if isinstance(rows, list) for row in rows for name in row
    )
    assert not [one for one in (admin, other) if one.email in made.text or str(one.id) in made.text]


def test_copies_are_made_one_at_a_time_and_a_few_a_day_and_kept_for_one(
    client: FlaskClient, shop: Shop, shopper: Account
) -> None:
    for _ in range(3):
        first, again = (client.post(EXPORT, headers=shopper.headers) for _ in range(2))
        assert (first.status_code, first.get_json()["task_id"]) == (202, again.get_json()["task_id"])
        shop.work_off()
    refused = client.post(EXPORT, headers=shopper.headers)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 80_000) == (429, True)
    assert client.get(EXPORT, headers=shopper.headers).status_code == 200
    with shop.context.database.connection() as connection:
        connection.execute(text("UPDATE exports SET expires_at = now()"))
    assert client.get(EXPORT, headers=shopper.headers).status_code == 429
