"""Operators: who reads the figures and the details, and what it costs when everybody asks."""

from typing import Any

import pytest
from flask import Flask

from config import OpsSettings
from tests.integration.conftest import MakeApp
from tests.support.threads import at_once
from web.health.readiness import Readiness

TOKEN = "e2f0c1d4b5a69788"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FAR = {"REMOTE_ADDR": "203.0.113.7"}


def sees(app: Flask, **options: Any) -> tuple[bool, bool]:
    """Whether somebody reads the figures and the details; everybody hears whether the shop is ready."""
    client = app.test_client()
    metrics, ready = client.get("/metrics", **options), client.get("/readyz", **options)
    assert metrics.status_code in {200, 401}
    assert (ready.status_code == 200) == (ready.get_json()["status"] == "ready")
    assert client.get("/healthz", **options).status_code == 200
    return metrics.status_code == 200, "checks" in ready.get_json()


def test_development_answers_everybody(make_app: MakeApp) -> None:
    assert sees(make_app(), environ_base=FAR) == (True, True)


@pytest.mark.parametrize("environment", ["development", "production"])
def test_with_a_token_only_who_shows_it_sees(make_app: MakeApp, environment: str) -> None:
    app = make_app(environment=environment, ops=OpsSettings(token=TOKEN))
    assert sees(app, headers=BEARER, environ_base=FAR) == (True, True)
    assert sees(app) == (False, False)
    for shown in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer", "Bearer é", f"Bearer {TOKEN[:-1]}"):
        assert sees(app, headers={"Authorization": shown}) == (False, False)


def test_production_without_settings_answers_the_machine_itself_and_no_proxy(make_app: MakeApp) -> None:
    app = make_app(environment="production")
    assert sees(app) == (True, True)
    assert sees(app, environ_base=FAR) == (False, False)
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert sees(app, headers={header: "127.0.0.1"}) == (False, False)
    proxied = make_app(environment="production", trusted_proxies=1)
    assert sees(proxied, headers={"X-Forwarded-For": "127.0.0.1"}) == (False, False)


def test_frequent_questions_share_one_answer(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    check = Readiness.check

    def counting(readiness: Readiness) -> Any:
        asked.append(1)
        return check(readiness)

    monkeypatch.setattr(Readiness, "check", counting)
    app = make_app()
    at_once(*[lambda: app.test_client().get("/readyz")] * 60)
    assert 1 <= len(asked) < 30
