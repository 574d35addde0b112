"""The alerts: each has a case that fires, one that rests, a paragraph in the runbook, and known metrics."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
PARTS_OF_A_FAMILY = re.compile(r"_(bucket|sum|count)$")
NAME = re.compile(r"\b[a-z][a-z0-9_]*_[a-z0-9_]+\b|\bsockets\b")
NO_METRICS = {"histogram_quantile", "max_over_time", "label_replace", "avg_over_time"}
PROMETHEUS_OWN = {"up"}
GRAFANA_OWN = {"__rate_interval", "label_values"}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    return found


@cache
def listed() -> set[str]:
    """The metrics of the table in docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    table = text.split("## The list", 1)[1].split("\n## ", 1)[0]
    firsts = (row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))
    return {name for first in firsts for name in re.findall(r"`([a-z_0-9]+)`", first)}


def metrics_in(query: str) -> set[str]:
    """The metrics that a query of Prometheus names, without `_bucket` and the like."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^\]]*\]', "", query)
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    names = {PARTS_OF_A_FAMILY.sub("", name) for name in NAME.findall(bare)}
    return names - NO_METRICS - PROMETHEUS_OWN - GRAFANA_OWN


def fires(case: dict[str, Any]) -> set[str]:
    return {one["alertname"] for one in case["alert_rule_test"] if one["exp_alerts"]}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_whole(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^### (\w+)\n\n\S.{80,}", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings
    names = metrics_in(rule["expr"])
    assert names or "up{" in rule["expr"]
    assert not names - listed()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_fires_in_one_case_and_rests_in_another_that_has_its_metrics(rule: dict[str, Any]) -> None:
    assert any(fires(case) == {rule["alert"]} for case in cases())
    resting = [
        metrics_in(" ".join(one["series"] for one in case["input_series"]))
        for case in cases()
        if any(one["alertname"] == rule["alert"] and not one["exp_alerts"] for one in case["alert_rule_test"])
    ]
    assert any(metrics_in(rule["expr"]) <= names for names in resting)


def test_the_runbook_has_no_alert_that_is_gone() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    section = text.split("## Alerts\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^### (\w+)", section, re.MULTILINE) == [rule["alert"] for rule in rules()]


def test_every_metric_of_the_list_is_in_the_code() -> None:
    code = "\n".join(
        path.read_text() for top in ("web", "tasks", "models") for path in (ROOT / top).rglob("*.py")
    )
    made = {name for name in listed() if re.match(r"sales_(waiting|standby|open_holds|held)$", name)}
    made |= {name for name in listed() if re.match(r"(payments|refunds|mails|pushes)_(oldest_)?open", name)}
    assert len(listed()) > 60
    assert not [name for name in listed() - made if f'"{name}"' not in code and f'b"{name} "' not in code]


def queries(dashboard: Any) -> Iterator[str]:
    if isinstance(dashboard, dict):
        if "expr" in dashboard:
            yield dashboard["expr"]
        for part in dashboard.values():
            yield from queries(part)
    elif isinstance(dashboard, list):
        for part in dashboard:
            yield from queries(part)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_for_metrics_that_exist(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    asked = list(queries(dashboard))
    assert len(asked) >= 8
    assert not {name for query in asked for name in metrics_in(query)} - listed()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.skipif(
    shutil.which("promtool") is None and os.environ.get("CI_ENGINES") != "1",
    reason="promtool is not on this machine",
)
@pytest.mark.parametrize(
    "asked",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "config", "compose.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(asked: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *asked],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
