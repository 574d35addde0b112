"""`/orders/{id}/payments`, refunds, receipts and webhooks: what the API says of money."""

import time
from dataclasses import replace
from uuid import UUID

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tasks.payments.drive import run_payment
from tasks.payments.refunds import run_refund
from tasks.providers.sandbox.signature import sign, webhook_secret
from tests.integration.conftest import Account, MakeAccount, MakeApp
from tests.integration.test_orders_http import bought
from tests.support.problems import assert_problem
from tests.support.shop import PRICE_MINOR, SaleUnderTest, Shop
from web.http.services import EXTENSION

WEBHOOKS = "/api/v1/payments/webhooks/sandbox"


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale of 5 units, two a shopper."""
    return shop.open_sale(5, limit=2)


class Counter:
    """A shopper with one held order, and the worker's part played by hand."""

    def __init__(self, app: Flask, client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> None:
        self.context = app.extensions[EXTENSION].context
        self.client = client
        self.path = bought(sale, shopper)
        self.headers = shopper.headers

    def ask(self, method: str = "sandbox_ok", key: str = "") -> TestResponse:
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"{self.path}/payments", json={"method": method}, headers=headers)

    def payments(self) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = self.client.get(
            f"{self.path}/payments", headers=self.headers
        ).get_json()
        return found

    def work(self) -> None:
        told = self.payments()
        for one in told["payments"]:
            run_payment(self.context, UUID(str(one["id"])))
        for one in told["refunds"]:
            run_refund(self.context, UUID(str(one["id"])))

    def order(self) -> dict[str, object]:
        told: dict[str, object] = self.client.get(self.path, headers=self.headers).get_json()
        return told


@pytest.fixture
def counter(app: Flask, client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> Counter:
    return Counter(app, client, sale, shopper)


def test_who_pays_has_a_paid_order_and_a_receipt(counter: Counter, shopper: Account) -> None:
    assert_problem(counter.client.get(f"{counter.path}/receipt", headers=counter.headers), 404)
    answer = counter.ask(key="one")
    assert (answer.status_code, answer.get_json()["status"]) == (202, "paying")
    counter.work()
    order = counter.order()
    assert order["status"] == "paid"
    receipt = counter.client.get(f"{counter.path}/receipt", headers=counter.headers).get_json()
    assert receipt["number"] == order["receipt_number"]
    assert receipt["total"] == {"amount_minor": PRICE_MINOR, "currency": "USD"}
    assert receipt["buyer"]["email"] == shopper.email
    [payment] = counter.payments()["payments"]
    assert (payment["status"], payment["method"], payment["code"]) == ("succeeded", "sandbox_ok", None)


def test_a_key_answers_again_and_serves_for_one_payment_only(counter: Counter) -> None:
    assert counter.ask(key="k").status_code == 202
    assert counter.ask(key="k").status_code == 202
    assert_problem(counter.ask("sandbox_decline", key="k"), 422, code="idempotency_key_reused")
    assert_problem(counter.ask(key="other"), 409, code="payment_in_progress")
    counter.work()
    assert counter.ask(key="k").get_json()["status"] == "paid"
    assert_problem(counter.ask(key="other"), 409, code="already_paid")
    assert len(counter.payments()["payments"]) == 1


def test_what_cannot_be_paid_is_a_problem(counter: Counter, make_account: MakeAccount) -> None:
    assert_problem(counter.ask("cash"), 422, code="unknown_method")
    assert_problem(counter.ask("sandbox_slow:0"), 422, code="unknown_method")
    assert_problem(counter.ask(key="a b"), 400, code="bad_idempotency_key")
    for body in ({}, {"method": 1}, {"method": "sandbox_ok", "more": 1}, {"method": ""}):
        sent = counter.client.post(f"{counter.path}/payments", json=body, headers=counter.headers)
        assert_problem(sent, 422, code="invalid_fields")
    stranger = make_account().headers
    for verb, path in (("post", "payments"), ("get", "payments"), ("get", "receipt")):
        sent = getattr(counter.client, verb)(
            f"{counter.path}/{path}", headers=stranger, json={"method": "sandbox_ok"}
        )
        assert_problem(sent, 404)
    assert_problem(counter.client.post(f"{counter.path}/payments", json={"method": "sandbox_ok"}), 401)
    counter.client.post(f"{counter.path}/cancel", headers=counter.headers)
    assert_problem(counter.ask(), 409, code="order_not_held")


def test_admins_refund_once(counter: Counter, admin: Account) -> None:
    path = f"{counter.path}/refund"
    assert_problem(counter.client.post(path, json={}, headers=admin.headers), 409, code="not_refundable")
    counter.ask()
    counter.work()
    for _ in range(2):
        answer = counter.client.post(path, json={"reason": "broken"}, headers=admin.headers)
        assert (answer.status_code, answer.get_json()["status"]) == (202, "paid")
    counter.work()
    order = counter.order()
    assert order["status"] == "refunded"
    assert order["refunded_at"] is not None
    [refund] = counter.payments()["refunds"]
    assert (refund["status"], refund["cause"], refund["reason"]) == ("succeeded", "admin", "broken")


def test_the_test_cards_are_listed(client: FlaskClient) -> None:
    told = client.get("/api/v1/payments/methods").get_json()
    assert told["provider"] == "sandbox"
    assert {"sandbox_ok", "sandbox_decline", "sandbox_timeout", "sandbox_slow:N"} <= {
        one["name"] for one in told["methods"]
    }


def webhook_of(counter: Counter) -> bytes:
    """The webhook that the sandbox would send of the counter's charge."""
    with counter.context.database.connection() as connection:
        payload = connection.exec_driver_sql("SELECT payload FROM sandbox_events ORDER BY id DESC LIMIT 1")
        return orjson.dumps(payload.scalar_one())


def signed(counter: Counter, body: bytes, at: float) -> dict[str, str]:
    settings = counter.context.settings
    secret = webhook_secret(settings.payments, settings.secret_key)
    return {"Sandbox-Signature": sign(secret, body, int(at)), "Content-Type": "application/json"}


def test_a_webhook_is_taken_once_and_answered_every_time(counter: Counter) -> None:
    counter.ask()
    [payment] = counter.payments()["payments"]
    counter.work()
    body = webhook_of(counter)
    assert str(payment["id"]) in body.decode()
    for _ in range(3):
        answer = counter.client.post(WEBHOOKS, data=body, headers=signed(counter, body, time.time()))
        assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert [one["status"] for one in counter.order()["history"]] == ["held", "paying", "paid"]  # type: ignore[attr-defined]


def test_while_the_key_is_changed_the_old_ones_webhooks_are_taken(
    counter: Counter, make_app: MakeApp
) -> None:
    counter.ask()
    counter.work()
    body = webhook_of(counter)
    settings = counter.context.settings
    payments = replace(settings.payments, sandbox_secret="")
    secret = webhook_secret(payments, settings.secret_key)
    headers = {"Sandbox-Signature": sign(secret, body, int(time.time())), "Content-Type": "application/json"}
    new = {"payments": payments, "secret_key": settings.secret_key[::-1]}
    for old, status in (((settings.secret_key,), 200), ((), 400)):
        changed = make_app(**new, old_secret_keys=old).test_client()
        assert changed.post(WEBHOOKS, data=body, headers=headers).status_code == status


def test_forged_late_and_broken_webhooks_are_refused(counter: Counter) -> None:
    counter.ask("sandbox_timeout_charged")
    counter.work()
    body = webhook_of(counter)
    now = time.time()
    good = signed(counter, body, now)
    bad = [
        (body, {}),
        (body, {"Sandbox-Signature": "t=1,v1=00"}),
        (body, signed(counter, body, now - 400)),
        (body, signed(counter, body, now + 400)),
        (body.replace(b"succeeded", b"declined"), good),
        (b"{", signed(counter, b"{", now)),
        (b"", good),
    ]
    for sent, headers in bad:
        assert_problem(counter.client.post(WEBHOOKS, data=sent, headers=headers), 400, code="bad_signature")
    assert_problem(counter.client.post(f"{WEBHOOKS}x", data=body, headers=good), 404)
    assert counter.order()["status"] == "paying"
    assert counter.client.post(WEBHOOKS, data=body, headers=good).status_code == 200
    assert counter.order()["status"] == "paid"


def test_a_change_of_money_by_cookie_needs_the_csrf_token(counter: Counter, shopper: Account) -> None:
    counter.client.set_cookie("fs_access", shopper.access_token)
    sent = counter.client.post(f"{counter.path}/payments", json={"method": "sandbox_ok"})
    assert_problem(sent, 403, code="csrf_failed")
