"""The report of a sale: every figure as it was played, true ever after, made again when money moves."""

import csv
import io
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models.enums import SaleStatus
from models.report.series import COLUMNS
from models.tables.background import BackgroundTask
from tasks.background import report_requests as asking
from tasks.background.report_requests import ask_for_due_reports
from tests.integration.conftest import Account
from tests.support.played import Played
from tests.support.problems import assert_problem
from tests.support.shop import PRICE_MINOR, Shop
from web.api.schemas.reports import ComparisonSchema, ReportSchema

Report = dict[str, Any]


@pytest.fixture
def played(shop: Shop) -> Played:
    """A sale that is over and settled."""
    played = Played.to_its_end(shop)
    played.settle()
    return played


def report_of(client: FlaskClient, admin: Account, sale_id: UUID) -> Report:
    answer = client.get(f"/api/v1/sales/{sale_id}/report", headers=admin.headers)
    assert answer.status_code == 200, answer.text
    report: Report = answer.get_json()
    return report


def usd(units: int) -> dict[str, Any]:
    return {"amount_minor": units * PRICE_MINOR, "currency": "USD"}


def run_tasks(shop: Shop) -> list[BackgroundTask]:
    """Do what workers do about background tasks; returns them all."""
    shop.work_off()
    with shop.context.database.transaction() as session:
        return list(session.scalars(select(BackgroundTask).order_by(BackgroundTask.submitted_at)))


def test_the_figures_are_those_of_the_sale_as_it_was_played(
    client: FlaskClient, admin: Account, played: Played
) -> None:
    played.refund()
    report = report_of(client, admin, played.sale.id)
    assert report["is_final"]
    assert report["funnel"] == {
        "intents": 8,
        "decided": 8,
        "held": 6,
        "payment_begun": 4,
        "paid": 4,
        "refunded": 1,
        "expired": 1,
        "cancelled": 1,
        "open": 0,
        "sold_out": 1,
        "rejected": 0,
        "left": 1,
        "standby": 0,
        "in_line": 0,
    }
    assert report["revenue"] == {
        "gross": usd(4),
        "refunded": usd(1),
        "net": usd(3),
        "average_order": usd(1),
    }
    assert report["units"] == {
        "allocation": 4,
        "asked": 8,
        "granted": 6,
        "paid": 4,
        "refunded": 1,
        "expired": 1,
        "cancelled": 1,
        "open": 0,
        "sold": 3,
        "demand_ratio": 2.0,
    }
    assert report["shoppers"] == {"asked": 8, "granted": 6, "paid": 4}
    assert report["payments"] == {"attempts": 4, "declined": 0}
    assert report["reasons"] == [{"status": "sold_out", "reason": "sale_ended", "intents": 1}]
    assert report["audit"]["ok"]
    assert report["audit"]["money"] == {"charged": usd(4), "refunded": usd(1), "undecided": usd(0)}
    assert report["fairness"] == {"order": "fifo", "fifo_inversions": 0, "draw": None}


def test_the_spreads_count_whom_they_concern_and_are_in_order(
    client: FlaskClient, admin: Account, played: Played
) -> None:
    report = report_of(client, admin, played.sale.id)
    counts = {name: spread["count"] for name, spread in report["spreads_ms"].items()}
    assert counts == {"to_verdict": 7, "on_standby": 4, "hold_to_paid": 4}
    for spread in report["spreads_ms"].values():
        assert 0 <= spread["p50"] <= spread["p90"] <= spread["p99"] <= spread["max"]
    since = report["seconds_from_opening"]
    assert 0 <= since["first_hold"] <= since["all_taken"] <= since["last_verdict"] <= since["last_paid"]


def test_the_series_adds_up_to_the_funnel_and_ends_as_the_sale_stands(
    client: FlaskClient, admin: Account, played: Played
) -> None:
    played.refund()
    report = report_of(client, admin, played.sale.id)
    series, funnel = report["series"], report["funnel"]
    assert series["columns"] == list(COLUMNS)
    totals = [sum(column) for column in zip(*series["rows"], strict=True)]
    told = dict(zip(COLUMNS, totals, strict=True))
    assert {name: told[name] for name in ("intents", "decided", "granted", "paid", "refused")} == {
        "intents": funnel["intents"],
        "decided": funnel["decided"],
        "granted": funnel["held"],
        "paid": funnel["paid"],
        "refused": funnel["sold_out"] + funnel["rejected"],
    }
    assert series["first"] == [0, 0, 4, 0, 0]
    last = dict(zip(COLUMNS, series["rows"][-1], strict=True))
    row = played.sale.row()
    assert {name: last[name] for name in ("line", "standby", "available", "held", "sold")} == {
        "line": 0,
        "standby": 0,
        "available": row.available,
        "held": row.held,
        "sold": row.sold,
    }
    assert all(sum(levels[8:]) == 4 for levels in series["rows"])


def test_while_units_are_on_their_way_the_figures_are_those_so_far(
    client: FlaskClient, admin: Account, shop: Shop
) -> None:
    sale = shop.open_sale(1)
    sale.line_up(shop.shoppers(3))
    before = report_of(client, admin, sale.id)
    assert (before["is_final"], before["funnel"]["intents"], before["funnel"]["in_line"]) == (False, 3, 3)
    sale.drain()
    during = report_of(client, admin, sale.id)
    assert (during["is_final"], during["funnel"]["open"], during["funnel"]["standby"]) == (False, 1, 2)
    assert during["series"]["rows"][-1][6:8] == [0, 2]
    sale.move(SaleStatus.ENDED)
    shop.sweep()
    sale.drain()
    shop.sweep()
    after = report_of(client, admin, sale.id)
    assert (after["is_final"], after["funnel"]["open"], after["funnel"]["sold_out"]) == (False, 1, 2)
    assert ask_for_due_reports(shop.context) == 0


def test_a_sale_that_is_settled_has_its_report_made_once_by_a_task(
    client: FlaskClient, admin: Account, shop: Shop, played: Played
) -> None:
    assert ask_for_due_reports(shop.context) == 1
    assert ask_for_due_reports(shop.context) == 0
    [task] = run_tasks(shop)
    assert (task.kind, task.state, task.sale_id) == ("report", "SUCCESS", played.sale.id)
    listed = client.get("/api/v1/tasks?kind=report", headers=admin.headers).get_json()["items"]
    assert [(one["task_id"], one["state"]) for one in listed] == [(str(task.id), "SUCCESS")]
    assert ask_for_due_reports(shop.context) == 0
    first, second = (report_of(client, admin, played.sale.id) for _ in range(2))
    assert first == second
    assert first["is_final"]
    assert first["made_at"] == listed[0]["result"]["made_at"]


def test_a_refund_after_the_end_makes_the_report_stale_and_it_is_made_again(
    client: FlaskClient, admin: Account, shop: Shop, played: Played
) -> None:
    ask_for_due_reports(shop.context)
    run_tasks(shop)
    assert report_of(client, admin, played.sale.id)["revenue"]["net"] == usd(4)
    played.refund()
    assert report_of(client, admin, played.sale.id)["revenue"]["net"] == usd(3)
    assert ask_for_due_reports(shop.context) == 0, "the one who looked has made it"


def test_a_refund_that_nobody_looks_for_has_the_report_made_again_too(shop: Shop, played: Played) -> None:
    ask_for_due_reports(shop.context)
    run_tasks(shop)
    played.refund()
    assert ask_for_due_reports(shop.context) == 1
    assert [task.state for task in run_tasks(shop)] == ["SUCCESS", "SUCCESS"]
    assert ask_for_due_reports(shop.context) == 0


def test_where_a_report_takes_long_the_answer_is_the_task_that_makes_it(
    client: FlaskClient, admin: Account, shop: Shop, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 0)
    path = f"/api/v1/sales/{played.sale.id}/report"
    answers = [client.get(path + end, headers=admin.headers) for end in ("", ".csv", "")]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.location for answer in answers}) == 1, "one task for all who ask"
    assert answers[0].headers["Retry-After"]
    assert client.get(answers[0].location, headers=admin.headers).get_json()["state"] == "PENDING"
    run_tasks(shop)
    assert client.get(answers[0].location, headers=admin.headers).get_json()["state"] == "SUCCESS"
    assert report_of(client, admin, played.sale.id)["funnel"]["paid"] == 4


def test_of_a_large_sale_that_runs_a_young_report_will_do(
    client: FlaskClient, admin: Account, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 0)
    sale = shop.drained_sale(2, asked=1)
    path = f"/api/v1/sales/{sale.id}/report"
    assert client.get(path, headers=admin.headers).status_code == 202
    run_tasks(shop)
    sale.line_up(shop.shoppers(1))
    sale.drain()
    assert report_of(client, admin, sale.id)["funnel"]["held"] == 1
    sale.sql("UPDATE sale_reports SET made_at = made_at - interval '1 minute' WHERE sale_id = :sale_id")
    assert client.get(path, headers=admin.headers).status_code == 202


def test_a_report_is_made_again_on_request(
    client: FlaskClient, admin: Account, shop: Shop, played: Played
) -> None:
    before = report_of(client, admin, played.sale.id)
    answer = client.post(f"/api/v1/sales/{played.sale.id}/report", headers=admin.headers)
    assert answer.status_code == 202
    assert answer.get_json()["kind"] == "report"
    [task] = run_tasks(shop)
    assert task.requested_by == admin.id
    after = report_of(client, admin, played.sale.id)
    assert after["made_at"] > before["made_at"]
    assert after["funnel"] == before["funnel"]


def test_the_series_is_exported_with_the_time_of_day(
    client: FlaskClient, admin: Account, played: Played
) -> None:
    report = report_of(client, admin, played.sale.id)
    answer = client.get(f"/api/v1/sales/{played.sale.id}/report.csv", headers=admin.headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert f"report-{played.sale.id}.csv" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(f"\ufeff{COLUMNS[0]},".encode())
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    told = [[int(row[name]) for name in COLUMNS] for row in rows]
    assert told == report["series"]["rows"]
    assert all(row["at"].endswith("Z") and row["bucket_seconds"] == "1" for row in rows)


def test_reports_are_of_sales_that_exist(client: FlaskClient, admin: Account) -> None:
    nowhere = f"/api/v1/sales/{uuid4()}/report"
    for method, path in (
        ("GET", nowhere),
        ("GET", f"{nowhere}.csv"),
        ("POST", nowhere),
        ("GET", f"/api/v1/admin/sales/compare?a={uuid4()}&b={uuid4()}"),
    ):
        assert_problem(client.open(path, method=method, headers=admin.headers), 404, code="no_such_sale")


def test_a_sale_that_nobody_came_to_has_a_report_of_nothing(
    client: FlaskClient, admin: Account, shop: Shop
) -> None:
    sale = shop.open_sale(5)
    sale.move(SaleStatus.ENDED)
    shop.sweep()
    report = report_of(client, admin, sale.id)
    assert report["is_final"]
    assert set(report["funnel"].values()) == {0}
    assert report["series"]["rows"] == []
    assert report["revenue"]["average_order"] is None
    assert report["units"]["demand_ratio"] == 0
    assert all(spread["p50"] is None for spread in report["spreads_ms"].values())
    assert client.get(f"/api/v1/sales/{sale.id}/report.csv", headers=admin.headers).text.count("\n") == 1


def test_a_sale_that_was_cancelled_before_it_opened_never_opened(
    client: FlaskClient, admin: Account, shop: Shop
) -> None:
    sale = shop.lobby(2)
    sale.line_up(shop.shoppers(2))
    sale.move(SaleStatus.CANCELLED)
    sale.drain()
    shop.sweep()
    report = report_of(client, admin, sale.id)
    assert report["times"]["opened_at"] is None
    assert (report["funnel"]["rejected"], report["funnel"]["held"]) == (2, 0)
    assert report["reasons"] == [{"status": "rejected", "reason": "sale_cancelled", "intents": 2}]


def test_a_draw_tells_its_seed(client: FlaskClient, admin: Account, shop: Shop) -> None:
    sale = shop.lobby(1, order="draw")
    sale.line_up(shop.shoppers(3))
    sale.move(SaleStatus.OPEN)
    sale.drain()
    draw = report_of(client, admin, sale.id)["fairness"]["draw"]
    assert (draw["seed"], draw["lobby"], draw["repeats"]) == (sale.row().draw_seed, 3, True)


def test_an_allocation_that_was_changed_is_told_as_it_was(
    client: FlaskClient, admin: Account, shop: Shop
) -> None:
    sale = shop.drained_sale(2, asked=1)
    sale.change(allocation=5)
    series = report_of(client, admin, sale.id)["series"]
    assert series["first"][2] == 2
    assert sum(series["rows"][-1][8:]) == 5


def test_two_sales_are_compared_figure_by_figure(
    client: FlaskClient, admin: Account, shop: Shop, played: Played
) -> None:
    other = shop.drained_sale(2, asked=2)
    query = {"a": played.sale.id, "b": other.id}
    answer = client.get("/api/v1/admin/sales/compare", query_string=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    assert (told["a"]["is_final"], told["b"]["is_final"]) == (True, False)
    figures = {one["name"]: one for one in told["figures"]}
    intents = figures["funnel.intents"]
    assert (intents["a"], intents["b"], intents["difference"], intents["ratio"]) == (8, 2, -6, 0.25)
    gross = figures["revenue.gross"]
    assert (gross["a"], gross["difference"], gross["ratio"]) == (usd(4), usd(-4), 0)
    assert figures["spreads_ms.hold_to_paid.p50"]["difference"] is None
    series = told["series"]
    assert series["seconds"] == sorted(set(series["seconds"]))
    assert (sum(series["a"]["intents"]), sum(series["b"]["intents"])) == (8, 2)
    assert (series["a"]["sold"][-1], series["b"]["held"][-1]) == (4, 2)
    half = client.get(f"/api/v1/admin/sales/compare?a={played.sale.id}", headers=admin.headers)
    assert (half.status_code, list(half.get_json()["errors"])) == (422, ["b"])


def test_the_command_line_tells_a_report_as_json_and_csv(app: Flask, played: Played) -> None:
    runner, sale_id = app.test_cli_runner(), str(played.sale.id)
    for options in ([], ["--json"]):
        told = runner.invoke(args=["sales", "report", sale_id, *options])
        assert told.exit_code == 0, told.output
        assert json.loads(told.output)["funnel"]["paid"] == 4
    told = runner.invoke(args=["sales", "report", sale_id, "--csv"])
    assert told.output.splitlines()[0] == ",".join(("seconds", "at", "bucket_seconds", *COLUMNS[1:]))
    missing = runner.invoke(args=["sales", "report", str(uuid4())])
    assert missing.exit_code == 1
    assert "No sale has this id." in missing.output


def test_the_documented_shape_is_the_one_that_is_told(
    client: FlaskClient, admin: Account, played: Played
) -> None:
    report = report_of(client, admin, played.sale.id)
    assert set(ReportSchema().fields) == set(report)
    for name, field in ReportSchema().fields.items():
        if nested := getattr(field, "schema", None):
            assert set(nested.fields) == set(report[name]), name
    query = {"a": played.sale.id, "b": played.sale.id}
    told = client.get("/api/v1/admin/sales/compare", query_string=query, headers=admin.headers).get_json()
    assert set(ComparisonSchema().fields) == set(told)
