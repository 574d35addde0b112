"""`/tasks`: payments, refunds and mails in Celery's words, in one list with all other work."""

from collections import deque
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import update

from models.enums import MailStatus, PaymentStatus, RefundStatus
from models.queries.payment_tasks import PENDING, WORK
from models.tables.mails import Mail
from models.tables.orders import Intent, Order
from models.tables.payments import Payment, Refund
from tasks.background import queue
from tasks.payments.refunds import request_refund
from tests.integration.conftest import Account
from tests.integration.test_payments_lives import sold
from tests.support.mailing import MailShop
from tests.support.pages import pages
from tests.support.paying import NO, OK, WAIT
from tests.support.postbox import Postbox, postbox_open
from tests.support.problems import assert_problem
from tests.support.shop import SaleUnderTest


def task(client: FlaskClient, task_id: object, admin: Account) -> dict[str, Any]:
    answer = client.get(f"/api/v1/tasks/{task_id}", headers=admin.headers)
    assert answer.status_code == 200, answer.data
    found: dict[str, Any] = answer.get_json()
    return found


def listed(client: FlaskClient, admin: Account, query: str = "") -> list[dict[str, Any]]:
    """Read the whole list, two at a time."""
    return pages(client, f"/api/v1/tasks?limit=2&{query}", admin.headers)


def one_of(client: FlaskClient, admin: Account, kind: str) -> dict[str, Any]:
    """The only task of a kind, which is the same in the list and alone."""
    [found] = listed(client, admin, f"kind={kind}")
    assert task(client, found["task_id"], admin) == found
    assert found["kind"] == kind
    return found


def sold_one(mailing: MailShop) -> tuple[SaleUnderTest, Order]:
    sale, [order] = sold(mailing.shop)
    return sale, order


def test_a_payment_is_a_task_from_its_beginning_to_its_outcome(
    client: FlaskClient, mailing: MailShop, admin: Account
) -> None:
    till = mailing.till
    till.provider.charges = deque([WAIT, WAIT, OK])
    sale, order = sold_one(mailing)
    payment_id = till.begin(order, key="secret-key")
    seen = [one_of(client, admin, "payment")]
    for _ in range(3):
        till.drive(payment_id)
        seen.append(one_of(client, admin, "payment"))
    assert [(one["state"], one["attempts"]) for one in seen] == [
        ("PENDING", 0),
        ("STARTED", 1),
        ("RETRY", 2),
        ("SUCCESS", 3),
    ]
    assert [one["result"] for one in seen[:3]] == [None] * 3
    last = seen[-1]
    assert (last["task_id"], last["sale_id"], last["order_id"]) == (
        str(payment_id),
        str(sale.id),
        str(order.id),
    )
    assert last["result"] == {
        "status": "succeeded",
        "code": None,
        "order_id": str(order.id),
        "amount": {"amount_minor": 1999, "currency": "USD"},
        "provider": "sandbox",
        "method": "sandbox_ok",
    }
    assert seen[0]["started_at"] is None
    assert seen[0]["submitted_at"] < seen[1]["started_at"] == last["started_at"] <= last["finished_at"]
    assert "secret-key" not in str(seen)


def test_a_decline_is_an_outcome(client: FlaskClient, mailing: MailShop, admin: Account) -> None:
    mailing.till.provider.charges = deque([NO])
    mailing.till.pay(sold_one(mailing)[1])
    found = one_of(client, admin, "payment")
    assert (found["state"], found["result"]["status"]) == ("SUCCESS", "declined")
    assert (found["result"]["code"], found["error"]) == ("card_declined", None)


def test_a_payment_without_an_answer_is_still_worked_on(
    client: FlaskClient, mailing: MailShop, admin: Account
) -> None:
    till = mailing.till
    till.provider.charges = till.provider.cancels = deque([WAIT])
    payment_id = till.pay(sold_one(mailing)[1])
    till.lose_patience(payment_id, pin=True)
    till.drive(payment_id)
    found = one_of(client, admin, "payment")
    assert (found["state"], found["error"], found["finished_at"]) == ("RETRY", "payment_unanswered", None)


def test_a_refund_that_fails_says_why_and_may_be_asked_for_again(
    client: FlaskClient, mailing: MailShop, admin: Account
) -> None:
    _, order = sold_one(mailing)
    mailing.till.pay(order)
    mailing.till.provider.refunds = deque([NO, OK])
    seen = []
    for _ in range(2):
        request_refund(mailing.till.context, order.id, by=None)
        seen.append(one_of(client, admin, "refund"))
        mailing.till.drive_refunds()
        seen.append(one_of(client, admin, "refund"))
    assert [(one["state"], one["error"]) for one in seen] == [
        ("PENDING", None),
        ("FAILURE", "card_declined"),
        ("STARTED", None),
        ("SUCCESS", None),
    ]
    assert (seen[-1]["result"]["status"], seen[-1]["result"]["cause"]) == ("succeeded", "admin")


def test_a_mail_is_a_task_until_it_is_taken_or_given_up(
    client: FlaskClient, mailing: MailShop, admin: Account
) -> None:
    mailing.paid()
    states = [one_of(client, admin, "mail")["state"]]
    nowhere = mailing.mailer(Postbox(port=9).settings)
    for _ in range(2):
        mailing.make_due()
        nowhere.deliver()
        states.append(one_of(client, admin, "mail")["state"])
    assert "refused" in one_of(client, admin, "mail")["error"]
    mailing.make_due()
    with postbox_open() as postbox:
        mailing.mailer(postbox.settings).deliver()
    done = one_of(client, admin, "mail")
    assert [*states, done["state"]] == ["PENDING", "STARTED", "RETRY", "SUCCESS"]
    assert (done["attempts"], done["error"], done["result"]["status"]) == (3, None, "mailed")
    assert "@example.com" not in str(done)


def test_a_mail_that_was_given_up_is_a_failure(
    client: FlaskClient, mailing: MailShop, admin: Account
) -> None:
    mailing.paid()
    with postbox_open() as postbox:
        postbox.data.append("550 spam")
        mailing.mailer(postbox.settings).deliver()
    found = one_of(client, admin, "mail")
    assert (found["state"], found["error"], found["result"]) == ("FAILURE", "550 spam", None)
    assert found["finished_at"] is not None


def test_an_admin_has_a_mail_that_was_given_up_tried_again(
    client: FlaskClient, mailing: MailShop, admin: Account, shopper: Account
) -> None:
    mailing.paid()
    path = f"/api/v1/tasks/{mailing.mail().id}/retry"
    with postbox_open() as postbox:
        assert_problem(client.post(path, headers=shopper.headers), 403)
        assert_problem(client.post(path, headers=admin.headers), 409, code="not_failed")
        postbox.data.append("550 spam")
        mailing.mailer(postbox.settings).deliver()
        answer = client.post(path, headers=admin.headers)
        assert (answer.status_code, answer.get_json()["state"]) == (202, "PENDING")
        assert_problem(client.post(path, headers=admin.headers), 409, code="not_failed")
        assert mailing.mailer(postbox.settings).deliver() == 1
    assert one_of(client, admin, "mail")["state"] == "SUCCESS"


def test_all_work_is_in_one_list_newest_first(client: FlaskClient, mailing: MailShop, admin: Account) -> None:
    sale, order = sold_one(mailing)
    mailing.till.pay(order)
    request_refund(mailing.till.context, order.id, by=None)
    mailing.till.drive_refunds()
    queue.ask_for(mailing.till.context, "audit", sale_id=sale.id)
    other, another = sold_one(mailing)
    mailing.till.begin(another)
    found = listed(client, admin)
    kinds = ["payment", "intent", "audit", "mail", "refund", "mail", "payment", "intent"]
    assert [one["kind"] for one in found] == kinds
    assert [one["submitted_at"] for one in found] == sorted(
        (one["submitted_at"] for one in found), reverse=True
    )
    assert listed(client, admin, f"sale_id={sale.id}") == found[2:]
    assert listed(client, admin, f"sale_id={other.id}") == found[:2]
    assert listed(client, admin, f"kind=payment&sale_id={sale.id}") == [found[6]]
    for state in ("PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"):
        assert listed(client, admin, f"state={state}") == [one for one in found if one["state"] == state]
    assert listed(client, admin, "kind=refund&state=FAILURE") == []


def test_work_of_one_moment_is_paged_without_a_gap(
    client: FlaskClient, mailing: MailShop, admin: Account
) -> None:
    for order in mailing.paid(3):
        request_refund(mailing.till.context, order.id, by=None)
    with mailing.till.context.database.transaction() as session:
        for column in (Intent.submitted_at, Payment.created_at, Refund.created_at, Mail.created_at):
            session.execute(update(column.class_).values({column: datetime(2026, 1, 1, tzinfo=UTC)}))
    found = [one["task_id"] for one in listed(client, admin)]
    assert len(found) == len(set(found)) == 12
    assert found == sorted(found, key=UUID, reverse=True)


def test_a_shopper_sees_no_task_of_money(
    client: FlaskClient, mailing: MailShop, admin: Account, shopper: Account
) -> None:
    sale = mailing.shop.open_sale(1)
    intent = sale.submit(shopper.id)
    sale.drain()
    [order] = sale.orders()
    mailing.till.pay(order)
    assert client.get(f"/api/v1/tasks/{intent['id']}", headers=shopper.headers).status_code == 200
    for one in listed(client, admin):
        if one["kind"] != "intent":
            assert_problem(client.get(f"/api/v1/tasks/{one['task_id']}", headers=shopper.headers), 404)


def test_every_status_has_a_state() -> None:
    statuses = {"payment": PaymentStatus, "refund": RefundStatus, "mail": MailStatus}
    assert {kind: {*work.states, PENDING} for kind, work in WORK.items()} == {
        kind: {str(word) for word in words} for kind, words in statuses.items()
    }
