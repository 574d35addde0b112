"""Stripe over HTTP: webhooks as it sends them, what the API tells of it and to whom, the page's policy."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from config import ROOT, Settings, StripeSettings
from models.tables.payments import WebhookEvent
from tests.integration.conftest import Account, MakeApp
from tests.integration.test_payments_http import Counter
from tests.support.contexts import SECRET_KEY
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.webhooks import post
from tests.support.http_shop import served
from tests.support.problems import assert_problem
from tests.support.shop import SaleUnderTest, Shop
from tests.support.stripe_play import OLD_SECRET, WEBHOOK_SECRET, with_stripe
from web.http.middleware import CONTENT_POLICY

METHODS = "/api/v1/payments/methods"


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def app(make_app: MakeApp, settings: Settings, fake: FakeStripe) -> Flask:
    """The app with Stripe as its provider, over empty stores."""
    return make_app(payments=with_stripe(settings, fake).payments)


@pytest.fixture
def hooks(app: Flask) -> Iterator[str]:
    """Where Stripe sends its webhooks, by real HTTP."""
    with served(app) as url:
        yield f"{url}/api/v1/payments/webhooks/stripe"


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    return shop.open_sale(5, limit=2)


@pytest.fixture
def counter(app: Flask, sale: SaleUnderTest, shopper: Account) -> Counter:
    return Counter(app, app.test_client(), sale, shopper)


def stored(counter: Counter) -> list[tuple[str, str, str | None]]:
    with counter.context.database.transaction() as session:
        rows = session.scalars(select(WebhookEvent).order_by(WebhookEvent.received_at, WebhookEvent.event_id))
        return [(one.event_id, one.kind, str(one.payment_id) if one.payment_id else None) for one in rows]


def test_a_browsers_payment_is_paid_by_the_webhook_that_stripe_sends(
    counter: Counter, fake: FakeStripe, hooks: str
) -> None:
    assert counter.ask("payment_element").status_code == 202
    counter.work()
    step = counter.order()["payment"]
    fake.books.enter(step["client_secret"].split("_secret_")[0], "pm_card_ok")  # type: ignore[index]
    event = fake.books.events[-1]
    assert post(hooks, event, WEBHOOK_SECRET) == 200
    assert counter.order()["status"] == "paid"
    assert post(hooks, event, WEBHOOK_SECRET) == 200
    [payment] = counter.payments()["payments"]
    assert stored(counter) == [(event["id"], "payment_intent.succeeded", payment["id"])]


def test_webhooks_doubled_reversed_and_all_at_once_pay_once(
    counter: Counter, fake: FakeStripe, hooks: str
) -> None:
    counter.ask("payment_element")
    counter.work()
    [intent] = fake.books.intents
    fake.books.enter(intent, "pm_card_3ds")
    fake.books.go_on(intent)
    events = fake.books.events[::-1] * 3
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda event: post(hooks, event, WEBHOOK_SECRET), events))
    assert set(statuses) == {200}
    assert len(stored(counter)) == len(fake.books.events)
    assert [one["status"] for one in counter.order()["history"]] == ["held", "paying", "paid"]  # type: ignore[attr-defined]
    assert len(fake.books.charges) == 1


def test_forged_old_and_foreign_webhooks_pay_nothing(counter: Counter, fake: FakeStripe, hooks: str) -> None:
    counter.ask("payment_element")
    counter.work()
    [intent] = fake.books.intents
    fake.books.enter(intent, "pm_card_ok")
    event = fake.books.events[-1]
    assert post(hooks, event, "whsec_of_a_stranger") == 400
    assert post(hooks, event, WEBHOOK_SECRET, at=time.time() - 400) == 400
    assert post(f"{hooks}x", event, WEBHOOK_SECRET) == 404
    foreign = orjson.loads(orjson.dumps(event).replace(b"payment_id", b"another_id"))
    assert post(hooks, {**foreign, "id": "evt_foreign"}, WEBHOOK_SECRET) == 200
    assert counter.order()["status"] == "paying"
    assert stored(counter) == [("evt_foreign", "payment_intent.succeeded", None)]
    assert post(hooks, event, OLD_SECRET) == 200  # good as long as it is rotated
    assert counter.order()["status"] == "paid"


def test_what_a_shopper_has_to_do_is_told_to_them_alone(counter: Counter, admin: Account) -> None:
    counter.ask("ctoken_card_3ds")
    assert counter.order()["payment"] is None  # Stripe has not been asked yet
    counter.work()
    step = counter.order()["payment"]
    [payment] = counter.payments()["payments"]
    assert step == {
        "id": payment["id"],
        "provider": "stripe",
        "next_step": "authenticate",
        "client_secret": "pi_000001_secret_x",
    }
    own = counter.client.get("/api/v1/orders", headers=counter.headers).get_json()["items"]
    assert [one["payment"] for one in own] == [step]
    for path in (counter.path, "/api/v1/orders", f"{counter.path}/payments"):
        assert "_secret_" not in counter.client.get(path, headers=admin.headers).get_data(as_text=True)
    assert "_secret_" not in counter.client.get(f"{counter.path}/payments", headers=counter.headers).text


def test_a_repeated_request_to_pay_tells_what_is_to_be_done(counter: Counter) -> None:
    counter.ask("ctoken_card_3ds", key="k")
    counter.work()
    again = counter.ask("ctoken_card_3ds", key="k")
    assert again.status_code == 202
    assert again.get_json()["payment"]["next_step"] == "authenticate"


def test_methods_of_stripe_are_accepted_and_others_are_not(counter: Counter) -> None:
    for method in ("sandbox_ok", "card", "pm_", "pm_a/b"):
        assert_problem(counter.ask(method), 422, code="unknown_method")
    assert counter.ask("pm_card_ok").status_code == 202


def test_browsers_are_told_the_publishable_key_and_never_another(
    counter: Counter, sale: SaleUnderTest
) -> None:
    told = counter.client.get(METHODS).get_json()
    assert told == {"provider": "stripe", "methods": [], "publishable_key": "pk_test_fake"}
    page = counter.client.get(f"/sales/{sale.id}").get_data(as_text=True)
    assert "pk_test_fake" in page
    assert not re.search("sk_test|whsec", page + orjson.dumps(told).decode())


def test_the_sandbox_has_no_key(make_app: MakeApp) -> None:
    told = make_app().test_client().get(METHODS).get_json()
    assert (told["provider"], told["publishable_key"]) == ("sandbox", None)


def test_only_a_page_with_stripes_form_lets_stripes_hosts_in(
    counter: Counter, sale: SaleUnderTest, fake: FakeStripe, make_app: MakeApp, settings: Settings
) -> None:
    policy = counter.client.get(f"/sales/{sale.id}").headers["Content-Security-Policy"]
    assert policy == (
        f"{CONTENT_POLICY}; script-src 'self' {fake.url}; frame-src {fake.url}; connect-src 'self' {fake.url}"
    )
    for path in ("/", "/login"):
        assert fake.url not in counter.client.get(path).headers["Content-Security-Policy"]
    stripe = StripeSettings("sk_live_x", "pk_live_x", ("whsec_x",))
    real = make_app(payments=replace(settings.payments, provider="stripe", stripe=stripe)).test_client()
    policy = real.get(f"/sales/{sale.id}").headers["Content-Security-Policy"]
    assert "script-src 'self' https://js.stripe.com https://*.js.stripe.com;" in policy
    assert policy.endswith("connect-src 'self' https://api.stripe.com")
    assert "unsafe" not in policy
    plain = make_app().test_client().get(f"/sales/{sale.id}")
    assert plain.headers["Content-Security-Policy"] == CONTENT_POLICY
    assert '"stripe":null' in plain.get_data(as_text=True)


STRIPE = {
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": "sk_test_x",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}
ASK = f"""
import os, sys
from config import load_settings
from web import create_app

def loaded():
    return sorted({{"stripe", "requests", "tasks.providers.stripe"}} & set(sys.modules))

create_app(load_settings())
without = loaded()
os.environ |= {STRIPE!r}
create_app(load_settings())
print([without, loaded()])
"""


def test_a_process_without_stripe_does_not_load_its_library() -> None:
    environment = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",  # nothing connects
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    expected = [["tasks.providers.stripe"], ["requests", "stripe", "tasks.providers.stripe"]]
    assert asked.stdout.strip().splitlines()[-1] == str(expected)
