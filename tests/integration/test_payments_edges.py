"""Payments by HTTP at their edges: keys, overdue holds, limits, a ledger that is away, bodies, times."""

import io
import re
import time
from dataclasses import replace

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from models.tables.payments import Payment
from models.tables.sandbox import SandboxEvent
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.providers.sandbox.signature import sign, webhook_secret
from tests.integration.conftest import Account, MakeAccount, MakeApp
from tests.integration.test_orders_http import bought
from tests.integration.test_payments_http import WEBHOOKS, Counter, signed, webhook_of
from tests.support.problems import assert_problem
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop
from web import create_app
from web.http.request_id import MAX_BODY_BYTES
from web.http.services import EXTENSION

MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale of 5 units, two a shopper."""
    return shop.open_sale(5, limit=2)


@pytest.fixture
def counter(client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> Counter:
    return Counter(client.application, client, sale, shopper)


def test_a_key_is_its_shoppers_own(counter: Counter, sale: SaleUnderTest, make_account: MakeAccount) -> None:
    assert counter.ask(key="one").status_code == 202
    other = make_account()
    counter.path, counter.headers = bought(sale, other), other.headers
    assert counter.ask(key="one").status_code == 202
    assert len(counter.payments()["payments"]) == 1


@pytest.mark.parametrize("is_swept", [False, True])
def test_an_overdue_hold_cannot_be_paid(
    counter: Counter, shop: Shop, sale: SaleUnderTest, is_swept: bool
) -> None:
    sale.sql("UPDATE orders SET expires_at = created_at WHERE sale_id = :sale_id")
    if is_swept:
        shop.sweep()
    assert_problem(counter.ask(), 409, code="order_not_held")
    assert counter.payments()["payments"] == []
    assert counter.order()["status"] == ("expired" if is_swept else "held")


def test_webhooks_are_nobodys_requests_and_no_accounts_limit_hits_them(
    make_app: MakeApp, counter: Counter, shopper: Account
) -> None:
    counter.ask()
    counter.work()
    body = webhook_of(counter)
    tight = replace(counter.context.settings.rate_limits, api="3/minute", intents="3/minute")
    strict = make_app(rate_limits=tight).test_client()
    headers = signed(counter, body, time.time()) | shopper.headers
    assert [strict.post(WEBHOOKS, data=body, headers=headers).status_code for _ in range(12)] == [200] * 12
    used = [strict.get(counter.path, headers=shopper.headers).status_code for _ in range(4)]
    assert used == [200, 200, 200, 429]
    assert strict.post(WEBHOOKS, data=body, headers=headers).status_code == 200


def test_a_webhook_that_the_ledger_cannot_take_is_sent_again_and_taken_then(
    fragile_stores: Stores, fragile_shop: Shop
) -> None:
    app = create_app(fragile_shop.context.settings)
    parts = app.extensions[EXTENSION]
    client, context = app.test_client(), parts.context
    sale = Shop(context).open_sale(1)
    sale.line_up(fragile_shop.shoppers(1))
    sale.drain()
    [order] = sale.orders()
    begin_payment(context, order.user_id, order.id, method="sandbox_timeout_charged")
    with context.database.transaction() as session:
        payment_id = session.scalars(select(Payment.id)).one()
    run_payment(context, payment_id)  # the answer is lost, so that only the webhook tells
    with context.database.transaction() as session:
        body = orjson.dumps(session.scalars(select(SandboxEvent.payload)).one())
    secret = webhook_secret(context.settings.payments, context.settings.secret_key)
    headers = {"Sandbox-Signature": sign(secret, body, int(time.time()))}

    fragile_stores.postgres.stop()
    assert_problem(client.post(WEBHOOKS, data=body, headers=headers), 503, code="ledger_unavailable")
    fragile_stores.start()
    assert sale.orders()[0].status == "paying"
    answer = client.post(WEBHOOKS, data=body, headers=headers)
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert sale.orders()[0].status == "paid"
    parts.revoked.stop()
    context.database.dispose()


def body_of(length: int, event_id: str) -> bytes:
    """A webhook of just this length, about nothing of ours."""
    event = {"id": event_id, "type": "other", "created": 1, "data": {"filler": ""}}
    event["data"] = {"filler": "x" * (length - len(orjson.dumps(event)))}
    body = orjson.dumps(event)
    assert len(body) == length
    return body


def post(counter: Counter, body: bytes, *, is_chunked: bool) -> TestResponse:
    headers = signed(counter, body, time.time())
    if not is_chunked:
        return counter.client.post(WEBHOOKS, data=body, headers=headers)
    return counter.client.post(
        WEBHOOKS,
        input_stream=io.BytesIO(body),
        headers=headers | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


@pytest.mark.parametrize(
    ("length", "is_chunked", "status"),
    [
        (MAX_BODY_BYTES - 1, False, 200),
        (MAX_BODY_BYTES, False, 200),
        (MAX_BODY_BYTES + 1, False, 413),
        (MAX_BODY_BYTES - 1, True, 200),
        (MAX_BODY_BYTES, True, 413),  # where a longer one would have been cut without a word
        (MAX_BODY_BYTES + 1, True, 413),
        (2 * MAX_BODY_BYTES, True, 413),
    ],
)
def test_a_webhook_has_64_kib_at_most(counter: Counter, length: int, is_chunked: bool, status: int) -> None:
    answer = post(counter, body_of(length, f"sbx_evt_{length}"), is_chunked=is_chunked)
    if status == 200:
        assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    else:
        assert_problem(answer, 413, code="too_large")


def test_money_tells_its_times_to_the_millisecond_as_orders_do(counter: Counter, admin: Account) -> None:
    counter.ask()
    counter.work()
    counter.client.post(f"{counter.path}/refund", json={}, headers=admin.headers)
    counter.work()
    told = counter.payments()
    times = [one[name] for kind in told.values() for one in kind for name in ("created_at", "finished_at")]
    receipt = counter.client.get(f"{counter.path}/receipt", headers=counter.headers).get_json()
    order = counter.order()
    times += [receipt["issued_at"], order["created_at"], order["paid_at"], order["refunded_at"]]
    assert len(times) == 8
    assert not [at for at in times if not MILLISECONDS.fullmatch(str(at))]
