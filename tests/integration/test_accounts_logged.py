"""What the log says of who came in and who was refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import func, update
from structlog.testing import capture_logs
from structlog.typing import EventDict

from config import Settings
from models.tables.accounts import User
from tests.integration.conftest import PASSWORD, Account, MakeApp
from web.http.services import Services

LOGIN = "/api/v1/auth/login"
WRONG = "not the password"

Told = list[dict[str, Any]]


def told(do: Callable[[], object], event: str) -> Told:
    """What is logged under an event's name while something is done."""
    with capture_logs() as lines:
        do()
    assert PASSWORD not in str(lines)
    assert WRONG not in str(lines)
    return [dict(line) for line in lines if line["event"] == event]


@pytest.mark.parametrize("path", [LOGIN, "/session"])
def test_a_log_in_is_logged_by_account_and_address(client: FlaskClient, shopper: Account, path: str) -> None:
    def log_in() -> None:
        given = {"email": shopper.email, "password": PASSWORD}
        client.post(path, json=given, environ_base={"REMOTE_ADDR": "2001:db8::1:2:3"})

    [line] = told(log_in, "logged_in")
    assert line == {
        "event": "logged_in",
        "log_level": "info",
        "account": str(shopper.id),
        "network": "2001:db8::/64",
    }


@pytest.mark.parametrize("path", [LOGIN, "/session"])
def test_a_wrong_password_is_logged_by_account(client: FlaskClient, shopper: Account, path: str) -> None:
    given = {"email": shopper.email, "password": WRONG}
    [line] = told(lambda: client.post(path, json=given), "log_in_failed")
    assert (line["account"], line["reason"]) == (str(shopper.id), "bad_credentials")
    assert (line["network"], line["log_level"]) == ("127.0.0.1", "warning")


def test_an_unknown_address_is_logged_as_a_digest(client: FlaskClient, make_app: MakeApp) -> None:
    def digest(at: FlaskClient, email: str) -> str:
        given = {"email": email, "password": WRONG}
        [line] = told(lambda: at.post(LOGIN, json=given), "log_in_failed")
        assert "ada" not in json.dumps(line).lower()
        assert "account" not in line
        found: str = line["email_digest"]
        return found

    ada = digest(client, "ada@example.com")
    assert digest(client, "Ada@Example.com") == ada
    assert digest(client, "adam@example.com") != ada
    elsewhere = make_app(secret_key="7c1d94e0b35f28a6d0417be9f3a86c5248be90d17f").test_client()
    assert digest(elsewhere, "ada@example.com") != ada  # the same digest in two shops would tell


def test_a_banned_log_in_is_logged(client: FlaskClient, shopper: Account, parts: Services) -> None:
    with parts.database.transaction() as session:
        session.execute(update(User).where(User.id == shopper.id).values(banned_at=func.now()))
    given = {"email": shopper.email, "password": PASSWORD}
    [line] = told(lambda: client.post(LOGIN, json=given), "log_in_failed")
    assert (line["account"], line["reason"]) == (str(shopper.id), "banned")


def test_a_log_in_after_too_many_tries_is_logged(make_app: MakeApp, settings: Settings) -> None:
    client = make_app(rate_limits=replace(settings.rate_limits, login="1/minute")).test_client()

    def guess() -> None:
        for _ in range(60):
            given = {"email": "ada@example.com", "password": WRONG}
            if client.post(LOGIN, json=given).status_code == 429:
                return

    *_, line = told(guess, "log_in_failed")
    assert line["reason"] == "too_many_tries"


def test_a_refused_csrf_token_is_logged(client: FlaskClient, shopper: Account) -> None:
    client.post("/session", json={"email": shopper.email, "password": PASSWORD})
    [line] = told(lambda: client.post("/api/v1/auth/logout"), "csrf_refused")
    assert (line["account"], line["method"], line["path"]) == (
        str(shopper.id),
        "POST",
        "/api/v1/auth/logout",
    )


@pytest.mark.parametrize("path", ["/api/v1/admin/log", "/admin", "/admin/orders"])
def test_a_denied_admin_is_logged(client: FlaskClient, shopper: Account, admin: Account, path: str) -> None:
    [line] = told(lambda: client.get(path, headers=shopper.headers), "admin_denied")
    assert (line["account"], line["method"], line["path"]) == (str(shopper.id), "GET", path)
    assert told(lambda: client.get(path, headers=admin.headers), "admin_denied") == []


def test_a_spent_refresh_token_is_logged(client: FlaskClient, shopper: Account) -> None:
    refresh = "/api/v1/auth/refresh"
    client.post(refresh, headers=shopper.refresh_headers)
    [line] = told(lambda: client.post(refresh, headers=shopper.refresh_headers), "refresh_token_reused")
    assert line["account"] == str(shopper.id)


def test_a_line_of_the_log_carries_the_requests_id(client: FlaskClient, shopper: Account) -> None:
    lines: Told = []

    def keep(_logger: object, _method: str, line: EventDict) -> EventDict:
        lines.append(dict(line))
        return line

    processors = structlog.get_config()["processors"]
    processors.insert(-1, keep)  # just before it is written
    try:
        given = {"email": shopper.email, "password": WRONG}
        client.post(LOGIN, json=given, headers={"X-Request-ID": "one-of-a-kind"})
    finally:
        processors.remove(keep)
    assert [(line["event"], line["request_id"]) for line in lines] == [("log_in_failed", "one-of-a-kind")]


@pytest.mark.parametrize(
    ("trusted", "peer", "headers", "is_told"),
    [
        (0, "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, True),
        (0, "10.0.0.7", {"X-Real-IP": "203.0.113.9"}, True),
        (0, "", {"Forwarded": "for=203.0.113.9"}, True),
        (0, "93.184.216.34", {"X-Forwarded-For": "203.0.113.9"}, False),  # anybody may write it
        (0, "127.0.0.1", {}, False),
        (1, "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, False),
        (2, "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, True),
        (2, "127.0.0.1", {"X-Forwarded-For": "203.0.113.9, 10.0.0.8"}, False),
    ],
)
def test_a_proxy_that_is_not_believed_is_logged_once(
    make_app: MakeApp, trusted: int, peer: str, headers: dict[str, str], is_told: bool
) -> None:
    client = make_app(trusted_proxies=trusted).test_client()

    def ask_twice() -> None:
        for _ in range(2):
            client.get("/healthz", headers=headers, environ_base={"REMOTE_ADDR": peer})

    assert len(told(ask_twice, "proxy_not_trusted")) == int(is_told)
