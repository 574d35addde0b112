"""Erased accounts: nothing names them any more, and what was decided and paid still adds up."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyotp import TOTP, random_base32
from sqlalchemy import func, select, text, update

from config import MailSettings
from models.enums import OrderStatus
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from models.tables.orders import Order
from tasks.accounts.sealing import Seal
from tasks.background import queue
from tasks.background.report_requests import find_or_make
from tasks.context import Context
from tasks.payments.refunds import request_refund
from tasks.reports.spreadsheet import rows_of
from tasks.runtime.admin_log import Actor
from tests.integration.conftest import PASSWORD, Account, MakeAccount, MakeApp
from tests.support.paying import Till
from tests.support.problems import assert_problem
from tests.support.shop import SaleUnderTest, Shop
from web.http.csv import write_rows
from web.http.services import EXTENSION

EMAIL = "ada.quine+x@maple-street.example"
NAME = 'Ada Quine-Zyl "O\'Neil"'
TWIN = "lada.quine+x@maple-street.example"  # whose address ends as the account's does
ME = "/api/v1/me"
MAIL = MailSettings("127.0.0.1", 9, "none", "", "", "Shop", "shop@flash.example")

# Words that people leave about others, in every place that takes words.
REMARKS = (
    "UPDATE users SET ban_reason = 'no twin of Ada.Quine+x@maple-street.example.' WHERE id = :twin",
    "UPDATE token_families SET user_agent = 'Firefox of ada' WHERE user_id = :ada",
    "UPDATE mails SET error = :both WHERE user_id = :ada",
    "UPDATE background_tasks SET error = :both, result = jsonb_build_object('for', CAST(:both AS text))"
    " WHERE id = (SELECT id FROM background_tasks LIMIT 1)",
    "INSERT INTO account_links (id, digest, user_id, kind, email, expires_at)"
    " VALUES (gen_random_uuid(), '\\x01', :ada, 'change_email', :email, now() + interval '1 day')",
    "INSERT INTO admin_log (actor_id, deed, subject_kind, subject_id, details)"
    " VALUES (:admin, 'banned', 'shopper', :ada, jsonb_build_object('reason', CAST(:both AS text)))",
    "INSERT INTO consents (user_id, version) VALUES (:ada, '1')",
)
COLUMNS = """
    SELECT table_name, CASE data_type WHEN 'bytea' THEN 'encode(' || column_name || ', ''escape'')'
                       ELSE column_name || '::text' END AS written, column_name
    FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type IN ('character varying', 'text', 'json', 'jsonb', 'bytea')
"""


@pytest.fixture
def shop_app(make_app: MakeApp) -> Flask:
    """A shop that writes mails, which nobody sends."""
    return make_app(mail=MAIL, log_level="INFO")


@pytest.fixture
def context(shop_app: Flask) -> Context:
    made: Context = shop_app.extensions[EXTENSION].context
    return made


@pytest.fixture
def client(shop_app: Flask) -> FlaskClient:
    return shop_app.test_client()


@pytest.fixture
def ada(make_account: MakeAccount, context: Context) -> Account:
    """An account with a name that stands nowhere by chance."""
    made = make_account()
    with context.database.transaction() as session:
        session.execute(update(User).where(User.id == made.id).values(email=EMAIL, name=NAME))
    return made


@pytest.fixture
def past(context: Context, ada: Account, admin: Account, make_account: MakeAccount) -> SaleUnderTest:
    """A sale of which the shopper has paid an order, got another refunded, and left words in every place."""
    shop, till, twin = Shop(context), Till.over(context), make_account()
    sale, other = shop.open_sale(2), shop.open_sale(1)
    for one in (sale, other):
        one.submit(ada.id, key=f"of-{EMAIL}")
        one.drain()
    till.begin(sale.orders()[0], key=f"{EMAIL}-1")
    till.drive(till.payments(sale.orders()[0])[0].id)
    till.pay(other.orders()[0])
    reason = f"{NAME} <{EMAIL}> wrote"
    request_refund(till.context, other.orders()[0].id, by=Actor(admin.id), reason=reason)
    till.drive_refunds()
    queue.run(context, queue.ask_for(context, "audit", sale_id=sale.id, by=ada.id).id)
    known = {"ada": ada.id, "twin": twin.id, "admin": admin.id, "email": EMAIL, "both": reason}
    with context.database.connection() as connection:
        connection.execute(
            text("UPDATE users SET email = :email WHERE id = :id"), {"email": TWIN, "id": twin.id}
        )
        for remark in REMARKS:
            connection.execute(text(remark), {name: v for name, v in known.items() if f":{name}" in remark})
    return sale


def post(client: FlaskClient, path: str, who: Account) -> Any:
    return client.post(f"/api/v1{path}", headers=who.headers)


def erase(client: FlaskClient, who: Account, password: str = PASSWORD) -> Any:
    return client.delete(ME, json={"password": password}, headers=who.headers)


def send_mails(context: Context) -> list[str]:
    """Note all mails that are due as sent; returns to whom."""
    sending = (
        "UPDATE mails SET status = 'mailed', mailed_at = now(), due_at = NULL WHERE status = 'pending'"
        " RETURNING kind || ' to ' || to_email"
    )
    with context.database.connection() as connection:
        return sorted(connection.execute(text(sending)).scalars())


def state_of(context: Context, kind: str) -> tuple[str, Any]:
    with context.database.transaction() as session:
        task = session.scalars(select(BackgroundTask).where(BackgroundTask.kind == kind)).one()
        return task.state, task.result


def places_of(context: Context, words: str) -> set[str]:
    """Name every column of the database in which words stand."""
    found = set()
    with context.database.connection() as connection:
        for table, written, column in connection.execute(text(COLUMNS)).all():
            asked = f"SELECT count(*) FROM {table} WHERE lower({written}) LIKE lower(:words)"  # noqa: S608
            if connection.execute(text(asked), {"words": f"%{words}%"}).scalar_one():
                found.add(f"{table}.{column}")
    return found


def pages_of(client: FlaskClient, admin: Account, ada: Account, orders: list[Order]) -> Iterator[str]:
    """Read what staff can see of somebody."""
    client.set_cookie("fs_access", admin.access_token)
    ids = [f"orders/{order.id}" for order in orders]
    for path in (f"shoppers/{ada.id}", "shoppers", "orders", "log", "tasks", *ids):
        page = client.get(f"/admin/{path}")
        assert page.status_code == 200, path
        yield page.text.replace("<wbr>", "")
    client.delete_cookie("fs_access")
    for path in ("admin/orders.csv", f"admin/shoppers/{ada.id}", "tasks", "admin/log"):
        yield client.get(f"/api/v1/{path}", headers=admin.headers).text
    for order in orders:
        yield client.get(f"/api/v1/orders/{order.id}/receipt", headers=admin.headers).text


def test_nothing_names_an_erased_account_and_what_was_sold_still_adds_up(
    client: FlaskClient,
    ada: Account,
    admin: Account,
    past: SaleUnderTest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    context = past.context
    assert post(client, "/me/export", ada).status_code == 202
    Shop(context).work_off()
    before = places_of(context, "ada.quine+x@maple")
    assert before >= {
        "users.email",
        "users.ban_reason",
        "mails.to_email",
        "mails.error",
        "receipts.buyer_email",
        "order_events.reason",
        "refunds.reason",
        "admin_log.details",
        "background_tasks.error",
        "background_tasks.result",
        "account_links.email",
        "payments.idempotency_key",
        "exports.content",
    }
    sums = "SELECT count(*), sum(total_minor), sum(number) FROM receipts"
    with context.database.connection() as connection:
        receipts = connection.execute(text(sums)).one()
    assert erase(client, ada).status_code == 202
    Shop(context).work_off()
    assert state_of(context, "erase")[0] == "RETRY"
    assert send_mails(context) == [
        f"{kind} to {EMAIL}" for kind in ("erased", "receipt", "receipt", "refund")
    ]
    Shop(context).work_off()
    assert state_of(context, "erase") == ("SUCCESS", {"places": 0, "holds": 0})

    assert places_of(context, "ada.quine+x@maple") == {"users.email"}  # the twin's, as it was
    for words in ("Quine-Zyl", "O'Neil", "Firefox of ada"):
        assert places_of(context, words) == set()
    report = find_or_make(context, past.id)
    seen = [
        str(report),
        write_rows(rows_of(report)),
        *pages_of(client, admin, ada, all_orders(context)),
    ]
    seen.append("".join(capfd.readouterr()))
    assert [one for one in seen if EMAIL in one.lower().replace(TWIN, "") or "Quine-Zyl" in one] == []
    with context.database.connection() as connection:
        assert connection.execute(text(sums)).one() == receipts
        assert connection.execute(text("SELECT count(*) FROM consents")).scalar_one() == 1
    assert past.audit().ok


def all_orders(context: Context) -> list[Order]:
    with context.database.transaction() as session:
        return list(session.scalars(select(Order)))


def test_lines_are_left_and_holds_given_back_and_payments_under_way_finish_first(
    client: FlaskClient, context: Context, ada: Account
) -> None:
    shop, till = Shop(context), Till.over(context)
    held, paying, line = shop.open_sale(1), shop.open_sale(1), shop.open_sale(1)
    for one in (held, paying, line):
        one.submit(ada.id)
        if one is not line:
            one.drain()
    next_in_line = held.submit(shop.shopper())
    payment_id = till.begin(paying.orders()[0])
    assert erase(client, ada).status_code == 202
    Shop(context).work_off()
    shop.sweep()
    assert state_of(context, "erase") == ("RETRY", {"places": 1, "holds": 1})
    assert [order.status for order in held.orders()] == [OrderStatus.CANCELLED]
    till.drive(payment_id)
    shop.sweep()
    Shop(context).work_off()
    assert [mail.split()[0] for mail in send_mails(context)] == ["erased", "order_cancelled", "receipt"]
    Shop(context).work_off()
    assert state_of(context, "erase") == ("SUCCESS", {"places": 1, "holds": 1})
    for one in (held, line):
        one.drain()
    assert (line.statuses(), held.statuses()) == (["left"], ["held", "held"]), next_in_line
    assert [order.status for order in paying.orders()] == [OrderStatus.PAID]
    assert all(one.audit().ok for one in (held, paying, line))


def test_who_is_erased_is_out_at_once_and_may_register_again(
    client: FlaskClient, context: Context, ada: Account
) -> None:
    wrong = erase(client, ada, "wrong" * 4)
    assert (wrong.status_code, wrong.get_json()["code"]) == (401, "bad_credentials")
    assert client.get(ME, headers=ada.headers).status_code == 200
    assert erase(client, ada).status_code == 202
    assert client.get(ME, headers=ada.headers).status_code == 401
    credentials = {"email": EMAIL, "password": PASSWORD}
    assert client.post("/api/v1/auth/login", json=credentials).status_code == 401
    Shop(context).work_off()
    assert client.post("/api/v1/auth/register", json=credentials).status_code == 201
    send_mails(context)
    Shop(context).work_off()
    assert client.post("/api/v1/auth/login", json=credentials).status_code == 200


def test_a_second_factor_is_asked_for_too(client: FlaskClient, context: Context, ada: Account) -> None:
    secret = random_base32()
    factor = {
        "totp_secret": Seal(context.settings.secret_keys).close(secret),
        "totp_confirmed_at": func.now(),
    }
    with context.database.transaction() as session:
        session.execute(update(User).where(User.id == ada.id).values(factor))
    asked = client.delete(ME, json={"password": PASSWORD}, headers=ada.headers)
    assert_problem(asked, asked.status_code, code="second_factor_required")
    wrong = client.delete(ME, json={"password": PASSWORD, "code": "wrong"}, headers=ada.headers)
    assert_problem(wrong, wrong.status_code, code="bad_code")
    with_code = {"password": PASSWORD, "code": TOTP(secret).now()}
    assert client.delete(ME, json=with_code, headers=ada.headers).status_code == 202


def test_the_last_owner_stays_and_an_owner_has_shoppers_erased(
    client: FlaskClient, context: Context, admin: Account, ada: Account, make_account: MakeAccount
) -> None:
    refused = erase(client, admin)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "last_owner")
    asked = post(client, f"/admin/shoppers/{ada.id}/erase", admin)
    assert (asked.status_code, asked.get_json()["erasure_asked_at"] is not None) == (202, True)
    assert post(client, f"/admin/shoppers/{ada.id}/erase", admin).status_code == 202
    other = make_account("admin")
    assert post(client, f"/admin/shoppers/{other.id}/erase", admin).status_code == 409
    asked = {"name": "Report", "staff_role": "viewer"}
    key = client.post("/api/v1/admin/api-keys", json=asked, headers=other.headers).get_json()["key"]
    asked = {"email": "invited@example.com", "staff_role": "viewer"}
    client.post("/api/v1/admin/staff/invitations", json=asked, headers=other.headers)
    assert erase(client, other).status_code == 202
    entries = client.get("/api/v1/admin/log?deed=erased", headers=admin.headers).get_json()["items"]
    assert [(one["deed"], one["subject_id"]) for one in entries] == [
        ("erased", str(other.id)),
        ("erased", str(ada.id)),
    ]
    invited = client.get("/api/v1/admin/staff/invitations", headers=admin.headers).get_json()
    assert invited["items"] == []
    by_key = client.get("/api/v1/admin/log", headers={"Authorization": f"Bearer {key}"})
    assert by_key.status_code == 401
    Shop(context).work_off()
    with context.database.transaction() as session:
        erased = session.get_one(User, other.id)
    assert (erased.role, erased.staff_role, erased.erased_at is not None) == ("shopper", None, True)
