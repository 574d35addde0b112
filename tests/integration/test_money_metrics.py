"""The figures of money, as Prometheus reads them: counted in the ledger, by every process, and once."""

import time
from collections import deque
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update

from models.database import Database
from models.queries.tallies import read_tallies
from models.tables.payments import Payment
from tasks.payments.late import resolve_late
from tasks.payments.refunds import request_refund
from tasks.providers.sandbox.signature import sign, webhook_secret
from tasks.runtime.tallies import PAYMENTS_BEGUN, SECONDS, Counts, count
from tests.integration.test_payments_http import WEBHOOKS
from tests.support.paying import NO, OK, WAIT, Till
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.threads import at_once
from web.http.services import EXTENSION
from web.metrics.money import KEPT_S, MoneyFigures

Figures = dict[str, float]
BEGUN = 'payments_begun_total{provider="sandbox"}'


def told(figures: MoneyFigures) -> Figures:
    return read(figures.text())


def read(page: str) -> Figures:
    families = text_string_to_metric_families(page)
    return {name_of(sample): sample.value for family in families for sample in family.samples}


def name_of(sample: Any) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}" if labels else str(sample.name)


def figures(till: Till) -> Figures:
    """A fresh reading."""
    return told(MoneyFigures(till.context.database, "sandbox"))


def scraped(client: FlaskClient) -> Figures:
    """What Prometheus gets."""
    return read(client.get("/metrics").get_data(as_text=True))


def outcomes(figures: Figures) -> dict[str, float]:
    found = {
        outcome: figures[f'payment_outcome_seconds_count{{outcome="{outcome}",provider="sandbox"}}']
        for outcome in ("succeeded", "declined", "late", "abandoned")
    }
    return {outcome: many for outcome, many in found.items() if many}


def held(shop: Shop, buyers: int = 1) -> tuple[Any, list[Any]]:
    sale = shop.drained_sale(buyers, asked=buyers)
    return sale, sale.orders()


def test_everything_is_there_before_anything_happened(shop: Shop) -> None:
    found = figures(Till.over(shop.context))
    assert (found[BEGUN], outcomes(found)) == (0, {})
    assert set(found.values()) == {0, 1}
    assert found["money_figures_readable"] == 1
    for series in (
        'refunds_total{cause="late",result="asked"}',
        'mails_total{kind="receipt",result="mailed"}',
        'payments_open{status="abandoned"}',
        'refunds_open{status="failed"}',
        'mails_oldest_open_seconds{status="pending"}',
        'pushes_total{kind="hold_begun",result="sent"}',
        'pushes_open{status="pending"}',
    ):
        assert found[series] == 0


def test_payments_are_counted_by_their_outcome_and_once(shop: Shop, till: Till) -> None:
    _, orders = held(shop, 3)
    till.provider.charges = deque([OK, NO, WAIT])
    paid, declined, waiting = (till.pay(order) for order in orders)
    for payment_id, word in ((paid, OK), (declined, NO), (waiting, WAIT)):
        till.hear(payment_id, word)
        till.drive(payment_id)
    found = figures(till)
    assert found[BEGUN] == 3
    assert outcomes(found) == {"succeeded": 1, "declined": 1}
    assert found['payments_open{status="pending"}'] == 1


def test_a_payment_that_is_let_go_and_comes_late_counts_as_both(shop: Shop, till: Till) -> None:
    sale, [order] = held(shop)
    till.provider.charges = till.provider.cancels = deque([WAIT])
    payment_id = till.pay(order)
    till.lose_patience(payment_id, pin=True)
    till.drive(payment_id)
    assert outcomes(figures(till)) == {"abandoned": 1}
    assert figures(till)['payments_open{status="abandoned"}'] == 1
    till.end_hold(order)
    shop.sweep()
    sale.line_up(shop.shoppers(1))
    sale.drain()
    till.hear(payment_id, OK)
    assert figures(till)['payments_open{status="late"}'] == 1
    resolve_late(till.context, payment_id)
    till.drive_refunds()
    found = figures(till)
    assert outcomes(found) == {"abandoned": 1, "late": 1}
    assert found['refunds_total{cause="late",result="asked"}'] == 1
    assert found['refunds_total{cause="late",result="succeeded"}'] == 1
    assert found['payments_open{status="late"}'] == 0


def test_refunds_are_counted_by_cause_and_result_and_once(shop: Shop, till: Till) -> None:
    _, [order] = held(shop)
    till.pay(order)
    till.provider.refunds = deque([NO, NO, OK])
    for _ in range(2):
        request_refund(till.context, order.id, by=None)
    till.drive_refunds()
    found = figures(till)
    assert found['refunds_total{cause="admin",result="asked"}'] == 1
    assert found['refunds_total{cause="admin",result="failed"}'] == 1
    assert found['refunds_open{status="failed"}'] == 1
    for _ in range(2):
        request_refund(till.context, order.id, by=None)
        till.drive_refunds()
    found = figures(till)
    assert found['refunds_total{cause="admin",result="asked"}'] == 3
    assert found['refunds_total{cause="admin",result="failed"}'] == 2
    assert found['refunds_total{cause="admin",result="succeeded"}'] == 1
    assert (found['refunds_open{status="failed"}'], found['refunds_open{status="pending"}']) == (0, 0)
    assert outcomes(found) == {"succeeded": 1}


def test_the_oldest_open_payment_has_its_age(shop: Shop, till: Till) -> None:
    _, orders = held(shop, 2)
    ids = [till.begin(order) for order in orders]
    with till.context.database.transaction() as session:
        earlier = Payment.created_at - timedelta(hours=1)
        session.execute(update(Payment).where(Payment.id == ids[0]).values(created_at=earlier))
    found = figures(till)
    assert found['payments_open{status="pending"}'] == 2
    assert 3600 <= found['payments_oldest_open_seconds{status="pending"}'] < 7200


def test_times_fall_into_their_buckets(till: Till) -> None:
    counts = Counts()
    with till.context.database.transaction() as session:
        for seconds in (0.1, 0.25, 0.26, 4000):
            counts.add_outcome("sandbox", "succeeded", timedelta(seconds=seconds))
        counts.write(session)
    found = figures(till)
    name = 'payment_outcome_seconds_bucket{{le="{}",outcome="succeeded",provider="sandbox"}}'
    bounds = [*map(str, SECONDS), "+Inf"]
    assert [found[name.format(bound)] for bound in bounds] == [2, *[3] * (len(SECONDS) - 1), 4]
    total = found['payment_outcome_seconds_sum{outcome="succeeded",provider="sandbox"}']
    assert total == pytest.approx(4000.61)


def test_what_is_rolled_back_is_not_counted(till: Till) -> None:
    with till.context.database.transaction() as session:
        count(session, PAYMENTS_BEGUN, "sandbox")
        session.rollback()
    assert figures(till)[BEGUN] == 0


def test_counting_waits_for_nobody_and_loses_nothing(shop: Shop) -> None:
    database = shop.context.database
    with database.transaction() as session:
        count(session, PAYMENTS_BEGUN, "sandbox")
    with database.transaction() as holding:
        count(holding, PAYMENTS_BEGUN, "sandbox")
        with database.transaction() as other:  # would wait for ever
            other.execute(text("SET LOCAL lock_timeout = '2s'"))
            count(other, PAYMENTS_BEGUN, "sandbox")

    def go() -> None:
        for _ in range(50):
            with database.transaction() as session:
                count(session, PAYMENTS_BEGUN, "sandbox")

    at_once(*[go] * 6)
    with database.transaction() as session:
        assert read_tallies(session)[PAYMENTS_BEGUN] == {("sandbox",): (303, 0)}
        parts = session.scalar(text("SELECT count(*) FROM tallies"))
    assert parts is not None
    assert parts <= 8


def test_a_reading_is_kept_for_a_second(shop: Shop, till: Till) -> None:
    now = [0.0]
    money = MoneyFigures(till.context.database, "sandbox", clock=lambda: now[0])
    _, [order] = held(shop)
    assert told(money)[BEGUN] == 0
    till.begin(order)
    assert told(money)[BEGUN] == 0
    now[0] += KEPT_S
    assert told(money)[BEGUN] == 1


def test_without_the_ledger_the_page_says_so(fragile_stores: Stores) -> None:
    database = Database(fragile_stores.postgres.url)
    now = [0.0]
    money = MoneyFigures(database, "sandbox", clock=lambda: now[0])
    assert told(money)["money_figures_readable"] == 1
    fragile_stores.postgres.stop()
    now[0] += KEPT_S
    assert told(money) == {"money_figures_readable": 0}
    fragile_stores.start()
    now[0] += KEPT_S
    assert told(money)[BEGUN] == 0
    database.dispose()


def test_the_page_that_prometheus_reads_has_it_all(shop: Shop, till: Till, client: FlaskClient) -> None:
    _, [order] = held(shop)
    till.pay(order)
    eventually(lambda: scraped(client)[BEGUN])  # what was read for another test may be kept for a moment
    found = scraped(client)
    assert (found[BEGUN], outcomes(found)) == (1, {"succeeded": 1})


def test_webhooks_are_counted_by_what_became_of_them(client: FlaskClient) -> None:
    def webhooks() -> dict[str, float]:
        found = scraped(client)
        return {
            f"{who} {result}": found.get(f'payment_webhooks_total{{provider="{who}",result="{result}"}}', 0)
            for who, result in (
                *(("sandbox", "taken"), ("sandbox", "repeated")),
                *(("sandbox", "refused"), ("unknown", "refused")),
            )
        }

    context = client.application.extensions[EXTENSION].context
    secret = webhook_secret(context.settings.payments, context.settings.secret_key)
    body = orjson.dumps({"id": "sbx_evt_1", "type": "other", "created": 1, "data": {}})
    headers = {"Sandbox-Signature": sign(secret, body, int(time.time()))}
    before = webhooks()
    for _ in range(3):
        assert client.post(WEBHOOKS, data=body, headers=headers).status_code == 200
    client.post(WEBHOOKS, data=b"forged", headers=headers)
    for name in ("nobody", "anybody"):
        client.post(f"/api/v1/payments/webhooks/{name}", data=body, headers=headers)
    after = webhooks()
    assert {name: after[name] - before[name] for name in after} == {
        "sandbox taken": 1,
        "sandbox repeated": 2,
        "sandbox refused": 1,
        "unknown refused": 2,
    }
