"""A Redis that is there and takes no writes is a 503 to everybody, hinders no other sale, and is got over."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.enums import SaleStatus
from models.live.keys import SaleKeys
from tasks import sweeper as sweeping
from tasks.agenda import read_agenda
from tasks.context import Context
from tasks.sales.auditing import audit_running_sales
from tasks.sales.pulse import take_pulses
from tests.integration.conftest import Account, MakeAccount
from tests.support.contexts import heard_bell, plain_settings
from tests.support.moods import MOODS, Mood, full, read_only
from tests.support.polling import eventually
from tests.support.problems import assert_problem
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

VERBS = ("pause", "resume", "raise", "end", "cancel", "open")
EACH_VERB = [  # and each mood once; any verb in any mood before a release
    pytest.param(verb, mood, id=f"{verb}-{mood.__name__}", marks=[] if at == other else pytest.mark.release)
    for at, verb in enumerate(VERBS)
    for other, mood in enumerate(MOODS)
]


def submit(client: FlaskClient, sale: SaleUnderTest, who: Account, **headers: str) -> TestResponse:
    return client.post(f"/api/v1/sales/{sale.id}/intents", json={}, headers=who.headers | headers)


def of_admin(client: FlaskClient, sale: SaleUnderTest, admin: Account, verb: str) -> TestResponse:
    if verb == "raise":
        return client.patch(f"/api/v1/sales/{sale.id}", json={"allocation": 50}, headers=admin.headers)
    return client.post(f"/api/v1/sales/{sale.id}/{verb}", headers=admin.headers)


def spoil(sale: SaleUnderTest, key: str) -> None:
    """Let a key of the sale be of a kind that no script understands: trouble of this sale alone."""
    client = sale.context.live.client
    client.delete(getattr(SaleKeys.of(sale.id), key))
    client.set(getattr(SaleKeys.of(sale.id), key), "no hash and no list")


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.__name__)
def test_an_intent_that_redis_does_not_take_is_a_503_and_is_not_in_line(
    client: FlaskClient, shop: Shop, shopper: Account, mood: Mood
) -> None:
    sale = shop.open_sale(5)
    with mood(shop.context.live.client):
        assert_problem(submit(client, sale, shopper), 503, code="line_unavailable")
    assert (sale.look().number("last_ticket"), sale.look().line_length) == (0, 0)
    assert submit(client, sale, shopper).status_code == 202
    sale.drain()
    assert sale.statuses() == ["held"]
    assert sale.audit().ok


@pytest.mark.parametrize(("verb", "mood"), EACH_VERB)
def test_what_an_admin_wants_of_a_sale_is_a_503_then_and_nothing_is_half_done(
    client: FlaskClient, shop: Shop, admin: Account, mood: Mood, verb: str
) -> None:
    sale = shop.scheduled_sale(5) if verb == "open" else shop.open_sale(5)
    if verb == "resume":
        sale.move(SaleStatus.PAUSED)
    was = sale.row()
    with mood(shop.context.live.client):
        assert_problem(of_admin(client, sale, admin, verb), 503, code="line_unavailable")
    now = sale.row()
    assert (now.status, now.revision, now.allocation) == (was.status, was.revision, was.allocation)
    shop.sweep()
    assert sale.look().fields["status"] == was.status
    eventually(lambda: of_admin(client, sale, admin, verb).status_code == 200)
    assert sale.audit().ok


def test_who_stands_in_line_is_told_so_by_a_full_redis(
    client: FlaskClient, shop: Shop, make_account: MakeAccount
) -> None:
    sale, ann, bob = shop.open_sale(5), make_account(), make_account()
    first = submit(client, sale, ann, **{"Idempotency-Key": "k"}).get_json()
    with full(shop.context.live.client):
        again = submit(client, sale, ann, **{"Idempotency-Key": "k"})
        assert (again.status_code, again.get_json()["id"]) == (202, first["id"])
        assert_problem(submit(client, sale, ann), 409, code="already_in_line")
        assert_problem(submit(client, sale, bob), 503, code="line_unavailable")


@pytest.mark.parametrize("key", ["state", "line", "claims", "holds", "intents", "pulse"])
def test_the_trouble_of_one_sale_hinders_no_other(shop: Shop, context: Context, key: str) -> None:
    broken, due = shop.open_sale(2), shop.scheduled_sale(3, opens_in_s=-1)
    fine = shop.open_sale(2)
    for sale in (broken, fine):
        sale.line_up(shop.shoppers(3))
        sale.drain()
        sale.sql("UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id")
    spoil(broken, key)
    sweeping.sweep_everything(context)
    assert due.row().status == "open"
    assert (fine.row().held, fine.look().number("available")) == (0, 2)
    audited = {str(audit.sale_id) for audit in audit_running_sales(context)}
    assert {str(due.id), str(fine.id)} <= audited
    assert take_pulses(context, read_agenda(context.database).moving_sales) >= 2


def test_a_sweep_of_holds_that_fails_leaves_the_sales_their_turn(
    shop: Shop, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_context: Context) -> int:
        raise RuntimeError("nobody foresaw this")

    due = shop.scheduled_sale(opens_in_s=-1)
    monkeypatch.setattr(sweeping, "sweep_holds", broken)
    sweeping.sweep_everything(context)
    assert due.row().status == "open"


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.__name__)
def test_when_redis_takes_writes_again_everything_goes_on_by_itself(
    shop: Shop, context: Context, mood: Mood
) -> None:
    sale, due = shop.open_sale(3), shop.scheduled_sale(opens_in_s=-1)
    sale.line_up(shop.shoppers(3))
    sale.drain()
    sale.sql("UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id")
    sale.line_up(shop.shoppers(4))
    with mood(context.live.client):
        sweeping.sweep_everything(context)
    sweeping.sweep_everything(context)
    sale.drain()
    assert due.row().status == due.look().fields["status"] == "open"
    assert sale.row().held == sale.look().number("held") == 3
    assert [one.ticket for one in sale.intents() if one.status == "held"] == [1, 2, 3, 4, 5, 6]
    assert sale.audit().ok


@pytest.mark.parametrize("mood", [full, read_only], ids=lambda mood: mood.__name__)
def test_a_redis_that_takes_no_writes_is_not_ready(client: FlaskClient, context: Context, mood: Mood) -> None:
    with mood(context.live.client):
        answer = client.get("/readyz")
    told = answer.get_json()["checks"]["redis"]
    assert (answer.status_code, told["ok"]) == (503, False)
    assert "takes nothing now" in told["detail"]


def test_an_audit_that_cannot_be_noted_cries_out_all_the_same(shop: Shop, context: Context) -> None:
    sale = shop.open_sale(3)
    sale.sql("UPDATE sales SET held = 1 WHERE id = :sale_id")
    with full(context.live.client):
        (audit,) = audit_running_sales(context)
    assert not audit.ok


@pytest.mark.parametrize("mood", [full, read_only], ids=lambda mood: mood.__name__)
def test_a_bell_that_redis_does_not_take_is_a_lost_bell(shop: Shop, stores: Stores, mood: Mood) -> None:
    bell = heard_bell(plain_settings(stores))
    with mood(shop.context.live.client):
        rung: list[Any] = [bell.ring(uuid4()), bell.ring_for_payments(), bell.ring_for_mails()]
    assert rung == [False, False, False]
    assert bell.ring(uuid4())
