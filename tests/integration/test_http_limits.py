"""Limits: by account always, by address except a development machine's own, with Redis and without."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Settings
from tests.integration.conftest import PASSWORD, Account, MakeApp

LOGIN = "/api/v1/auth/login"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def limited(
    settings: Settings, make_app: MakeApp, *, environment: str = "development", **rates: str
) -> Flask:
    return make_app(rate_limits=replace(settings.rate_limits, **rates), environment=environment)


def log_in(client: FlaskClient, email: str, **options: Any) -> TestResponse:
    return client.post(LOGIN, json={"email": email, "password": "wrong password"}, **options)


def is_refused(answer: TestResponse) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.get_json()["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    return True


def test_guessing_one_accounts_password_is_slowed_down_from_anywhere(
    settings: Settings, make_app: MakeApp
) -> None:
    client = limited(settings, make_app, login="3/hour").test_client()
    for _ in range(3):
        assert log_in(client, "ada@example.com").status_code == 401
    assert is_refused(log_in(client, "ADA@example.com"))
    assert is_refused(log_in(client, "ada@example.com", environ_base=ELSEWHERE))
    assert log_in(client, "eve@example.com").status_code == 401


def test_processes_count_guesses_together(settings: Settings, make_app: MakeApp) -> None:
    for _ in range(2):
        assert log_in(limited(settings, make_app, login="2/hour").test_client(), "a@b.co").status_code == 401
    assert is_refused(log_in(limited(settings, make_app, login="2/hour").test_client(), "a@b.co"))


def test_an_address_is_limited_whatever_account_it_tries(settings: Settings, make_app: MakeApp) -> None:
    client = limited(settings, make_app, login="2/hour").test_client()
    for number in range(2):
        assert log_in(client, f"{number}@example.com", environ_base=ELSEWHERE).status_code == 401
    assert is_refused(log_in(client, "2@example.com", environ_base=ELSEWHERE))


@pytest.mark.parametrize(("environment", "spared"), [("development", True), ("production", False)])
def test_loopback_is_spared_in_development_only(
    settings: Settings, make_app: MakeApp, environment: str, spared: bool
) -> None:
    client = limited(settings, make_app, environment=environment, register="1/hour").test_client()
    answers = [
        client.post("/api/v1/auth/register", json={"email": f"{number}@example.com", "password": PASSWORD})
        for number in range(2)
    ]
    assert answers[0].status_code == 201
    assert is_refused(answers[1]) != spared


def test_the_neighbours_of_an_ipv6_network_are_one_address(settings: Settings, make_app: MakeApp) -> None:
    client = limited(settings, make_app, login="1/hour").test_client()
    near, far = {"REMOTE_ADDR": "2001:db8::1"}, {"REMOTE_ADDR": "2001:db8:0:1::1"}
    assert log_in(client, "a@example.com", environ_base=near).status_code == 401
    assert is_refused(log_in(client, "b@example.com", environ_base={"REMOTE_ADDR": "2001:db8::ffff"}))
    assert log_in(client, "c@example.com", environ_base=far).status_code == 401


def test_the_api_is_limited_by_account(settings: Settings, make_app: MakeApp, make_account: Any) -> None:
    client = limited(settings, make_app, api="2/hour").test_client()
    one, other = make_account(), make_account()
    for _ in range(2):
        assert client.get("/api/v1/me", headers=one.headers).status_code == 200
    assert is_refused(client.get("/api/v1/me", headers=one.headers))
    assert client.get("/api/v1/me", headers=other.headers).status_code == 200


def test_a_refresh_is_limited_by_account(settings: Settings, make_app: MakeApp, shopper: Account) -> None:
    client = limited(settings, make_app, refresh="1/hour").test_client()
    assert client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers).status_code == 200
    assert is_refused(client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers))


def test_without_redis_the_limits_hold_in_memory(settings: Settings, make_app: MakeApp) -> None:
    rates = replace(settings.rate_limits, login="2/hour")
    client = make_app(rate_limits=rates, redis_url="unix:///nowhere.sock?db=0").test_client()
    for _ in range(2):
        assert log_in(client, "ada@example.com").status_code == 401
    assert is_refused(log_in(client, "ada@example.com"))


def test_limits_can_be_switched_off(settings: Settings, make_app: MakeApp) -> None:
    rates = replace(settings.rate_limits, login="1/hour", api="1/hour")
    client = make_app(rate_limits=rates, rate_limits_enabled=False).test_client()
    assert [log_in(client, "ada@example.com").status_code for _ in range(3)] == [401] * 3
