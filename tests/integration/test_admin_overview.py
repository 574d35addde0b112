"""The overview of a sale: its figures are those of what was played, and only admins see them."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.audit.checks import NAMES
from models.enums import SaleStatus
from models.live.audits import AuditNote
from models.live.keys import SaleKeys
from tasks.payments.refunds import request_refund
from tasks.sales.auditing import audit_running_sales
from tasks.sales.overview import Overviews
from tests.integration.conftest import Account
from tests.support.paying import Till
from tests.support.shop import PRICE_MINOR, SaleUnderTest, Shop


def seen(sale: SaleUnderTest, **asked: Any) -> dict[str, Any]:
    """What an admin sees for the first time, so that nothing is remembered."""
    return Overviews(sale.context).of(sale.id, **asked)


def states(overview: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in overview["audit"]["checks"]}


@pytest.fixture
def played(shop: Shop) -> SaleUnderTest:
    """Four units for eight: one paid, one refunded, one expired, one held; three stand by, one left."""
    sale = shop.open_sale(4)
    people = shop.shoppers(8)
    ids = sale.line_up(people)
    sale.leave(people[7], ids[7])
    sale.drain()
    orders = {order.intent_id: order for order in sale.orders()}
    till = Till.over(shop.context)
    till.pay(orders[ids[0]])
    till.pay(orders[ids[1]])
    request_refund(till.context, orders[ids[1]].id, by=None)
    till.drive_refunds()
    till.end_hold(orders[ids[2]])
    shop.sweep()
    sale.context.live.pulse.take(sale.id)
    return sale


def test_the_funnel_and_the_revenue_are_those_of_what_was_played(played: SaleUnderTest) -> None:
    overview = seen(played)
    assert overview["funnel"] == {
        "intents": 8,
        "decided": 5,
        "held": 4,
        "paying": 0,
        "paid": 2,
        "refunded": 1,
        "expired": 1,
        "cancelled": 0,
        "sold_out": 0,
        "left": 1,
        "rejected": 0,
    }
    dollars = {name: overview["revenue"][name]["amount_minor"] for name in ("gross", "refunded", "net")}
    assert dollars == {"gross": 2 * PRICE_MINOR, "refunded": PRICE_MINOR, "net": PRICE_MINOR}
    assert overview["revenue"]["units"] == 1


def test_stock_and_line_are_the_live_ones(played: SaleUnderTest) -> None:
    sale, look = seen(played)["sale"], played.look()
    assert {name: sale[name] for name in ("available", "held", "sold", "allocation")} == {
        name: look.number(name) for name in ("available", "held", "sold", "allocation")
    }
    assert sale["queue"]["standby"] == look.number("standby") == 3


def test_holds_that_are_about_to_expire_are_counted(shop: Shop) -> None:
    soon, later = shop.open_sale(3, hold_seconds=30), shop.open_sale(3, hold_seconds=600)
    for sale in (soon, later):
        sale.line_up(shop.shoppers(2))
        sale.drain()
    assert (seen(soon)["holds"]["open"], seen(soon)["holds"]["expiring"]) == (2, 2)
    assert (seen(later)["holds"]["open"], seen(later)["holds"]["expiring"]) == (2, 0)
    assert seen(soon)["holds"]["next_deadline"] is not None


def test_times_to_a_verdict_are_those_of_the_ledger(shop: Shop) -> None:
    sale = shop.drained_sale(200, asked=101)
    sale.sql(
        "UPDATE intents SET submitted_at = decided_at - ticket * interval '10 ms' WHERE sale_id = :sale_id"
    )
    sale.sql("UPDATE sales SET opens_at = now() - interval '1 hour' WHERE id = :sale_id")
    times = seen(sale)["time_to_verdict"]
    assert (times["p50_ms"], times["p99_ms"], times["verdicts"]) == (510, 1_000, 101)


def test_who_came_to_the_lobby_waits_from_the_opening_on(shop: Shop) -> None:
    sale = shop.drained_sale(5, asked=1)
    sale.sql("UPDATE intents SET submitted_at = now() - interval '1 hour' WHERE sale_id = :sale_id")
    sale.sql(
        "UPDATE sales SET opens_at = (SELECT decided_at - interval '2 s' FROM intents) WHERE id = :sale_id"
    )
    assert seen(sale)["time_to_verdict"]["p50_ms"] == 2_000


def test_a_sale_that_nobody_came_to_has_figures_of_nothing(shop: Shop) -> None:
    overview = seen(shop.scheduled_sale(3))
    assert set(overview["funnel"].values()) == {0}
    assert overview["time_to_verdict"] == {"p50_ms": None, "p99_ms": None, "verdicts": 0, "over_seconds": 300}
    assert overview["holds"]["next_deadline"] is None
    assert (overview["series"]["at"], overview["revenue"]["net"]["amount_minor"]) == ([], 0)
    assert overview["sockets"] == {"open": 0, "watching": 0, "processes": 0}


def test_the_series_goes_on_from_a_moment(
    client: FlaskClient, shop: Shop, admin: Account, played: SaleUnderTest
) -> None:
    key = SaleKeys.of(played.id).pulse
    now_ms = shop.context.live.now_ms()
    shop.context.live.client.delete(key)
    for ago in range(10, -1, -1):
        tickets = 8 - ago if ago < 8 else 0
        shop.context.live.client.lpush(key, f"{now_ms - ago * 1_000}|{tickets}|0|4|0|0|{tickets}|0")
    path = f"/api/v1/admin/sales/{played.id}/overview"
    whole = client.get(path, headers=admin.headers).get_json()["series"]
    assert (len(whole["at"]), whole["waiting"][-1], whole["intents_per_second"][-1]) == (10, 8, 1.0)
    query = {"since": whole["at"][-3]}
    rest = client.get(path, query_string=query, headers=admin.headers).get_json()["series"]
    assert rest["at"] == whole["at"][-2:]
    assert rest["intents_per_second"] == whole["intents_per_second"][-2:]


def test_each_invariant_has_the_status_that_the_last_audit_found(shop: Shop) -> None:
    sale = shop.drained_sale(2, asked=2)
    assert states(seen(sale)) == dict.fromkeys(NAMES, "unknown")
    (audit,) = audit_running_sales(shop.context)
    assert [check.name for check in audit.checks] == list(NAMES)
    assert states(seen(sale)) == dict.fromkeys(NAMES, "ok")
    sale.sql("UPDATE sales SET held = 1 WHERE id = :sale_id")
    audit_running_sales(shop.context)
    broken = {name for name, state in states(seen(sale)).items() if state == "violated"}
    assert {"conservation", "stores_agree"} <= broken < set(NAMES)


def test_an_audit_of_long_ago_tells_no_status_of_a_running_sale(shop: Shop) -> None:
    sale = shop.open_sale(1)
    long_ago = shop.context.live.now_ms() - 90_000
    shop.context.live.note_audit(sale.id, AuditNote(long_ago, False, dict.fromkeys(NAMES, True)))
    assert set(states(seen(sale)).values()) == {"unknown"}
    slow = AuditNote(long_ago, False, dict.fromkeys(NAMES, True), round_ms=100_000)
    shop.context.live.note_audit(sale.id, slow)  # its turn comes seldom
    assert set(states(seen(sale)).values()) == {"ok"}
    shop.context.live.note_audit(sale.id, replace(slow, round_ms=100))
    assert set(states(seen(sale)).values()) == {"unknown"}
    sale.move(SaleStatus.ENDED)
    assert set(states(seen(sale)).values()) == {"ok"}


def test_sockets_of_all_processes_are_told_and_those_that_are_gone_are_not(shop: Shop) -> None:
    sale, live = shop.open_sale(1), shop.context.live
    now_ms = live.now_ms()
    live.attendance.note("old:1", 900, {str(sale.id): 900}, now_ms - 60_000)
    live.attendance.note("here:1", 5, {str(sale.id): 3}, now_ms)
    live.attendance.note("here:2", 4, {str(uuid.uuid4()): 4}, now_ms)
    assert seen(sale)["sockets"] == {"open": 9, "watching": 3, "processes": 2}


def test_what_the_ledger_counted_is_remembered_for_a_moment(shop: Shop) -> None:
    sale, overviews = shop.open_sale(2), Overviews(shop.context)
    assert overviews.of(sale.id)["funnel"]["held"] == 0
    sale.line_up(shop.shoppers(2))
    sale.drain()
    again = overviews.of(sale.id)
    assert (again["funnel"]["held"], again["sale"]["held"]) == (0, 2)  # the live side is never remembered


@pytest.mark.parametrize("path", ["/api/v1/admin/sales/{id}/overview", "/admin/sales/{id}"])
def test_a_sale_that_is_not_there_has_no_overview(client: FlaskClient, admin: Account, path: str) -> None:
    assert client.get(path.format(id=uuid.uuid4()), headers=admin.headers).status_code == 404


def test_a_moment_that_is_none_is_refused(client: FlaskClient, shop: Shop, admin: Account) -> None:
    path = f"/api/v1/admin/sales/{shop.open_sale(1).id}/overview?since=yesterday"
    assert client.get(path, headers=admin.headers).status_code == 422


@pytest.mark.parametrize(
    "status", [SaleStatus.SCHEDULED, SaleStatus.OPEN, SaleStatus.PAUSED, SaleStatus.ENDED]
)
def test_the_page_offers_what_the_sales_status_allows(
    client: FlaskClient, shop: Shop, admin: Account, status: SaleStatus
) -> None:
    sale = shop.scheduled_sale(3)
    for step in {SaleStatus.SCHEDULED: []}.get(status, [SaleStatus.OPEN, status]):
        if step != SaleStatus(sale.row().status):
            sale.move(step)
    page = client.get(f"/admin/sales/{sale.id}", headers=admin.headers).get_data(as_text=True)
    offered = {verb for verb in VERBS if f'data-verb="{verb}"' in page and not _is_hidden(page, verb)}
    changes = {"price", "allocation", "pace", "cancel"}
    assert (
        offered
        == {
            SaleStatus.SCHEDULED: {"open", *changes},
            SaleStatus.OPEN: {"pause", "end", *changes},
            SaleStatus.PAUSED: {"resume", "end", *changes},
            SaleStatus.ENDED: set(),
        }[status]
    )


VERBS = ("open", "pause", "resume", "end", "cancel", "price", "allocation", "pace")


def _is_hidden(page: str, verb: str) -> bool:
    button = page.split(f'data-verb="{verb}"', 1)[1].split(">", 1)[0]
    return "hidden" in button
